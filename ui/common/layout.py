"""What every page begins with, and how it shows verdicts."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from fer_core.labels import UNCERTAIN
from fer_core.types import FaceReading
from ui.common.bars import swatch
from ui.common.closing import enter_page, session_id
from ui.common.public import without_paths
from ui.common.uploads import take_refusal

APP_NAME = "Facial emotions"
PRIVACY_NOTE = (
    "Pictures stay on the machine that runs this app. They are forgotten when you clear them, or "
    "about two minutes after you close the page, and nothing is kept."
)
PAGES = (
    ("app.py", "Home", ":material/home:"),
    ("pages/1_Photo.py", "Photo", ":material/photo_camera:"),
    ("pages/2_Video.py", "Video", ":material/movie:"),
    ("pages/3_Live.py", "Live", ":material/videocam:"),
    ("pages/4_Metrics.py", "Metrics", ":material/monitoring:"),
    ("pages/5_Data_set.py", "Data set", ":material/dataset:"),
    ("pages/6_Archive.py", "Archive", ":material/inventory_2:"),
)
# For a Material symbol in the tab the visitor's browser would ask Google's server.
_ICON = Path(__file__).resolve().parents[2] / "assets" / "icon.svg"
# Streamlit looks for links, icons, emojis and arrows in what Markdown has already read, where a
# backslash protects nothing any more. A character without width parts them.
_JOINER = "\u2060"
_PARTED = re.compile(r"[:@](?=\S)|www(?=\.)|[-<>~](?=[-=>])", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def begin_page(title: str) -> None:
    """Set up the browser tab; the first Streamlit call of a page.

    Args:
        title: Name of the page.
    """
    st.set_page_config(page_title=f"{title} · {APP_NAME}", page_icon=str(_ICON), layout="wide")
    enter_page()
    # First of all: a sidebar that comes later moves the page. Streamlit's own list would call the
    # home page "app", after its file.
    with st.sidebar:
        for page, label, icon in PAGES:
            st.page_link(page, label=label, icon=icon)
    refusal = take_refusal(session_id())
    if refusal:
        st.warning(refusal, icon=":material/upload:")


def plain(text: str) -> str:
    """Return text of others, such as a file's name, so that Markdown shows it as it is.

    Whatever a page shows of a name, or of a sentence that holds one, goes through here. What no
    name needs is left out: control characters, and those that turn the direction of writing.
    """
    shown = without_paths(" ".join(text.encode(errors="replace").decode().split()))
    parted = _PARTED.sub(f"\\g<0>{_JOINER}", _UNSEEN.sub("", shown))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", parted)


def is_dark() -> bool:
    """Whether the visitor looks at the dark theme; the light one where that is not known."""
    return st.context.theme.type == "dark"


def verdict_line(face: FaceReading, threshold: float) -> str:
    """Return a face's verdict as Markdown, with a mark in the emotion's colour."""
    verdict = face.verdict(threshold)
    if verdict == UNCERTAIN:
        return (
            f"{swatch(verdict)} **Uncertain** — {face.emotion} leads with {face.confidence:.0%}, "
            f"below the {threshold:.0%} set"
        )
    return f"{swatch(verdict)} **{verdict.capitalize()}** · {face.confidence:.0%}"
