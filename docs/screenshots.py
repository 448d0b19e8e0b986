"""Makes the README's screenshots from the running app: ``python docs/screenshots.py``.

Needs Chromium, the development requirements, and the app on the address given.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


def main() -> None:
    """Write one PNG a scene."""
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
        page = browser.new_page(viewport={"width": 1280, "height": 900}, base_url=address)
        show_video(page, moving_portraits(photo, Path(folder)))
        page.screenshot(path=str(IMAGES / "video.png"))
        page.close()
        for name, section, heading, height in (
            ("metrics", "Confusions", "What is taken for what", 1100),
            ("training", "Training", "How the networks were trained", 1880),
        ):
            page = browser.new_page(viewport={"width": 1280, "height": height}, base_url=address)
            show_section(page, section, heading)
            page.screenshot(path=str(IMAGES / f"{name}.png"))
            page.close()
        browser.close()


def two_portraits(folder: Path) -> Path:
    """Put the sample photos side by side, for a picture of more than one person."""
    photos = [cv2.imread(str(path)) for path in sorted((ROOT / "assets" / "samples").glob("*.jpg"))]
    height = min(photo.shape[0] for photo in photos)
    path = folder / "two-portraits.jpg"
    cv2.imwrite(str(path), np.hstack([photo[:height] for photo in photos]))
    return path


def moving_portraits(photo: Path, folder: Path) -> Path:
    """Make a short video in which the camera turns, nears and leaves the portraits."""
    image = cv2.imread(str(photo))
    width, height = 640, 400
    path = folder / "two-portraits.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(12 * 15):
            phase = 2 * np.pi * number / (12 * 15)
            zoom = width / image.shape[1] * (1.15 + 0.25 * np.sin(phase))
            matrix = cv2.getRotationMatrix2D(
                (image.shape[1] / 2, image.shape[0] * 0.4), 12 * np.sin(2 * phase), zoom
            )
            matrix[:, 2] += (width - image.shape[1]) / 2, height / 2 - image.shape[0] * 0.4
            frame = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "bgr24")))
        container.mux(stream.encode())
    return path


def show_video(page: Page, video: Path) -> None:
    """Analyse a video and show a moment of it, in a window as high as the first person."""
    page.goto("/Video")
    page.get_by_text("Upload a video").wait_for()
    page.set_input_files("input[type=file]", video)
    page.get_by_role("button", name="Start the analysis").click()
    expect(page.get_by_text("Strongest moments").first).to_be_visible(timeout=120_000)
    page.locator("video").first.evaluate("video => { video.currentTime = 2; }")
    page.set_viewport_size({"width": 1280, "height": 1750})
    page.wait_for_timeout(3_000)


def show_section(page: Page, name: str, heading: str) -> None:
    """Open a section of the metrics and wait for its heading and its charts."""
    page.goto("/Metrics")
    page.locator(".st-key-metrics-section").get_by_role("radio", name=name).click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=30_000)
    page.wait_for_timeout(4_000)


def show(page: Page, photo: Path, both: bool) -> None:
    """Analyse a photo and make the window as high as the page."""
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
