"""The camera's way to the server and back, through streamlit-webrtc."""

from __future__ import annotations

import asyncio
import concurrent.futures
from dataclasses import dataclass
from typing import Any

import streamlit as st
from aiortc import RTCPeerConnection
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerContext, webrtc_streamer
from streamlit_webrtc.component import (
    compile_state,
    enhance_frontend_rtc_configuration,
    generate_frontend_component_key,
)

from ui.live.ice import IceConfiguration
from ui.live.session import LOST, LiveSession
from ui.live.track import send_newest_only

CAMERA_KEY = "live-camera"
_STATS_WAIT_S = 0.2
_STATES = {
    "new": "connecting",
    "connecting": "connecting",
    "connected": "connected",
    "failed": "failed",
    "closed": "closed",
}
_WORDS = Translations(
    start="Start",
    stop="Stop",
    select_device="Choose camera",
    media_api_not_available="The browser gives no access to cameras on this page.",
    device_ask_permission="Please allow the camera in the browser's question.",
    device_not_available="The camera is not there, or another program uses it.",
    device_access_denied="The camera is not allowed on this page; the browser's address bar has "
    "a button that changes it.",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """The network's part.

    Attributes:
        state: "off", "connecting", "connected", "failed" or "closed".
        round_trip_s: A packet's way to the browser and back, in seconds; None when not measured.
    """

    state: str
    round_trip_s: float | None


def camera(
    session: LiveSession, ice: IceConfiguration, constraints: dict[str, Any]
) -> WebRtcStreamerContext:
    """Draw the camera with its buttons; the session hears of what happens to it."""
    key = _key(session.refusals)
    _forget_camera(_key(session.refusals - 1))
    _hear(session, key)
    if session.refusal:
        st.rerun()
    attempt = session.attempt
    context = webrtc_streamer(
        key,
        WebRtcMode.SENDRECV,
        frontend_rtc_configuration=ice.record,
        server_rtc_configuration={"iceServers": ice.record["iceServers"]},
        media_stream_constraints={"video": constraints, "audio": False},
        video_frame_callback=session.callback,
        on_video_ended=lambda: session.camera_ended(attempt),
        sendback_audio=False,
        video_html_attrs={
            "autoPlay": True,
            "controls": False,
            "muted": True,
            "playsInline": True,
            "style": {"width": "100%"},
        },
        translations=_WORDS,
        media_toggle_controls=False,
    )
    # streamlit-webrtc keeps every configuration that it saw, for good and with its credentials.
    enhance_frontend_rtc_configuration.clear(ice.record)
    peer, loop = _peer(context)
    if peer is not None and loop is not None:
        loop.call_soon_threadsafe(send_newest_only, peer)
    return context


def connection(context: WebRtcStreamerContext) -> Connection:
    """Return what aiortc knows of the connection."""
    peer, loop = _peer(context)
    if peer is None:
        return Connection("off", None)
    trip = None if loop is None else _round_trip(peer, loop)
    return Connection(_STATES.get(peer.connectionState, peer.connectionState), trip)


def is_heard(session: LiveSession) -> bool:
    """Return whether the session knows what the browser's end of the camera says of itself.

    A run that is overtaken may still put back what the browser said before, and the run that has
    overtaken it believes that.
    """
    said = st.session_state.get(generate_frontend_component_key(_key(session.refusals)))
    if said is None:
        return True
    state = compile_state(said)
    return (state.playing or state.signalling) == (session.attempt_since is not None)


def _key(refusals: int) -> str:
    """Return what a camera is called in the session.

    What was refused still wants to play, so the next try begins with a camera of its own.
    """
    return f"{CAMERA_KEY}-{refusals}"


def _hear(session: LiveSession, key: str) -> None:
    """Tell the session and streamlit-webrtc what the browser's end of the camera says of itself.

    streamlit-webrtc hears of it in a callback, once for each change. Where the next run cuts the
    callback short, it would never know that the camera was started or stopped.
    """
    frontend_key = generate_frontend_component_key(key)
    if frontend_key not in st.session_state:
        # The browser's end is new. If there was one before, it went with the page when the
        # visitor went to another one, and could not say so.
        session.end()
        _forget_camera(key)
        return
    said = st.session_state[frontend_key]
    if said is None:
        # It has said nothing yet, or Streamlit has lost what it said.
        return
    state = compile_state(said)
    if state.playing and session.offer is None:
        # Another process has answered it. A page comes to this one when its own is gone.
        session.refuse(LOST)
        return
    offer = said.get("sdpOffer")
    if offer and offer != session.offer:
        before = _answer_anew(key)
        session.offer = offer
        # Whether or not it was seen to end, what the browser offered before is over.
        session.note_playing(False)
        # It may take seconds, in which the next run begins; this one ends right after it, then.
        _end(before)
    # Not in streamlit-webrtc's documentation, so a release may move it.
    st.session_state[key]._set_state(state)
    session.note_playing(state.playing or state.signalling)


def _forget_camera(key: str) -> None:
    """End what streamlit-webrtc still holds of a camera whose end in the browser is gone.

    It notices a change of page too, but not one of less than a second.
    """
    _end(st.session_state.pop(key, None))


def _answer_anew(key: str) -> WebRtcStreamerContext:
    """Forget how the browser was answered before, and return what is to be ended of it.

    streamlit-webrtc forgets it when a run sees that the browser stopped. If Start comes before that
    run is through, the old answer is taken for one to the new offer, and the browser waits for it.
    """
    before = st.session_state[key]
    # In one step: at each use of its state Streamlit may end this run for the next one, in which
    # streamlit-webrtc relies on a camera that it has drawn before.
    st.session_state[key] = WebRtcStreamerContext(worker=None, state=before.state)
    return before


def _end(context: WebRtcStreamerContext | None) -> None:
    """End the server's part of the connection, where there is one."""
    worker = _worker(context)
    if worker is not None:
        worker.stop()


def _worker(context: WebRtcStreamerContext | None) -> Any:
    """Return what keeps the server's end of the connection, or None."""
    # Not in streamlit-webrtc's documentation, so a release may move it.
    return getattr(context, "_get_worker", lambda: None)()


def _peer(
    context: WebRtcStreamerContext,
) -> tuple[RTCPeerConnection | None, asyncio.AbstractEventLoop | None]:
    """Return the server's end of the connection and the loop that it lives in."""
    worker = _worker(context)
    return getattr(worker, "pc", None), getattr(worker, "_loop", None)


def _round_trip(peer: RTCPeerConnection, loop: asyncio.AbstractEventLoop) -> float | None:
    asked = asyncio.run_coroutine_threadsafe(peer.getStats(), loop)
    try:
        report = asked.result(_STATS_WAIT_S)
    except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
        asked.cancel()
        return None
    trips = [getattr(part, "roundTripTime", None) for part in report.values()]
    return next((trip for trip in trips if trip is not None), None)
