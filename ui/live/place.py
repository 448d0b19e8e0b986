"""The camera's place on the page, which has its shape before there is a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

# Room for the picture, which is 4 to 3 unless another shape was asked for, and the buttons.
_STYLE = """<style>
[data-testid=stColumn]:has(.st-key-live-place) { container-type: inline-size; }
.st-key-live-place { min-height: calc(75cqw + 5.5rem); }
.camera-place {
  display: grid; place-items: center; aspect-ratio: 4 / 3; border-radius: 0.5rem;
  background: rgba(128, 140, 155, 0.16);
}
.camera-place svg { width: 4.5rem; opacity: 0.55; }
</style>"""
_DRAWING = """<div class="camera-place" role="img" aria-label="The camera is off">
<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
<rect x="2.5" y="6" width="13" height="12" rx="2.5"/><path d="M15.5 11l6-3.5v9l-6-3.5z"/>
</svg></div>"""


@contextmanager
def camera_place(*, waiting: bool) -> Iterator[None]:
    """Draw what is drawn within in the camera's place.

    Args:
        waiting: Whether the camera is off, and something stands for its picture.
    """
    with st.container(key="live-place"):
        st.html(_STYLE + (_DRAWING if waiting else ""))
        yield
