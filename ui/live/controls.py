"""What can be set on the live page, beside the sidebar that all pages share."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.live.state import LiveSettings, LiveView, Privacy
from fer_core.smoothing import DEFAULT_SMOOTHING_S
from ui.common.address import kept_slider
from ui.common.settings import Settings

_PRIVACY_NAMES = {
    Privacy.OFF: "Show everything",
    Privacy.BLUR: "Blur all but the faces",
    Privacy.CHARTS: "Only the charts",
}
_SIZES = {"320 × 240": (320, 240), "640 × 480": (640, 480), "1280 × 720": (1280, 720)}
_RATES = (10, 15, 24, 30)


def live_controls(settings: Settings) -> tuple[LiveSettings, dict[str, Any]]:
    """Draw what can be set.

    Args:
        settings: The visitor's choices in the sidebar.

    Returns:
        What counts at once, and what to ask the camera for, as getUserMedia takes it.
    """
    first, second, third, fourth = st.columns(4, gap="medium")
    with first:
        privacy = st.selectbox(
            "Privacy",
            list(Privacy),
            format_func=_PRIVACY_NAMES.__getitem__,
            key="live-privacy",
            persist_state="session",
            help="“Only the charts” sends back an empty picture with the boxes.",
        )
        mirror = st.toggle("Mirror", True, key="live-mirror", persist_state="session")
    with second:
        smoothing = kept_slider(
            "Smoothing",
            0.0,
            2.0,
            DEFAULT_SMOOTHING_S,
            0.1,
            name="smoothing",
            format="%.1f s",
            key="live-smoothing",
            help="How long a new expression takes to show: after this time it counts 63 %.",
        )
        bars = st.toggle("Bars beside faces", True, key="live-bars-on", persist_state="session")
    view = LiveView(mirror, privacy, bars)
    live = LiveSettings(
        settings.detector.name,
        settings.class_set,
        settings.threshold,
        smoothing,
        view,
        settings.reading,
    )
    with third:
        size = st.selectbox(
            "Resolution",
            list(_SIZES),
            1,
            key="live-size",
            persist_state="session",
            help="Counts from the next start. The camera comes as close as it can.",
        )
    with fourth:
        rate = st.selectbox(
            "Frames a second",
            _RATES,
            len(_RATES) - 1,
            key="live-rate",
            persist_state="session",
            help="Counts from the next start.",
        )
    width, height = _SIZES[size]
    return live, {
        "width": {"ideal": width},
        "height": {"ideal": height},
        "frameRate": {"ideal": rate, "max": rate},
    }
