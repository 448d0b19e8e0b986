"""The live page as a visitor uses it, and the pixels that come back."""

from __future__ import annotations

import base64
import re
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Error, FrameLocator, Page, expect

from benchmarks.fake_camera import BITS, SQUARE, SQUARES
from tests.browser.running import until_true

# Draws what the video shows at the moment; a frame of its own size, not of the page's.
_GRAB = """video => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/png");
}"""


class LivePage:
    """A tab with the live page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.camera: FrameLocator = page.frame_locator("iframe[title*=webrtc]")
        self.video = self.camera.locator("video")

    def open(self) -> LivePage:
        self.page.goto("/Live")
        return self.expect_opened()

    def expect_opened(self) -> LivePage:
        expect(self.page.get_by_role("heading", name="Emotions from the camera")).to_be_visible()
        expect(self.button("Start")).to_be_visible(timeout=60_000)
        return self

    def button(self, name: str) -> Any:
        return self.camera.get_by_role("button", name=name)

    def start(self) -> None:
        self.button("Start").click()
        self.expect_started()

    def expect_started(self) -> None:
        expect(self.video).to_be_visible(timeout=60_000)
        self.wait_for_frames(5)
        expect(self.page.get_by_text("connected", exact=True)).to_be_visible()

    def stop(self) -> None:
        self.button("Stop").click()
        expect(self.button("Start")).to_be_visible(timeout=60_000)
        self.expect_stopped()

    def expect_stopped(self) -> None:
        expect(self.page.get_by_text("Stopped: this is the last moment")).to_be_visible()

    def plays(self) -> bool:
        """Return whether a picture has come back; there may be no video at all."""
        frames = "all => all.some(video => video.getVideoPlaybackQuality().totalVideoFrames > 0)"
        try:
            return self.video.evaluate_all(frames)
        except Error:
            # The page takes the camera off just now.
            return False

    def expect_reading(self) -> None:
        """Wait until the charts are drawn anew, and show that frames are read."""
        figures = self.page.locator(".st-key-live-charts .figures")
        drawn = "const drawn = it.firstChild"
        until_true(figures, "!drawn.isConnected", first=drawn, seconds=60)
        expect(figures).to_contain_text(re.compile(r"Read\s*[1-9]"))

    def wait_for_frames(self, count: int) -> None:
        """Wait until that many more frames have come back."""
        came = self.video.evaluate(
            """async (video, count) => {
                const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
                const start = frames(), end = performance.now() + 60000;
                while (frames() < start + count) {
                    if (!video.isConnected || performance.now() > end) return false;
                    await new Promise(go => setTimeout(go, 20));
                }
                return true;
            }""",
            count,
        )
        assert came, "the camera ended, or no frames came"

    def grab(self) -> np.ndarray:
        """Return what came back last, uint8 (H, W, 3), BGR."""
        data = self.video.evaluate(_GRAB).partition(",")[2]
        return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def number_in(image_bgr: np.ndarray) -> tuple[int, bool] | None:
    """Return the number that the fake camera drew, and whether it is mirrored; None if none."""
    height, width = image_bgr.shape[:2]
    left = (width - SQUARES * SQUARE) // 2
    middle = image_bgr[height - SQUARE // 2].mean(axis=1)
    levels = [middle[left + SQUARE * n + SQUARE // 2] for n in range(SQUARES)]
    bits = [int(level > 127) for level in levels]
    if not all(level < 70 or level > 185 for level in levels) or bits[0] == bits[-1]:
        return None
    mirrored = bits[0] == 0
    ordered = bits[::-1] if mirrored else bits
    return sum(bit << n for n, bit in enumerate(reversed(ordered[1 : BITS + 1]))), mirrored
