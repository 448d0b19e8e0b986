"""Who is who from frame to frame, and cuts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.detection import FRAME_SIZES, HaarDetector, YuNetDetector
from fer_core.tracking import CutDetector, FaceTracker
from fer_core.types import DetectedFace, FaceBox
from tests.properties import quick, steps_s

RATES = (1, 2, 3, 5, 8, 10, 12, 15, 20, 24, 25, 29.97, 30, 60)
# The shots of scene_cuts_9s_audio.mp4 begin here, as seen in its pictures.
CUTS_S = (0.667, 2.736, 7.04)


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    """The tracker warns of times that it does not understand; it must never have to."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def face(x: float, y: float = 200, side: float = 100) -> DetectedFace:
    """A face by its centre."""
    half = side / 2
    return DetectedFace(FaceBox(x - half, y - half, x + half, y + half), 0.9)


@dataclass(frozen=True)
class Shot:
    """A frame of a real clip, and the faces that a detector finds in it."""

    time_s: float
    small_bgr: np.ndarray
    faces: tuple[DetectedFace, ...]


def shots(
    path: Path, detector: HaarDetector | YuNetDetector | None = None, every: int = 1
) -> list[Shot]:
    with av.open(str(path)) as file:
        found = []
        for frame in islice(file.decode(video=0), 0, None, every):
            image = frame.to_ndarray(format="bgr24")
            small = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
            faces = detector.detect(image, FRAME_SIZES) if detector else ()
            found.append(Shot(frame.time, small, faces))
    return [Shot(shot.time_s - found[0].time_s, shot.small_bgr, shot.faces) for shot in found]


def at_rate(found: list[Shot], fps: float) -> list[Shot]:
    """The first frame at or after each tick."""
    kept, tick = [], 0
    for shot in found:
        if shot.time_s >= tick / fps - 1e-6:
            kept.append(shot)
            tick = math.floor(shot.time_s * fps + 1e-6) + 1
    return kept


@pytest.fixture(scope="module")
def cutting(media: Path, yunet: YuNetDetector) -> list[Shot]:
    return shots(media / "scene_cuts_9s_audio.mp4", yunet)


@pytest.fixture(scope="module")
def talking(media: Path, yunet: YuNetDetector) -> list[Shot]:
    return shots(media / "one_face_15s.mp4", yunet)


@pytest.fixture(scope="module")
def looking_down(media: Path) -> list[Shot]:
    return shots(media / "looking_down_4s.mp4")


def test_without_faces() -> None:
    tracker = FaceTracker()
    assert [tracker.update([], t / 10) for t in range(5)] == [()] * 5
    assert tracker.update([face(100)], 0.5) == (1,)
    assert tracker.update([], 0.6) == ()


def test_every_face_is_somebody_at_once() -> None:
    tracker = FaceTracker()
    crowd = [face(120 * x + 60, 120 * y + 60) for x in range(6) for y in range(5)]
    first = tracker.update(crowd, 0.0)
    assert first == tuple(range(1, 31))
    assert tracker.update(crowd[::-1], 0.1) == first[::-1]
    assert tracker.update([*crowd[:3], face(2000), *crowd[3:]], 0.2) == (1, 2, 3, 31, *first[3:])


def test_faces_of_low_score_count_too() -> None:
    unsure = DetectedFace(FaceBox(50, 50, 150, 150), 0.01)
    tracker = FaceTracker()
    assert [tracker.update([unsure], t / 10) for t in range(4)] == [(1,)] * 4


@pytest.mark.parametrize("fps", RATES)
def test_two_who_move_stay_themselves(fps: float) -> None:
    tracker = FaceTracker()
    seen = set()
    # Two swings, and at few frames a second many more.
    for k in range(int(max(5 * fps, 60))):
        sway = 60 * math.sin(2 * math.pi * 0.4 * k / fps)
        seen.add(tracker.update([face(300 + sway), face(650 - sway, 230)], k / fps))
    assert seen == {(1, 2)}


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("gone_s", [0.2, 0.5, 0.95])
def test_short_gaps_are_bridged(fps: float, gone_s: float) -> None:
    """One of two is away now and then, also right behind the first frame, and moves meanwhile."""
    tracker = FaceTracker(max_gap_s=1.0)
    # Once there and back, and at few frames a second more often.
    for k in range(int(max(7 * fps, 60))):
        time_s = k / fps
        here = face(300 + 50 * math.sin(time_s))
        away = face(620 + 50 * math.cos(time_s))
        if k > 0 and time_s % 2 < gone_s:
            assert tracker.update([here], time_s) == (1,)
        else:
            assert tracker.update([here, away], time_s) == (1, 2)


@pytest.mark.parametrize("fps", RATES)
def test_long_gaps_end_a_person(fps: float) -> None:
    tracker = FaceTracker(max_gap_s=1.0)
    assert tracker.update([face(300)], 0.0) == (1,)
    for k in range(1, math.ceil(3.2 * fps)):
        assert tracker.update([], k / fps) == ()
    assert tracker.update([face(300)], math.ceil(3.2 * fps) / fps) == (2,)


def test_the_gap_is_adjustable() -> None:
    for max_gap_s, expected in ((0.3, 2), (3.0, 1)):
        tracker = FaceTracker(max_gap_s=max_gap_s)
        tracker.update([face(300)], 0.0)
        for k in range(1, 20):
            tracker.update([], k / 10)
        assert tracker.update([face(300)], 2.0) == (expected,)


def test_after_a_cut_everybody_is_new() -> None:
    tracker = FaceTracker()
    tracker.end_tracks()
    assert tracker.update([face(100), face(500)], 0.0) == (1, 2)
    assert tracker.update([face(100), face(500)], 0.1) == (1, 2)
    tracker.end_tracks()
    assert tracker.update([face(100), face(500)], 0.2) == (3, 4)
    assert tracker.update([face(500), face(100)], 0.3) == (4, 3)


