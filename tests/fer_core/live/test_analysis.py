from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.errors import DetectorUnavailable
from fer_core.live import analysis as module
from fer_core.live import history as history_module
from fer_core.live.analysis import LiveAnalysis
from fer_core.live.run import MAX_FAULTS, NO_SLOT
from fer_core.live.slots import Slots
from fer_core.live.state import LiveSettings, LiveState, Privacy
from tests.fer_core.live.conftest import (
    FACE,
    ScriptedDetector,
    eventually,
    live_threads,
    picture,
)

Make = Callable[..., LiveAnalysis]


def feed_until(analysis: LiveAnalysis, holds: Callable[[], bool], **options: object) -> None:
    """Feed frames until something holds."""

    def fed() -> bool:
        analysis.next_picture(picture(**options))
        return holds()

    eventually(fed)


def read(analysis: LiveAnalysis) -> bool:
    return analysis.status().tracked is not None


@pytest.fixture
def gate(detector: ScriptedDetector) -> threading.Event:
    """The detector waits for it."""
    opened = threading.Event()
    detector.before = lambda image: opened.wait(60) and None
    return opened


def test_faces_are_read_and_drawn(make_analysis: Make) -> None:
    analysis = make_analysis()
    assert analysis.start() and analysis.running
    feed_until(analysis, lambda: read(analysis))
    status = analysis.status()
    assert status.state is LiveState.RUNNING and status.problem == ""
    assert status.detector == "scripted" and status.size_wh == (640, 480)
    assert [face.person for face in status.tracked.faces] == [1]
    drawn = analysis.next_picture(picture())
    assert (drawn != picture()).any()
    assert (analysis.snapshot() == drawn).all()


def test_only_the_newest_frame_is_read(
    make_analysis: Make, detector: ScriptedDetector, gate: threading.Event
) -> None:
    analysis = make_analysis()
    analysis.start()
    analysis.next_picture(picture(1))
    eventually(lambda: detector.seen == [1])
    for number in range(2, 40):
        # The detector has not returned: the video goes on without it.
        assert (analysis.next_picture(picture(number)) == picture(number)).all()
    gate.set()
    eventually(lambda: len(detector.seen) == 2)
    assert detector.seen == [1, 39]
    eventually(lambda: len(analysis.history()) == 2)
    assert analysis.status().skipped == 37


def test_no_more_than_one_frame_ever_waits(make_analysis: Make, detector: ScriptedDetector) -> None:
    """However slow the detector: what it gets is the newest there is, so no lag can grow."""
    analysis = make_analysis()
    newest = [0]
    behind = []
    turn = threading.Semaphore(0)

    def slow(image: np.ndarray) -> None:
        behind.append(newest[0] - int(image[0, 0, 0]))
        turn.acquire(timeout=60)

    detector.before = slow
    analysis.start()
    analysis.next_picture(picture(0))
    # From now on a frame is being worked on whenever the next ones come.
    eventually(lambda: len(behind) == 1)
    for number in range(1, 200):
        newest[0] = number
        analysis.next_picture(picture(number))
        if number % 10 == 0:
            taken = len(behind)
            turn.release()
            eventually(lambda taken=taken: len(behind) > taken)
    # Also for the frame that came last, which nobody waits for.
    turn.release(2)
    assert len(behind) >= 19 and set(behind[1:]) == {0}


