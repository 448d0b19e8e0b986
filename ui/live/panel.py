"""What stands beside the live video and changes while it runs, without rerunning the page."""

from __future__ import annotations

import time

import streamlit as st
from streamlit_webrtc import WebRtcStreamerContext

from fer_core.labels import class_set
from fer_core.live.history import HISTORY_S
from fer_core.live.state import LiveState, LiveStatus
from ui.common.layout import plain
from ui.live.charts import charts_data, draw_charts, empty_charts
from ui.live.ice import IceConfiguration
from ui.live.rtc import Connection, connection, is_heard
from ui.live.session import LiveSession

# How often the charts are drawn, in seconds; docs/BENCHMARKS.md has what it costs.
REFRESH_S = 0.5
# How often, in seconds, it is looked whether the camera was started.
_IDLE_S = 2.0
# Streamlit fades what it is about to draw again, which would make the charts flicker.
_STEADY = "<style>.st-key-live-panel [data-stale=true] { opacity: 1 !important; }</style>"
# After so many seconds without a frame the camera is gone; shorter gaps are the network's.
_SILENT_S = 4.0
# A connection that takes longer than this, in seconds, will hardly come.
_SLOW_S = 8.0


def live_panel(
    session: LiveSession, context: WebRtcStreamerContext, ice: IceConfiguration, threshold: float
) -> None:
    """Draw the panel again and again, less often while the camera is off."""
    active = session.attempt_since is not None
    fragment = st.fragment(_panel, run_every=REFRESH_S if active else _IDLE_S)
    with st.container(key="live-panel"):
        st.html(_STEADY)
        fragment(session, context, ice, threshold)


def connection_hint(ice: IceConfiguration) -> str:
    """Return in plain words why a connection may not come about, and what helps."""
    if ice.has_turn:
        return (
            "Browser and server found no way to each other (ICE failed), not even through the "
            "TURN server that is set up: it does not answer, or refuses the credentials."
        )
    return (
        "Browser and server found no way to each other (ICE failed). Between two networks, and "
        "behind most firewalls, a TURN server is needed, and none is set up; docs/DEPLOY.md says "
        "how."
    )


def _panel(
    session: LiveSession, context: WebRtcStreamerContext, ice: IceConfiguration, threshold: float
) -> None:
    if session.refusal:
        # No time is left for this camera, and the page takes it off.
        st.rerun()
    if not is_heard(session):
        st.rerun()
    status = session.analysis.status()
    analysis = session.analysis
    if session.attempt_since is not None:
        if not session.pictured and analysis.snapshot() is not None:
            # What keeps a picture can be used now, and stands outside of this fragment.
            st.rerun()
        session.charts = charts_data(
            _figures(status, connection(context)),
            () if status.tracked is None else status.tracked.faces,
            threshold,
            analysis.history(),
            analysis.now_s(),
            HISTORY_S,
        )
    # Before the first start they are empty, and after a stop they stand still.
    labels = class_set(analysis.settings.class_set).labels
    draw_charts(session.charts or empty_charts(labels, threshold, HISTORY_S))
    if session.attempt_since is None:
        st.caption(
            "Stopped: this is the last moment."
            if session.charts
            else "Press **Start**, and the charts follow the camera."
        )
    _messages(session, status, ice)


def _figures(status: LiveStatus, link: Connection) -> list[tuple[str, str, str]]:
    trip_s = link.round_trip_s or 0.0
    latency = "–" if status.latency_s is None else f"{1000 * (status.latency_s + trip_s):.0f} ms"
    return [
        ("Video", f"{status.frames_per_s:.0f} / s", "Frames a second that come back."),
        ("Read", f"{status.analyses_per_s:.0f} / s", "Frames a second that are analysed."),
        (
            "Latency",
            latency,
            "How old the reading in the picture is: from its frame's arrival at the server to the "
            "picture's return, and the network's way there and back.",
        ),
        ("Skipped", f"{status.skipped:,}", "Frames shown but not read: a newer one was there."),
        ("Network", link.state, "The connection between browser and server."),
    ]


def _messages(session: LiveSession, status: LiveStatus, ice: IceConfiguration) -> None:
    waiting_s = 0.0
    if session.attempt_since is not None and status.size_wh is None:
        waiting_s = time.monotonic() - session.attempt_since
    if session.unconnected or waiting_s > _SLOW_S:
        st.error(connection_hint(ice), icon=":material/wifi_off:")
    if session.attempt_since is not None and (status.silent_s or 0.0) > _SILENT_S:
        st.warning(
            f"No picture has come from the camera for {status.silent_s:.0f} s: it may be "
            "unplugged, or another program has taken it. Reading goes on with the next picture; "
            "if none comes, press **Stop** and **Start**.",
            icon=":material/videocam_off:",
        )
    if status.problem:
        st.warning(plain(status.problem), icon=":material/warning:")
    if status.state is LiveState.FAILED:
        st.button("Try again", on_click=session.analysis.retry)
