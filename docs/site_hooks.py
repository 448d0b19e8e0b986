"""MkDocs hooks: puts the documents at the top of the repository into the site.

Forges show README.md, CONTRIBUTING.md and CHANGELOG.md where they are, so they stay there; their
links, and those to them, are turned to where the site has its pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
# Documents at the top of the repository, and their pages.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each document at the top of the repository."""
    for document, page in PAGES.items():
        text = (ROOT / document).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn a page's links between documents into links between pages."""
    folder = ROOT if page.file.src_uri in PAGES.values() else ROOT / "docs"
    return _LINK.sub(lambda link: _turned(link, folder, files), markdown)


def _turned(link: re.Match[str], folder: Path, files: Files) -> str:
    """Return a link as the site has it; of one to a file that the site lacks, only the text."""
    path = link["path"]
    if not path or "://" in path:
        return link[0]
    target = (folder / path).resolve()
    if not target.exists():
        return link[0]  # MkDocs complains about it
    name = target.relative_to(ROOT).as_posix()
    page = PAGES.get(name, name.removeprefix("docs/"))
    if page == name and name not in PAGES:
        return link["text"]
    return f"{link['image']}[{link['text']}]({page}{link['anchor'] or ''})"
