"""The live page: the camera's picture comes back with every face boxed and read."""

from __future__ import annotations

import streamlit as st

from ui.common.layout import begin_page, plain
from ui.common.settings import sidebar
from ui.live.check import connection_check
from ui.live.controls import live_controls
from ui.live.ice import IceSettingsError, read_settings
from ui.live.panel import live_panel
from ui.live.place import camera_place
from ui.live.recordings import keeping_buttons
from ui.live.rtc import camera
from ui.live.session import live_session
from ui.live.summary import session_summary

begin_page("Live")
st.title("Emotions from the camera")
st.caption(
    "The camera's video goes to the machine that runs this app and comes straight back. No picture "
    "is kept unless you press a button that says so; the numbers that were read stay for a summary "
    "until the next start, or until you close the page."
)
settings = sidebar()
try:
    ice_settings = read_settings()
except IceSettingsError as error:
    st.error(plain(f"The settings for STUN and TURN are wrong. {error}"), icon=":material/error:")
    st.stop()
left, right = st.columns([3, 2], gap="large")
# On a narrow screen the charts come right below the video, and what can be set below them.
chosen, constraints = live_controls(settings)
session = live_session(chosen)
ice = session.ice(ice_settings)
with left:
    if session.refusal:
        st.warning(session.refusal, icon=":material/group:")
        st.button("Try again", on_click=session.ask_again)
    else:
        with camera_place():
            context = camera(session, ice, constraints)
        keeping_buttons(session)
        # Last: what it finds comes later than the page, and would move what is below.
        connection_check(ice)
if not session.refusal:
    with right:
        live_panel(session, context, ice, settings.threshold)
session_summary(session, settings)