def test_a_frozen_detector_leaves_the_video_running(
    make_analysis: Make, detector: ScriptedDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READING_LIFE_S", 0.1)
    slots = Slots(1)
    analysis = make_analysis(slots=slots, stall_s=0.1)
    analysis.start()
    feed_until(analysis, lambda: read(analysis))
    thawed = threading.Event()
    detector.before = lambda image: thawed.wait(60) and None
    feed_until(analysis, lambda: analysis.status().state is LiveState.STALLED)
    assert "stands still" in analysis.status().problem
    # A reading that nothing follows is not drawn for long.
    feed_until(analysis, lambda: not read(analysis))
    assert (analysis.next_picture(picture()) == picture()).all()
    # Stopping neither waits for it nor leaves its place taken, and a new start works at once.
    analysis.stop(wait_s=0.05)
    assert not analysis.running and slots.free == 1
    frozen = detector.before
    detector.before = lambda image: None
    assert analysis.start()
    feed_until(analysis, lambda: read(analysis))
    history = analysis.history()
    assert frozen is not detector.before
    thawed.set()
    eventually(lambda: len(live_threads()) == 1)
    # What the old thread found much too late is in nobody's charts.
    assert analysis.history()[: len(history)] == history
    assert analysis.running and slots.free == 0


def test_a_crash_is_said_and_the_next_frame_is_tried(
    make_analysis: Make, detector: ScriptedDetector
) -> None:
    crashes = iter([ZeroDivisionError(), MemoryError()])

    def crash(image: np.ndarray) -> None:
        for error in crashes:
            raise error

    problems = set()
    detector.before = crash
    analysis = make_analysis()
    analysis.start()

    def recovered() -> bool:
        problems.add(analysis.status().problem)
        return read(analysis)

    feed_until(analysis, recovered)
    assert analysis.status().problem == "" and len(detector.seen) >= 3
    assert any("the next frame is tried" in problem for problem in problems)


def test_after_some_crashes_it_gives_up_and_can_be_tried_again(
    make_analysis: Make, detector: ScriptedDetector, settings: LiveSettings
) -> None:
    def crash(image: np.ndarray) -> None:
        raise RuntimeError("out of order")

    detector.before = crash
    analysis = make_analysis()
    analysis.start()
    feed_until(analysis, lambda: analysis.status().state is LiveState.FAILED)
    assert len(detector.seen) == MAX_FAULTS
    assert "has stopped" in analysis.status().problem
    for _ in range(5):
        assert (analysis.next_picture(picture()) == picture()).all()
    assert len(detector.seen) == MAX_FAULTS
    detector.before = lambda image: None
    analysis.retry()
    feed_until(analysis, lambda: read(analysis))
    detector.before = crash
    feed_until(analysis, lambda: analysis.status().state is LiveState.FAILED)
    # Another part is a reason to try again, too.
    detector.before = lambda image: None
    analysis.settings = replace(settings, detector="another")
    feed_until(analysis, lambda: analysis.status().state is LiveState.RUNNING and read(analysis))


def test_a_part_that_is_not_there_is_named(make_analysis: Make, settings: LiveSettings) -> None:
    working = ScriptedDetector("haar")

    def load(name: str) -> ScriptedDetector:
        if name == "yunet":
            raise DetectorUnavailable("YuNet's file is not here.")
        return working

    analysis = make_analysis(load_detector=load)
    analysis.settings = replace(settings, detector="yunet")
    analysis.start()
    # It tries again, so what it says is looked at together with its state.
    failed = LiveState.FAILED, "YuNet's file is not here."
    feed_until(analysis, lambda: (analysis.status().state, analysis.status().problem) == failed)
    analysis.settings = replace(settings, detector="haar")
    feed_until(analysis, lambda: read(analysis))
    assert analysis.status().detector == "haar" and analysis.status().problem == ""


def test_settings_change_while_it_runs(make_analysis: Make, settings: LiveSettings) -> None:
    analysis = make_analysis(load_detector=ScriptedDetector)
    analysis.start()
    feed_until(analysis, lambda: len(analysis.history()) > 1)
    assert len(analysis.history()[-1].labels) == 7
    analysis.settings = replace(settings, class_set="fer6", detector="other", threshold=1.0)
    feed_until(analysis, lambda: len(analysis.history()[-1].labels) == 6)
    # Readings of another network do not fit into the same chart.
    assert {len(reading.labels) for reading in analysis.history()} == {6}
    status = analysis.status()
    assert status.detector == "other"
    assert [face.verdict for face in status.tracked.faces] == ["uncertain"]
    analysis.settings = replace(
        analysis.settings, view=replace(settings.view, privacy=Privacy.CHARTS)
    )
    light = np.full((480, 640, 3), 255, np.uint8)
    shown = analysis.next_picture(light)
    assert (shown[300:, 300:] == shown[-1, -1]).all() and shown[-1, -1].max() < 100


def test_smoothing_changes_while_it_runs(make_analysis: Make, settings: LiveSettings) -> None:
    analysis = make_analysis()
    analysis.start()
    feed_until(analysis, lambda: read(analysis))
    tracked = analysis.status().tracked
    assert tracked.faces[0].smoothed == tracked.faces[0].reading.probabilities
    analysis.settings = replace(settings, smoothing_s=1000.0)
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    def differs() -> bool:
        analysis.next_picture(image)
        face = analysis.status().tracked.faces[0]
        moved = np.abs(face.reading.probabilities.vector - tracked.faces[0].smoothed.vector).max()
        held = np.abs(face.smoothed.vector - tracked.faces[0].smoothed.vector).max()
        return bool(moved > 0.01 and held < moved / 10)

    eventually(differs)


def test_the_size_changes_on_the_way(make_analysis: Make, detector: ScriptedDetector) -> None:
    """As a browser does it when the network is slow; the face stays the same person."""
    analysis = make_analysis()
    analysis.start()
    feed_until(analysis, lambda: read(analysis))
    half = replace(FACE, box=type(FACE.box)(*(v / 2 for v in FACE.box.xyxy)))
    detector.detect = lambda image, sizes=(): (half if image.shape[1] == 320 else FACE,)
    count = len(analysis.history())
    feed_until(analysis, lambda: len(analysis.history()) > count + 2, size_wh=(320, 240))
    tracked = analysis.status().tracked
    assert analysis.status().size_wh == (320, 240) and tracked.size_wh == (640, 480)
    assert tracked.faces[0].box == FACE.box
    assert {person for reading in analysis.history() for person in reading.persons} == {1}
    drawn = analysis.next_picture(picture(size_wh=(320, 240)))
    changed = np.flatnonzero((drawn != picture(size_wh=(320, 240))).any(axis=(1, 2)))
    assert drawn.shape == (240, 320, 3) and changed.max() < 110


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 2), (33, 65), (641, 479), (1, 480)])
def test_odd_sizes(make_analysis: Make, haar: object, size_wh: tuple[int, int]) -> None:
    analysis = make_analysis(load_detector=lambda name: haar)
    analysis.start()
    feed_until(analysis, lambda: read(analysis), size_wh=size_wh)
    assert analysis.next_picture(picture(size_wh=size_wh)).shape == (size_wh[1], size_wh[0], 3)
    assert analysis.status().problem == ""


