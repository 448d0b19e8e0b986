"""The home page: what the app does, what it must not be used for, and the ways in."""

from __future__ import annotations

import sys

import streamlit as st
from starlette.middleware import Middleware

from fer_core.labels import EMOTION_COLORS
from ui.common.gate import Gate
from ui.common.layout import APP_NAME, PRIVACY_NOTE, begin_page
from ui.common.settings import sidebar
from ui.common.uploads import UploadLimit
from ui.home import example, limits, metrics


def home() -> None:
    """Draw the page."""
    begin_page("Home")
    st.title(APP_NAME)
    settings = sidebar()

    text, picture = st.columns([3, 2], gap="large")
    with text:
        st.markdown(
            "Finds every face in a photo, a video or the camera's picture, turns it upright into "
            "the frame that the network knows, and reads its **expression** with a convolutional "
            "network that was trained from scratch on FER-2013."
        )
        st.markdown(
            " ".join(
                f'<span style="white-space:nowrap"><span style="color:{color}">●</span> '
                f"{label.capitalize()}</span>"
                for label, color in EMOTION_COLORS.items()
            ),
            unsafe_allow_html=True,
        )
        for page, label, icon in (
            ("pages/1_Photo.py", "Analyse photos", ":material/photo_camera:"),
            ("pages/2_Video.py", "Analyse a video", ":material/movie:"),
            ("pages/3_Live.py", "Use the camera, live", ":material/videocam:"),
            (
                "pages/4_Metrics.py",
                "See how good it is, and where it fails",
                ":material/monitoring:",
            ),
            ("pages/5_Data_set.py", "Look into the data set", ":material/dataset:"),
        ):
            st.page_link(page, label=label, icon=icon)
        st.caption(PRIVACY_NOTE)
    with picture:
        example(settings)
    limits()
    metrics()


if __name__ == "__main__":
    home()
else:
    # Seconds, a tenth of Python's. The event loop, which takes in files and sends pages, would wait
    # that long behind every visitor whose script computes.
    sys.setswitchinterval(0.0005)
    # What `streamlit run` imports from here to serve, and then runs as a script for every visit.
    app = st.App("app.py", middleware=[Middleware(Gate), Middleware(UploadLimit)])
