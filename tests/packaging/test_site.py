"""The documentation site: it builds strictly, is complete, and fetches nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fer_core
from tests.conftest import ROOT

pytestmark = pytest.mark.site

# What the documents are, and what they link to beside each other.
SOURCES = (
    "mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "LICENSE",
    "assets/samples/README.md",
)  # fmt: skip
# What a browser fetches by itself, unlike the target of a link.
FETCHED = re.compile(
    r'<(?:script|img|iframe|source)[^>]*\ssrc="([^"]+)"|<link[^>]*\shref="([^"]+)"'
)


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    # Without --quiet, with which --strict counts no warning.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(
        [*command, "--config-file", str(config)],
        cwd=config.parent,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_public_name_is_documented(site: Path) -> None:
    page = (site / "API.html").read_text(encoding="utf-8")
    assert set(re.findall(r'id="fer_core\.(\w+)"', page)) >= set(fer_core.__all__)


def test_every_document_is_a_page(site: Path) -> None:
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")}
    pages = {path.stem for path in site.glob("*.html")}
    assert pages == documents | {"index", "CONTRIBUTING", "CHANGELOG", "404"}


def test_links_between_documents_are_links_between_pages(site: Path) -> None:
    overview = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="MODEL_CARD.html">model card</a>' in overview
    # The licence is no page: its name stays, without a link that would lead nowhere.
    assert "MIT, see LICENSE." in overview
    contributing = (site / "CONTRIBUTING.html").read_text(encoding="utf-8")
    assert '<a href="ARCHITECTURE.html">Architecture</a>' in contributing


def test_nothing_is_fetched_from_other_hosts(site: Path) -> None:
    fetched = {
        address
        for page in site.rglob("*.html")
        for found in FETCHED.findall(page.read_text(encoding="utf-8"))
        for address in found
        if address
    }
    assert any(address.endswith(".css") for address in fetched)
    assert not [address for address in fetched if re.match(r"(https?:)?//", address)]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", styles)


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "assets" / "samples").mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy / name)
    # Without the code, and without the docstrings that take most of the time.
    (copy / "docs" / "API.md").write_text("# Public interface\n", encoding="utf-8")
    with (copy / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\n[Nowhere](docs/NOWHERE.md)\n")
    done = build(copy / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 1
    assert "NOWHERE.md" in done.stderr and done.stderr.count("WARNING -") == 1
