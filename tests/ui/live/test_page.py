"""The page's script; ``webrtc_streamer`` does not run here, so the camera is a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit_webrtc import WebRtcStreamerContext
from streamlit_webrtc.component import WebRtcStreamerState

from fer_core.live.state import LiveState, Privacy
from tests.fer_core.live.conftest import eventually
from tests.ui.conftest import SAMPLE
from ui.common.allowance import CAMERAS_VARIABLE
from ui.live import panel as live_panel
from ui.live import rtc as live_rtc
from ui.live.rtc import CAMERA_KEY
from ui.live.session import LiveSession, shared_slots
from ui.live.summary import session_report

# What the browser's end may say of itself: that it stands still, or that it plays.
SAID = [{"playing": False}, {"playing": True}]
OFF = WebRtcStreamerState(playing=False, signalling=False)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page gave to ``webrtc_streamer`` last."""
    given: dict[str, Any] = {}

    def stand_in(key: str, mode: object, **options: Any) -> SimpleNamespace:
        given.clear()
        given.update(options, key=key)
        # As Streamlit does with every widget, it forgets this one when the page is left.
        st.selectbox("Camera", SAID, key=live_rtc.generate_frontend_component_key(key))
        return st.session_state.setdefault(key, WebRtcStreamerContext(None, OFF))

    monkeypatch.setattr(live_rtc, "webrtc_streamer", stand_in)
    return given


@pytest.fixture
def live_page(app: AppTest, camera: dict[str, Any]) -> AppTest:
    page = app.switch_page("pages/3_Live.py").run()
    assert not page.exception
    return page


@pytest.fixture
def press(camera: dict[str, Any], live_page: AppTest) -> Callable[[bool], AppTest]:
    """Do what Start and Stop do."""

    def run(playing: bool) -> AppTest:
        # It plays when what it offered was answered.
        session_of(live_page).offer = {"type": "offer", "sdp": "v=0"}
        frontend_key = live_rtc.generate_frontend_component_key(camera["key"])
        return live_page.selectbox(key=frontend_key).select_index(playing).run()

    yield run
    session_of(live_page).end()


def session_of(page: AppTest) -> LiveSession:
    return page.session_state["live-session"]


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.header if heading.value != "Settings"]


def warnings(page: AppTest) -> list[str]:
    return [warning.value for warning in page.warning]


def test_the_page_asks_for_video_only_and_says_what_is_stored(
    live_page: AppTest, camera: dict[str, Any]
) -> None:
    # The charts are in their places, and what needs a picture waits for one.
    assert "live-charts" in {component.key for component in live_page.get("bidi_component")}
    assert all(button.proto.disabled for button in live_page.get("download_button"))
    assert camera["key"] == f"{CAMERA_KEY}-0"
    constraints = camera["media_stream_constraints"]
    assert constraints["audio"] is False
    assert constraints["video"]["width"] == {"ideal": 640}
    assert constraints["video"]["frameRate"]["max"] == 30
    assert camera["frontend_rtc_configuration"] == {
        "iceServers": [],
        "iceTransportPolicy": "all",
    }
    said = " ".join(caption.value for caption in live_page.caption)
    assert "kept unless you press a button" in said


def test_resolution_and_rate(live_page: AppTest, camera: dict[str, Any]) -> None:
    live_page.selectbox(key="live-size").select("1280 × 720")
    live_page.selectbox(key="live-rate").select(15).run()
    constraints = camera["media_stream_constraints"]["video"]
    assert constraints["height"] == {"ideal": 720} and constraints["frameRate"]["max"] == 15


def test_settings_reach_the_analysis(live_page: AppTest) -> None:
    live_page.selectbox(key="live-privacy").select(Privacy.BLUR)
    live_page.toggle(key="live-mirror").set_value(False)
    live_page.slider(key="live-smoothing").set_value(1.5)
    live_page.radio(key="classes").set_value("fer6")
    live_page.slider(key="threshold").set_value(60).run()
    settings = session_of(live_page).analysis.settings
    assert settings.view.privacy is Privacy.BLUR and not settings.view.mirror
    assert settings.view.bars and settings.smoothing_s == 1.5
    assert (settings.class_set, settings.threshold, settings.detector) == ("fer6", 0.6, "haar")


def test_charts_of_what_was_read(live_page: AppTest, press: Callable[[bool], AppTest]) -> None:
    press(True)
    analysis = session_of(live_page).analysis
    portrait = cv2.imread(str(SAMPLE))

    def read() -> bool:
        analysis.next_picture(portrait)
        tracked = analysis.status().tracked
        return tracked is not None and len(tracked.faces) == 1

    eventually(read)
    live_page.run()
    assert not live_page.exception and not live_page.error
    drawn = {component.key for component in live_page.get("bidi_component")}
    assert drawn >= {"live-check", "live-charts"}
    assert analysis.status().state is LiveState.RUNNING


