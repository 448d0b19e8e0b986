from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from fer_core.detection import load_detector
from fer_core.labels import FER6
from fer_core.live.analysis import LiveAnalysis
from fer_core.live.slots import Slots
from fer_core.live.state import LiveSettings, LiveView
from tests.fer_core.live.conftest import eventually, live_threads
from tests.ui.conftest import SAMPLE
from ui.common.allowance import CAMERAS_VARIABLE
from ui.common.resources import get_classifier
from ui.live import session as live_session
from ui.live.ice import IceSettings
from ui.live.session import LiveSession, shared_slots

SETTINGS = LiveSettings("haar", "fer7", 0.4, 0.4, LiveView(mirror=False, bars=False))


@pytest.fixture
def slots() -> Slots:
    return Slots(1)


@pytest.fixture
def session(slots: Slots, readings_last: None) -> Iterator[LiveSession]:
    analysis = LiveAnalysis(
        SETTINGS, load_detector=load_detector, load_classifier=get_classifier, slots=slots
    )
    made = LiveSession(analysis)
    yield made
    made.end()
    analysis.stop(wait_s=30)


@pytest.fixture
def frame() -> av.VideoFrame:
    portrait = cv2.resize(cv2.imread(str(SAMPLE)), (640, 480))
    made = av.VideoFrame.from_ndarray(portrait, format="bgr24").reformat(format="yuv420p")
    made.pts, made.time_base = 7, av.time_base
    return made


def feed_until_read(session: LiveSession, frame: av.VideoFrame) -> None:
    def read() -> bool:
        session.callback(frame)
        return session.readings is not None and session.readings.frames > 0

    eventually(read)


def test_the_callback_returns_a_frame_of_the_same_size(
    session: LiveSession, frame: av.VideoFrame
) -> None:
    session.note_playing(True)
    feed_until_read(session, frame)
    returned = session.callback(frame)
    assert (returned.width, returned.height) == (640, 480)
    assert (returned.to_ndarray(format="bgr24") != frame.to_ndarray(format="bgr24")).any()


@pytest.mark.parametrize("size_wh", [(641, 479), (2, 2), (320, 180)])
def test_the_callback_takes_every_size(session: LiveSession, size_wh: tuple[int, int]) -> None:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    returned = session.callback(av.VideoFrame.from_ndarray(image, format="bgr24"))
    assert (returned.width, returned.height) == size_wh


def test_a_start_takes_a_place_and_a_stop_gives_it_back(
    session: LiveSession, slots: Slots, frame: av.VideoFrame
) -> None:
    for attempt in (1, 2):
        session.note_playing(True)
        session.note_playing(True)
        assert session.attempt == attempt and slots.free == 0 and not session.refusal
        feed_until_read(session, frame)
        session.note_playing(False)
        assert slots.free == 1 and not session.unconnected
    eventually(lambda: not live_threads())


def test_no_place_is_said_and_can_be_asked_for_again(session: LiveSession, slots: Slots) -> None:
    slots.take("somebody else")
    session.note_playing(True)
    assert session.refusal and session.attempt_since is None
    session.ask_again()
    slots.give_back("somebody else")
    session.note_playing(True)
    assert not session.refusal and session.analysis.running


