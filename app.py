"""The home page: try it, how good it is, and what it must not be used for."""

from __future__ import annotations

import sys

import streamlit as st
from starlette.middleware import Middleware

from fer_core.budget import share_arenas, share_machine
from fer_core.errors import FerError
from ui.archive.places import is_named
from ui.common.allowance import processes
from ui.common.gate import Gate
from ui.common.layout import APP_NAME, PRIVACY_NOTE, begin_page
from ui.common.logs import begin_logs
from ui.common.look import Look
from ui.common.monitor import serve_figures
from ui.common.settings import Settings, sidebar
from ui.common.uploads import UploadLimit
from ui.home import Chosen, how_good, limits, refuse, try_it
from ui.photo.shelf import shelf


def home() -> None:
    """Draw the page."""
    begin_page("Home")
    st.title(APP_NAME)
    settings = sidebar(with_settings=False)
    st.markdown(
        "Finds every face in a photo or a video and reads its **expression**, with a network that "
        "was trained from scratch on FER-2013."
    )
    chosen = try_it()
    if chosen is not None:
        _show(chosen, settings)
    st.caption(PRIVACY_NOTE)
    if is_named():
        st.page_link(
            "pages/6_Archive.py", label="Look into the archive", icon=":material/inventory_2:"
        )
    how_good()
    limits()


def _show(chosen: Chosen, settings: Settings) -> None:
    """Turn to the page that reads what was chosen, or say why it cannot be read."""
    if chosen.video is None:
        shelf().add(chosen.photos)
        st.switch_page("pages/1_Photo.py")
    # The tracker and PyAV are for those who want a video.
    from ui.video.intake import begin_video

    name, content = chosen.video
    try:
        with st.spinner("Opening the video …"):
            begin_video(name, content, settings)
    except FerError as error:
        refuse(f"{name}: {error}")
    st.switch_page("pages/2_Video.py")


if __name__ == "__main__":
    home()
else:
    # Seconds, a tenth of Python's. The event loop, which takes in files and sends pages, would wait
    # that long behind every visitor whose script computes.
    sys.setswitchinterval(0.0005)
    share_arenas()
    share_machine(processes())
    begin_logs()
    serve_figures()
    # What `streamlit run` imports from here to serve, and then runs as a script for every visit.
    app = st.App("app.py", middleware=[Middleware(Gate), Middleware(UploadLimit), Middleware(Look)])