def test_a_real_face(
    make_analysis: Make, haar: object, fer7: EmotionClassifier, small_portrait: np.ndarray
) -> None:
    analysis = make_analysis(
        load_detector=lambda name: haar, load_classifier=lambda name, reading: fer7
    )
    analysis.start()
    eventually(lambda: bool(analysis.next_picture(small_portrait).any()) and read(analysis))
    (face,) = analysis.status().tracked.faces
    x, y = face.box.center
    assert 45 < x < 75 and 55 < y < 80
    assert face.reading.emotion == "neutral"


def test_without_frames_it_stops_and_with_frames_it_is_back(make_analysis: Make) -> None:
    slots = Slots(1)
    analysis = make_analysis(slots=slots, idle_s=0.1)
    analysis.start()
    assert analysis.status().silent_s is None
    feed_until(analysis, lambda: read(analysis))
    eventually(lambda: not analysis.running)
    assert analysis.status().silent_s >= 0.1
    eventually(lambda: not live_threads())
    assert slots.free == 1 and analysis.snapshot() is None
    feed_until(analysis, lambda: read(analysis))
    assert analysis.running and slots.free == 0


def test_frames_after_a_stop_start_nothing(make_analysis: Make) -> None:
    analysis = make_analysis()
    analysis.start()
    feed_until(analysis, lambda: read(analysis))
    analysis.stop(wait_s=30)
    assert (analysis.next_picture(picture()) == picture()).all()
    assert not analysis.running and not live_threads() and analysis.snapshot() is None
    assert analysis.status().state is LiveState.OFF and analysis.history()


def test_all_places_taken(make_analysis: Make) -> None:
    slots = Slots(1)
    first, second = make_analysis(slots=slots), make_analysis(slots=slots)
    assert first.start() and first.start()
    assert not second.start() and not second.running
    assert second.status().problem == NO_SLOT
    # Its video goes on, and it is read as soon as there is a place.
    assert (second.next_picture(picture()) == picture()).all()
    first.stop(wait_s=30)
    feed_until(second, lambda: read(second))
    assert second.status().problem == ""


def test_when_drawing_fails_nothing_of_the_camera_is_shown(
    make_analysis: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("no paint")

    monkeypatch.setattr(module, "live_picture", fail)
    analysis = make_analysis()
    shown = analysis.next_picture(picture())
    assert shown.shape == (480, 640, 3) and (shown == shown[0, 0]).all()
    assert (shown[0, 0] != picture()[1, 1]).any() and "no paint" in caplog.text


def test_start_and_stop_leave_no_threads(make_analysis: Make) -> None:
    slots = Slots(1)
    analysis = make_analysis(slots=slots)
    for _ in range(10):
        assert analysis.start()
        feed_until(analysis, lambda: read(analysis))
        assert len(live_threads()) == 1
        analysis.stop(wait_s=30)
        assert not live_threads() and slots.free == 1


def test_history_and_listeners(make_analysis: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "HISTORY_S", 0.3)
    analysis = make_analysis()
    readings, pictures = [], []
    analysis.on_reading = readings.append
    analysis.on_picture = lambda image, time_s: pictures.append((image, time_s))
    analysis.start()
    feed_until(analysis, lambda: len(readings) > 12)
    history = analysis.history()
    assert history[-1].time_s - history[0].time_s <= 0.3
    assert len(history) < len(readings)
    assert history[-1].probabilities.shape == (1, 7)
    times = [time_s for _, time_s in pictures]
    assert times == sorted(times) and len(pictures) >= len(readings)
    assert [tracked.index for tracked in readings] == sorted({t.index for t in readings})