def test_who_appears_elsewhere_is_somebody_else() -> None:
    for other in (face(700), face(300, 600), face(300, side=260), face(300, side=35)):
        tracker = FaceTracker()
        tracker.update([face(300)], 0.0)
        assert tracker.update([other], 0.1) == (2,)


@pytest.mark.parametrize(
    "times_s",
    [
        (0, 0.03, 0.2, 0.21, 0.9, 0.93, 1.4),  # a variable frame rate
        (5, 5, 5, 5, 5.5, 5.5, 5.6),  # a clock that stands still
        (900, 900.1, 0.0, 0.1, 0.2, 0.2, 0.1),  # a clock that is set back
        (-3, -2.9, -2.8, 0, 0.1, 0.2, 0.3),
    ],
)
def test_uneven_times(times_s: Sequence[float]) -> None:
    tracker = FaceTracker()
    seen = [tracker.update([face(300 + 3 * k), face(700)], t) for k, t in enumerate(times_s)]
    expected = (1, 2)
    if times_s[0] == -3:  # 2.8 s without a frame are no movement
        assert seen == [expected] * 3 + [seen[3]] * 4
    else:
        assert seen == [expected] * 7


def test_after_a_standstill_nobody_is_known() -> None:
    tracker = FaceTracker()
    assert tracker.update([face(300)], 0.0) == (1,)
    assert tracker.update([face(300)], 60.0) == (2,)


def test_one_talking_person_is_one(talking: list[Shot]) -> None:
    for fps in (*range(1, 7), 8, 10, 12, 15, 20, 24, 25, 29, 30):
        assert persons_in(at_rate(talking, fps)) == {1}, f"{fps} frames a second"


def test_also_with_haar(media: Path, haar: HaarDetector) -> None:
    frames = shots(media / "one_face_15s.mp4", haar, every=4)
    for fps in range(1, 8):
        assert persons_in(at_rate(frames, fps)) == {1}, f"{fps} frames a second"


def persons_in(frames: list[Shot]) -> set[int]:
    tracker = FaceTracker()
    return {person for shot in frames for person in tracker.update(shot.faces, shot.time_s)}


@pytest.mark.parametrize("fps", [30, 15, 10, 5, 2])
def test_cuts_of_a_real_clip(cutting: list[Shot], fps: float) -> None:
    frames = at_rate(cutting, fps)
    expected = [next(s.time_s for s in frames if s.time_s > cut_s - 0.01) for cut_s in CUTS_S]
    cuts = CutDetector()
    assert [s.time_s for s in frames if cuts.is_cut(s.small_bgr, s.time_s)] == expected


def test_no_person_passes_a_cut(cutting: list[Shot]) -> None:
    for fps in (30, 10, 5):
        tracker, cuts = FaceTracker(), CutDetector()
        shots_of: dict[int, set[int]] = {}
        for shot in at_rate(cutting, fps):
            if cuts.is_cut(shot.small_bgr, shot.time_s):
                tracker.end_tracks()
            for person in tracker.update(shot.faces, shot.time_s):
                number = sum(shot.time_s > cut_s - 0.01 for cut_s in CUTS_S)
                shots_of.setdefault(person, set()).add(number)
        assert len(shots_of) >= 5
        assert all(len(numbers) == 1 for numbers in shots_of.values())


@pytest.mark.shared
@pytest.mark.parametrize("clip", ["talking", "looking_down"])
@pytest.mark.parametrize("fps", [30, 10, 5, 2, 1])
def test_no_cut_where_somebody_moves(request: pytest.FixtureRequest, clip: str, fps: float) -> None:
    cuts = CutDetector()
    frames = at_rate(request.getfixturevalue(clip), fps)
    assert not any(cuts.is_cut(shot.small_bgr, shot.time_s) for shot in frames)


def test_cuts_between_pictures_of_any_size(portrait: np.ndarray) -> None:
    other = cv2.flip(255 - portrait, 0)
    cuts = CutDetector()
    before = portrait.copy()
    assert not cuts.is_cut(portrait, 0.0)
    assert (portrait == before).all()
    assert not cuts.is_cut(cv2.resize(portrait, (90, 160)), 0.1)
    assert cuts.is_cut(other, 0.2)
    assert not cuts.is_cut(cv2.resize(other, (64, 36)), 0.3)
    assert not cuts.is_cut(other, 0.3)  # the clock stands still
    assert cuts.is_cut(portrait, 0.1)  # and is set back


anywhere = st.builds(face, st.integers(-50, 700), st.integers(-50, 500), st.sampled_from([20, 100]))


@quick
@given(
    st.lists(
        st.tuples(steps_s | st.just(-1.0), st.lists(anywhere, max_size=5), st.booleans()),
        max_size=12,
    )
)
def test_wherever_faces_are_each_is_one_person(
    frames: list[tuple[float, list[DetectedFace], bool]],
) -> None:
    """Crowds, faces at the same place, standstills, clocks that go back, and cuts."""
    tracker = FaceTracker()
    time_s, known, before_cut = 0.0, 0, 0
    for step_s, faces, after_cut in frames:
        time_s += step_s
        if after_cut:
            tracker.end_tracks()
            before_cut = known
        numbers = tracker.update(faces, time_s)
        assert len(numbers) == len(set(numbers)) == len(faces)
        # Who is new gets the next number, and nobody comes back from before a cut.
        new = sorted(number for number in numbers if number > known)
        assert new == list(range(known + 1, known + 1 + len(new)))
        assert all(number > before_cut for number in numbers)
        known += len(new)
