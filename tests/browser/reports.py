"""Reports as somebody reads them who was sent one: with no network, in both themes, on paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.accessibility import GROUNDS

_GROUND = "getComputedStyle(document.body).backgroundColor"


def read_without_network(browser: Browser, report: Path, of: str, shown: Mapping[str, int]) -> None:
    """Open a report, and make sure that all of it is there.

    Args:
        browser: Gets a visitor without network.
        report: The file.
        of: What the report is of, as its heading says.
        shown: How many parts it has at least, by their selectors; all of them are seen.
    """
    context = browser.new_context(offline=True)
    reader = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    reader.on("console", lambda message: faults.append(message.text))
    reader.on("pageerror", lambda error: faults.append(str(error)))
    reader.on("dialog", lambda dialog: faults.append(dialog.message))
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(report.as_uri())
    expect(reader.get_by_role("heading", level=1)).to_have_text(f"Facial expressions in {of}")
    for theme, ground in GROUNDS.items():
        reader.emulate_media(color_scheme=theme)
        assert reader.evaluate(_GROUND) == ground
        for width in (400, 1280):
            reader.set_viewport_size({"width": width, "height": 800})
            for part, count in shown.items():
                sides = reader.locator(part).evaluate_all(
                    "all => all.map(one => one.getBoundingClientRect())"
                    ".map(box => Math.min(box.width, box.height))"
                )
                assert len(sides) >= count and min(sides) >= 10, (part, sides)
            assert reader.evaluate("document.documentElement.scrollWidth") <= width
    loaded = reader.locator("img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert all(loaded)
    # Paper is white, and small print is enough on it.
    reader.emulate_media(media="print", color_scheme="dark")
    assert reader.evaluate(_GROUND) == GROUNDS["light"]
    assert reader.evaluate("getComputedStyle(document.body).fontSize") == "14px"
    assert not faults
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    context.close()
