"""The buttons below the camera: a picture, or a video, of what is shown."""

from __future__ import annotations

import streamlit as st

from fer_core.images import encode_png
from fer_core.live.picture import cover
from fer_core.live.recording import MAX_VIDEO_S
from ui.common.download import download_made_at_click
from ui.common.layout import plain
from ui.live.session import LiveSession

_REFRESH_S = 1.0
_NO_PICTURE_WH = (640, 480)


def keeping_buttons(session: LiveSession) -> None:
    """Draw the buttons that keep something, which need a picture of the camera."""
    there = session.analysis.running and session.analysis.snapshot() is not None
    session.pictured = there
    with st.container(horizontal=True, key="live-keeping"):
        _snapshot_button(session, there)
        st.fragment(_record_button, run_every=_REFRESH_S if session.video else None)(session, there)


def _snapshot_button(session: LiveSession, there: bool) -> None:
    """Draw a button that downloads what the video shows at the moment of the click.

    Not a part of what is drawn again and again: it would have another address at the click than
    when it was drawn.
    """

    def png() -> bytes:
        picture = session.analysis.snapshot()
        return encode_png(cover(_NO_PICTURE_WH) if picture is None else picture)

    download_made_at_click(
        "Snapshot (PNG)",
        png,
        "snapshot.png",
        "image/png",
        icon=":material/photo_camera:",
        disabled=not there,
    )


def _record_button(session: LiveSession, there: bool) -> None:
    if session.video is None:
        if st.button(
            "Record video",
            icon=":material/radio_button_checked:",
            disabled=not there,
            help=f"What you see here, at most {MAX_VIDEO_S / 60:.0f} minutes, in a temporary file "
            "without a name that is gone when you forget it or close the page.",
        ):
            session.start_video()
            st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Stop recording", icon=":material/stop_circle:"):
            session.stop_video()
            st.rerun()
        st.caption(f"{session.video.pictures:,} pictures", width="content")
    if session.video.problem:
        st.warning(plain(session.video.problem), icon=":material/warning:")
