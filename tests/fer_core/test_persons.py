"""From a frame's readings to its persons."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from fer_core.labels import FER7
from fer_core.persons import PERSON_COLORS, PersonFollower, person_color, person_name
from fer_core.types import FaceReading, Frame

HAPPY = (0.02, 0.02, 0.02, 0.9, 0.02, 0.01, 0.01)
SAD = (0.02, 0.02, 0.02, 0.02, 0.9, 0.01, 0.01)


def frame(time_s: float, *faces: FaceReading) -> Frame:
    return Frame(round(30 * time_s), time_s, (640, 480), faces)


def test_an_empty_frame_stays_a_frame() -> None:
    tracked = PersonFollower(FER7.labels).follow(frame(0.5))
    assert (tracked.index, tracked.time_s, tracked.size_wh) == (15, 0.5, (640, 480))
    assert tracked.faces == ()


def test_faces_stay_with_their_persons(make_face: Callable[..., FaceReading]) -> None:
    follower = PersonFollower(FER7.labels, time_constant_s=0.5)
    left, right = make_face((50, 50, 150, 170), HAPPY), make_face((400, 50, 500, 170), SAD)
    first = follower.follow(frame(0.0, left, right))
    assert [face.person for face in first.faces] == [1, 2]
    assert [face.verdict for face in first.faces] == ["happy", "sad"]
    assert [face.reading for face in first.faces] == [left, right]
    # They change places in the list and in mood, not in the picture.
    later = follower.follow(
        frame(0.1, make_face((400, 50, 500, 170), HAPPY), make_face((50, 50, 150, 170), SAD))
    )
    assert [face.person for face in later.faces] == [2, 1]
    assert [face.verdict for face in later.faces] == ["sad", "happy"]
    for face in later.faces:
        assert face.smoothed.vector.sum() == pytest.approx(1, abs=1e-6)
        assert 0.5 < face.confidence < 0.9


def test_a_cut_makes_everybody_new(make_face: Callable[..., FaceReading]) -> None:
    follower = PersonFollower(FER7.labels, time_constant_s=10.0)
    follower.follow(frame(0.0, make_face(probabilities=HAPPY)))
    tracked = follower.follow(frame(0.1, make_face(probabilities=SAD)), after_cut=True)
    assert [(face.person, face.verdict) for face in tracked.faces] == [(2, "sad")]


def test_settings_reach_the_parts(make_face: Callable[..., FaceReading]) -> None:
    follower = PersonFollower(FER7.labels, time_constant_s=0.0, threshold=0.95, max_gap_s=5.0)
    face = make_face(probabilities=HAPPY)
    assert follower.follow(frame(0.0, face)).faces[0].verdict == "uncertain"
    for k in range(1, 40):
        follower.follow(frame(k / 10))
    follower.smoother.threshold = 0.5
    tracked = follower.follow(frame(4.0, face))
    assert [(face.person, face.verdict) for face in tracked.faces] == [(1, "happy")]


def luminance(color: str) -> float:
    channels = [value / 255 for value in bytes.fromhex(color[1:])]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return sum(v * w for v, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_colours_are_visible_on_both_backgrounds_and_apart() -> None:
    for color in PERSON_COLORS:
        assert 1.05 / (luminance(color) + 0.05) >= 3
        assert (luminance(color) + 0.05) / (luminance("#12161C") + 0.05) >= 3
    for one, other in combinations(PERSON_COLORS, 2):
        steps = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
        assert sum(abs(a - b) for a, b in steps) > 60


def test_colours_repeat() -> None:
    count = len(PERSON_COLORS)
    assert [person_color(person) for person in range(1, count + 1)] == list(PERSON_COLORS)
    assert person_color(count + 1) == PERSON_COLORS[0]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (None, "3"),
        ({}, "3"),
        ({2: "Ben"}, "3"),
        ({3: "Anna"}, "Anna"),
        ({3: "  Anna \n Lena\t"}, "Anna Lena"),
        ({3: " \n"}, "3"),
        ({3: "李小龙"}, "李小龙"),
    ],
)
def test_names(names: dict[int, str] | None, expected: str) -> None:
    assert person_name(3, names) == expected
