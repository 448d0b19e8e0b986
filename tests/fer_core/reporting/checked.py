"""A report as a browser takes it apart, and what must hold of every one."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import cv2
import numpy as np

_VOID = ("meta", "link", "img", "br")
_EMPTY_SVG = ("rect", "line", "path", "circle")


@dataclass
class Page(HTMLParser):
    """Tags, texts and headings of a report.

    Attributes:
        tags: Every tag's name and attributes, in order.
        headings: Every heading's level and text.
        text: All that is to be read, on one line.
    """

    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.feed(self.html)
        self.close()
        assert not self._open
        self.text = " ".join(self.text.split())
        self.headings = [(level, " ".join(text.split())) for level, text in self.headings]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)
        if tag in ("td", "th", "li", "br"):
            self.text += " "
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _EMPTY_SVG
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if any(re.fullmatch("h[1-6]", tag) for tag in self._open):
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        """Return the attributes of every such tag, or of those of a class."""
        return [
            found
            for name, found in self.tags
            if name == tag and (not kind or kind in found.get("class", "").split())
        ]

    def pictures(self) -> list[np.ndarray]:
        """Return the pictures in it, BGR."""
        contents = [base64.b64decode(img["src"].partition(",")[2]) for img in self.all("img")]
        return [cv2.imdecode(np.frombuffer(content, np.uint8), 1) for content in contents]


def checked(html: str) -> Page:
    """Take a report apart, and check what must hold of every one."""
    page = Page(html)
    asks_nobody(page)
    serves_everybody(page)
    return page


def asks_nobody(page: Page) -> None:
    """Nothing in it leads out, runs, or is sent."""
    for tag, found in page.tags:
        assert tag not in ("script", "iframe", "object", "embed", "form", "base", "video", "audio")
        for name, value in found.items():
            assert not name.startswith("on") and name not in ("srcset", "action", "background")
            if name in ("src", "href", "xlink:href"):
                assert re.match("data:image/jpeg;base64,|data:,$|#", value), value[:80]
    assert set(re.findall(r"url\(([^)]*)\)", page.html)) <= {"#hatch"}
    assert "@import" not in page.html and "://" not in page.html
    head = [found for _, found in page.tags[:4] if "http-equiv" in found]
    assert [found["http-equiv"] for found in head] == ["Content-Security-Policy"]
    policy = head[0]["content"]
    assert "default-src 'none'" in policy and "http" not in policy and "script" not in policy


def serves_everybody(page: Page) -> None:
    """It says its language, has headings in order, and texts for all that is to be seen."""
    assert page.all("html")[0]["lang"] == "en"
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(text for _, text in page.headings)
    assert all(img["alt"] for img in page.all("img"))
    assert all(th["scope"] in ("row", "col") for th in page.all("th"))
    for svg in page.all("svg"):
        assert (svg.get("role") == "img" and svg["aria-label"]) or svg["aria-hidden"] == "true"
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)