def test_a_summary_of_the_session_after_stop(
    live_page: AppTest, press: Callable[[bool], AppTest]
) -> None:
    press(True)
    session = session_of(live_page)
    portrait = cv2.imread(str(SAMPLE))

    def kept() -> bool:
        session.analysis.next_picture(portrait)
        return session.readings is not None and session.readings.frames > 3

    eventually(kept)
    live_page.run()
    assert not headings(live_page)
    press(False)
    assert not live_page.exception and headings(live_page) == ["The last session"]
    labels = [button.label for button in live_page.get("download_button")]
    assert labels[1:] == [
        "Report (HTML)",
        "Readings (CSV)",
        "Readings (Parquet)",
        "Summary (JSON)",
    ]
    # What is chosen for the next session does not touch this one.
    live_page.radio(key="classes").set_value("fer6").run()
    assert not live_page.exception and headings(live_page) == ["The last session"]
    report = session_report(session, session.readings.timeline(), 0.5).decode()
    assert "Facial expressions in a live session" in report and "fer7/model.tflite" in report
    next(button for button in live_page.button if button.label == "Forget all of it").click().run()
    assert not headings(live_page)


def test_all_places_taken(live_page: AppTest, press: Callable[[bool], AppTest]) -> None:
    places = shared_slots()
    for number in range(places.limit):
        places.take(number)
    press(True)
    assert any("All places" in warning for warning in warnings(live_page))
    for number in range(places.limit):
        places.give_back(number)
    next(button for button in live_page.button if button.label == "Try again").click().run()
    assert not warnings(live_page)


def test_a_camera_whose_time_is_over_is_taken_off(
    live_page: AppTest, press: Callable[[bool], AppTest]
) -> None:
    press(True)
    session = session_of(live_page)
    # As the frames' thread does.
    session.refusal = "The time is over."
    live_page.run()
    assert warnings(live_page) == ["The time is over."]
    assert session.attempt_since is None and not session.analysis.running


def test_a_page_that_was_left_begins_anew(
    live_page: AppTest, press: Callable[[bool], AppTest]
) -> None:
    press(True)
    session = session_of(live_page)
    live_page.run()
    assert session.attempt_since is not None and session.analysis.running
    stopped: list[bool] = []
    worker = SimpleNamespace(stop=lambda: stopped.append(True))
    live_page.session_state[f"{CAMERA_KEY}-0"]._get_worker = lambda: worker
    page = live_page.switch_page("pages/1_Photo.py").run().switch_page("pages/3_Live.py").run()
    assert stopped == [True]
    assert session_of(page) is session
    assert session.attempt_since is None and not session.analysis.running
    session.note_playing(True)
    assert session.analysis.running


def test_start_and_stop_are_heard_without_a_callback(
    live_page: AppTest, press: Callable[[bool], AppTest]
) -> None:
    """The next run may cut a callback short, and Streamlit does not call it again."""
    for playing in (True, False):
        press(playing)
        # The camera is a stand-in, which hears of nothing by itself.
        assert live_page.session_state[f"{CAMERA_KEY}-0"].state.playing == playing
        assert (session_of(live_page).attempt_since is not None) == playing
        assert session_of(live_page).analysis.running == playing


def test_what_a_run_did_not_hear_is_heard_soon(
    live_page: AppTest, press: Callable[[bool], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An overtaken run may have put back what the browser said before."""
    hear = live_rtc._hear
    for playing in (True, False):
        runs = iter(range(9))
        monkeypatch.setattr(
            live_rtc, "_hear", lambda *given, runs=runs: next(runs) and hear(*given)
        )
        press(playing)
        assert not live_page.exception and next(runs) == 2
        assert (session_of(live_page).attempt_since is not None) == playing


def test_a_camera_that_falls_silent_is_said(
    live_page: AppTest, press: Callable[[bool], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_panel, "_SILENT_S", 1e6)
    press(True)
    session_of(live_page).analysis.next_picture(cv2.imread(str(SAMPLE)))
    live_page.run()
    assert not warnings(live_page)
    monkeypatch.setattr(live_panel, "_SILENT_S", 0.0)
    live_page.run()
    (warning,) = warnings(live_page)
    assert "No picture has come from the camera for 0 s" in warning
    press(False)
    assert not warnings(live_page)


def test_no_connection_is_said_in_plain_words(
    live_page: AppTest, press: Callable[[bool], AppTest]
) -> None:
    session_of(live_page).unconnected = True
    live_page.run()
    (error,) = [error.value for error in live_page.error]
    assert "ICE failed" in error and "TURN server is needed" in error


def test_wrong_ice_settings_are_the_operators_business(
    live_page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_ICE_TURN", "turn.example.org")
    live_page.run()
    (error,) = [error.value for error in live_page.error]
    assert "no TURN address" in error


def test_the_limit_is_one_a_core_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CAMERAS_VARIABLE, raising=False)
    shared_slots.__wrapped__.cache_clear()
    assert shared_slots().limit >= 1
