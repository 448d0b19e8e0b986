"""Makes the README's screenshots from the running app: ``python docs/screenshots.py``.

Needs Chromium, the development requirements, and the app on the address given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Write one PNG a scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://localhost:8501")
    address = parser.parse_args().address
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, theme, width, both in (
            ("photo", "light", 1280, False),
            ("side-by-side", "light", 1280, True),
            ("dark", "dark", 1280, False),
            ("narrow", "light", 420, False),
        ):
            page = browser.new_page(
                color_scheme=theme, viewport={"width": width, "height": 900}, base_url=address
            )
            show(page, both)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            page.close()
        page = browser.new_page(viewport={"width": 1280, "height": 900}, base_url=address)
        show_video(page)
        page.screenshot(path=str(IMAGES / "video.png"))
        page.close()
        for name, part, heading, height in (
            ("metrics", "confusions", "What is taken for what", 1050),
            ("training", "training", "How the networks were trained", 1925),
        ):
            page = browser.new_page(viewport={"width": 1280, "height": height}, base_url=address)
            show_part(page, part, heading)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            page.close()
        browser.close()


def show_video(page: Page) -> None:
    """Analyse the example clip and show a moment of it, in a window as high as its overview."""
    page.goto("/")
    page.get_by_role("button", name="A clip").click()
    expect(page.locator(".player .lines .line").first).to_be_visible(timeout=120_000)
    page.locator("video").first.evaluate("video => { video.currentTime = 2; }")
    page.set_viewport_size({"width": 1280, "height": 1300})
    page.wait_for_timeout(3_000)


def show_part(page: Page, name: str, heading: str) -> None:
    """Open a part of the metrics and wait for its heading and its charts."""
    page.goto(f"/Metrics?part={name}")
    expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=30_000)
    page.wait_for_timeout(4_000)


def show(page: Page, both: bool) -> None:
    """Analyse the example of two people and make the window as high as the page."""
    page.goto("/Photo")
    page.get_by_role("button", name="Two people").click()
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible(timeout=30_000)
    if both:
        page.get_by_text("Show both networks side by side").click()
    expect(page.locator("table.bars")).to_have_count(4 if both else 2, timeout=30_000)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    # Pictures are fitted into the new size.
    page.wait_for_timeout(2_000)


if __name__ == "__main__":
    main()
