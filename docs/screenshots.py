"""Makes the README's screenshots from the running app: ``python docs/screenshots.py``.

Needs Chromium, the development requirements, and the app on the address given.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Writes one PNG a scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://localhost:8501")
    address = parser.parse_args().address
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        photo = two_portraits(Path(folder))
        for name, theme, width, both in (
            ("photo", "light", 1280, False),
            ("side-by-side", "light", 1280, True),
            ("dark", "dark", 1280, False),
            ("narrow", "light", 420, False),
        ):
            page = browser.new_page(
                color_scheme=theme, viewport={"width": width, "height": 900}, base_url=address
            )
            show(page, photo, both)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            page.close()
        browser.close()


def two_portraits(folder: Path) -> Path:
    """Puts the sample photos side by side, for a picture of more than one person."""
    photos = [cv2.imread(str(path)) for path in sorted((ROOT / "assets" / "samples").glob("*.jpg"))]
    height = min(photo.shape[0] for photo in photos)
    path = folder / "two-portraits.jpg"
    cv2.imwrite(str(path), np.hstack([photo[:height] for photo in photos]))
    return path


def show(page: Page, photo: Path, both: bool) -> None:
    """Analyses a photo and makes the window as high as the page."""
    page.goto("/Photo")
    page.get_by_text("Upload photos").wait_for()
    page.set_input_files("input[type=file]", photo)
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible(timeout=30_000)
    if both:
        page.get_by_text("Show both networks side by side").click()
    charts = page.locator(".js-plotly-plot .main-svg:first-child")
    expect(charts).to_have_count(4 if both else 2, timeout=30_000)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    # Charts are drawn anew for the new size.
    page.wait_for_timeout(2_000)


if __name__ == "__main__":
    main()
