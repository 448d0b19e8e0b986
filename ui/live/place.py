"""The camera's place on the page, which has its shape before there is a picture.

The camera is a frame of streamlit-webrtc, with a look of its own: ``place.js`` gives its buttons
those of the page, and its empty place the shape of a picture, and keeps the frame from ending a
camera at the first gap in the network. Its room is kept by ``ui/common/look.css``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ui.common.component import component

_place = component("fer_live_place", __file__, "<span></span>")


@contextmanager
def camera_place() -> Iterator[None]:
    """Have a camera that is drawn within look like a part of the page."""
    with st.container(key="live-place", gap=None):
        yield
        _place(key="live-look")
