"""Measures how long the live page takes, inside the browser.

``live_probe.js`` notes when each numbered frame of the fake camera is seen at the camera and when
it comes back, on the browser's one clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.fake_camera import SQUARE, SQUARES

_SCRIPT = Path(__file__).with_suffix(".js")


def probe(page: Page, *, seconds: float, size_wh: tuple[int, int] = (640, 480)) -> dict[str, Any]:
    """Watch the video for a while.

    Args:
        page: A page with streamlit-webrtc's component, playing.
        seconds: How long to watch.
        size_wh: Size of the camera's frames in pixels.

    Returns:
        "sent" and "received", lists of (milliseconds, number); "frames" shown and "seconds".
    """
    frame = next(frame for frame in page.frames if "streamlit_webrtc" in frame.url)
    script = _SCRIPT.read_text(encoding="utf-8")
    result: dict[str, Any] = frame.evaluate(script, [SQUARE, SQUARES, seconds, *size_wh])
    return result


def latencies_ms(measured: dict[str, Any]) -> list[float]:
    """Return how long each frame took that came back, in milliseconds.

    The camera's file is played again and again, and its numbers with it, so a latency can be told
    up to the file's length only.

    Args:
        measured: From ``probe``.
    """
    sent: dict[int, list[float]] = {}
    for moment, number in measured["sent"]:
        sent.setdefault(number, []).append(moment)
    latencies = []
    for moment, number in measured["received"]:
        before = [earlier for earlier in sent.get(number, ()) if earlier <= moment]
        if before:
            latencies.append(moment - max(before))
    return latencies