def test_the_camera_has_its_time(
    session: LiveSession, slots: Slots, frame: av.VideoFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_LIMIT_CAMERA_S", "60")
    session.owner = "anna-of-the-camera"
    session.note_playing(True)
    feed_until_read(session, frame)
    assert not session.refusal and slots.free == 0

    def pass_by(seconds: float) -> None:
        session._counted -= seconds
        assert session.callback(frame).width == 640

    # As if this had gone on for a minute, in which another program took the camera for an hour.
    for seconds in [1.5] * 30 + [3600.0]:
        pass_by(seconds)
    assert not session.refusal
    for _ in range(10):
        pass_by(1.5)
    assert "use the camera for 1 minute within" in session.refusal and slots.free == 1
    session.note_playing(False)
    session.ask_again()
    monkeypatch.setenv("FER_LIMIT_CAMERA_S", "50")
    session.note_playing(True)
    assert session.refusal and session.attempt_since is None


def test_an_attempt_without_a_frame_was_no_connection(
    session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_session, "_ATTEMPT_S", 0.0)
    session.note_playing(True)
    session.note_playing(False)
    assert session.unconnected
    session.note_playing(True)
    assert not session.unconnected


def test_a_visitor_who_stops_at_once_is_not_told_of_the_network(session: LiveSession) -> None:
    session.note_playing(True)
    session.note_playing(False)
    assert not session.unconnected


def test_the_end_of_an_earlier_camera_does_not_stop_the_next(
    session: LiveSession, slots: Slots
) -> None:
    session.note_playing(True)
    session.note_playing(False)
    session.note_playing(True)
    session.camera_ended(1)
    assert session.analysis.running
    session.camera_ended(2)
    assert not session.analysis.running and slots.free == 1


def test_numbers_stay_until_the_next_start_and_no_picture_does(
    session: LiveSession, frame: av.VideoFrame
) -> None:
    session.note_playing(True)
    feed_until_read(session, frame)
    session.note_playing(False)
    assert session.readings is not None and session.readings.frames > 0
    assert session.video is None and session.video_file == b""
    assert session.analysis.snapshot() is None
    session.note_playing(True)
    assert session.readings is None


def test_a_reading_of_before_a_restart_is_not_kept(
    session: LiveSession, frame: av.VideoFrame
) -> None:
    session.note_playing(True)
    feed_until_read(session, frame)
    tell, tracked = session.analysis.on_reading, session.analysis.status().tracked
    assert tell is not None and tracked is not None
    session.note_playing(False)
    session.note_playing(True)
    tell(tracked)
    assert session.readings is None


def test_another_class_set_begins_anew(session: LiveSession, frame: av.VideoFrame) -> None:
    session.note_playing(True)
    feed_until_read(session, frame)
    session.analysis.settings = replace(session.analysis.settings, class_set="fer6")

    def anew() -> bool:
        session.callback(frame)
        return session.readings is not None and session.readings.labels == FER6.labels

    eventually(anew)


def test_what_is_asked_for_outlives_the_camera(session: LiveSession, frame: av.VideoFrame) -> None:
    session.note_playing(True)
    session.start_video()

    def kept() -> bool:
        session.callback(frame)
        return session.readings is not None and session.readings.frames > 3

    eventually(kept)
    session.note_playing(False)
    readings = session.readings
    assert readings is not None and session.video is None
    assert len(readings.timeline().time_s) == readings.frames
    assert session.video_file[4:8] == b"ftyp"
    session.forget()
    assert session.readings is None and session.video_file == b""
    eventually(lambda: not live_threads())


def test_a_closed_page_leaves_neither_a_place_nor_a_recording(
    session: LiveSession, slots: Slots, frame: av.VideoFrame
) -> None:
    session.note_playing(True)
    session.start_video()
    recorder = session.video
    assert recorder is not None

    def recorded() -> bool:
        session.callback(frame)
        return recorder.pictures > 0

    eventually(recorded)
    session.close()
    assert slots.free == 1 and session.readings is None and session.video_file == b""
    assert recorder.finish() is None
    eventually(lambda: not live_threads())


def test_credentials_are_kept_while_they_are_fresh(
    session: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = IceSettings(turn=("turn:turn.example.org",), secret="north", ttl_s=600)
    first = session.ice(settings)
    assert session.ice(settings) is first
    assert session.ice(IceSettings(turn=settings.turn, secret="south")) is not first
    second = session.ice(settings)
    later = time.time() + 301
    monkeypatch.setattr(live_session.time, "time", lambda: later)
    third = session.ice(settings)
    assert third is not second
    expires = int(third.record["iceServers"][0]["username"].partition(":")[0])
    assert expires - later > 590


@pytest.mark.parametrize(("text", "limit"), [("3", 3), ("0", 1), ("-2", 1)])
def test_the_limit_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, limit: int
) -> None:
    monkeypatch.setenv(CAMERAS_VARIABLE, text)
    shared_slots.__wrapped__.cache_clear()
    assert shared_slots().limit == limit
    assert shared_slots() is shared_slots()
    shared_slots.__wrapped__.cache_clear()


def test_a_limit_that_is_no_number_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(CAMERAS_VARIABLE, "many")
    shared_slots.__wrapped__.cache_clear()
    assert shared_slots().limit >= 1 and "many" in caplog.text
    shared_slots.__wrapped__.cache_clear()
