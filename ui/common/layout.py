"""What every page begins with, and how it shows verdicts."""

from __future__ import annotations

import re

import streamlit as st

from fer_core.labels import UNCERTAIN, color_of
from fer_core.types import FaceReading
from ui.common.closing import enter_page

APP_NAME = "Facial emotions"
PRIVACY_NOTE = (
    "Pictures stay on the machine that runs this app. They are forgotten when you clear them or "
    "close the page, and nothing is kept."
)


def begin_page(title: str, icon: str) -> None:
    """Set up the browser tab; the first Streamlit call of a page.

    Args:
        title: Name of the page.
        icon: A Material symbol, such as ":material/photo_camera:".
    """
    st.set_page_config(page_title=f"{title} · {APP_NAME}", page_icon=icon, layout="wide")
    enter_page()


def plain(text: str) -> str:
    """Return a visitor's text so that Markdown shows it as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def is_dark() -> bool:
    """Whether the visitor looks at the dark theme; the light one where that is not known."""
    return st.context.theme.type == "dark"


def verdict_line(face: FaceReading, threshold: float) -> str:
    """Return a face's verdict as Markdown, with a dot in the emotion's colour."""
    verdict = face.verdict(threshold)
    dot = f'<span style="color:{color_of(verdict)}">●</span>'
    if verdict == UNCERTAIN:
        return (
            f"{dot} **Uncertain** — {face.emotion} leads with {face.confidence:.0%}, "
            f"below the {threshold:.0%} set"
        )
    return f"{dot} **{verdict.capitalize()}** · {face.confidence:.0%}"
