"""The home page: what the app does, what it must not be used for, and the ways in."""

from __future__ import annotations

import streamlit as st

from fer_core.labels import EMOTION_COLORS
from ui.common.layout import APP_NAME, PRIVACY_NOTE, begin_page
from ui.common.settings import sidebar
from ui.home import example, limits, metrics

begin_page("Home", ":material/sentiment_satisfied:")
st.title(APP_NAME)
settings = sidebar()

text, picture = st.columns([3, 2], gap="large")
with text:
    st.markdown(
        "Finds every face in a photo, a video or the camera's picture, turns it upright into the "
        "frame that the network knows, and reads its **expression** with a convolutional network "
        "that was trained from scratch on FER-2013."
    )
    st.markdown(
        " ".join(
            f'<span style="white-space:nowrap"><span style="color:{color}">●</span> '
            f"{label.capitalize()}</span>"
            for label, color in EMOTION_COLORS.items()
        ),
        unsafe_allow_html=True,
    )
    st.page_link("pages/1_Photo.py", label="Analyse photos", icon=":material/photo_camera:")
    st.page_link("pages/2_Video.py", label="Analyse a video", icon=":material/movie:")
    st.page_link("pages/3_Live.py", label="Use the camera, live", icon=":material/videocam:")
    st.page_link(
        "pages/4_Metrics.py",
        label="See how good it is, and where it fails",
        icon=":material/monitoring:",
    )
    st.page_link("pages/5_Data_set.py", label="Look into the data set", icon=":material/dataset:")
    st.caption(PRIVACY_NOTE)
with picture:
    example(settings)
limits()
metrics()
