"""Boxes, faces and frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest

from fer_core.labels import FER6
from fer_core.types import (
    DetectedFace,
    FaceBox,
    FaceReading,
    Frame,
    Probabilities,
    QualityFinding,
    TrackedFace,
)

BOX = FaceBox(10, 20, 30, 60)


def test_measures_of_a_box() -> None:
    assert BOX.xyxy == (10, 20, 30, 60)
    assert (BOX.width, BOX.height, BOX.area, BOX.center) == (20, 40, 800, (20, 40))


@pytest.mark.parametrize(
    "corners",
    [
        (0, 0, 0, 5),
        (0, 0, 5, 0),
        (5, 0, 0, 5),
        (0, 5, 5, 0),
        (nan, 0, 5, 5),
        (0, 0, 5, nan),
        (0, 0, inf, 5),
        (0, -inf, 5, 5),
    ],
)
def test_box_without_area_is_refused(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="x1 < x2 and y1 < y2"):
        FaceBox(*corners)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (BOX, 1.0),
        (FaceBox(30, 20, 50, 60), 0.0),  # touching
        (FaceBox(100, 100, 110, 110), 0.0),
        (FaceBox(10, 20, 20, 60), 0.5),  # inside
        (FaceBox(20, 20, 40, 60), 1 / 3),
        (FaceBox(-10, -20, 30, 60), 800 / 3200),
    ],
)
def test_iou(other: FaceBox, expected: float) -> None:
    assert BOX.iou(other) == pytest.approx(expected)
    assert other.iou(BOX) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((10.9, 20.1, 30.1, 40.9), (10, 20, 31, 41)),  # whole pixels around it
        ((-7.5, -0.2, 5, 5), (0, 0, 5, 5)),
        ((90, 40, 130.5, 99), (90, 40, 100, 50)),
        ((-10, -10, 500, 500), (0, 0, 100, 50)),
        ((-20, -20, -10, -10), (0, 0, 0, 0)),
        ((150, 10, 160, 20), (100, 10, 100, 20)),
    ],
)
def test_clipped_stays_inside(corners: tuple[float, ...], expected: tuple[int, ...]) -> None:
    clipped = FaceBox(*corners).clipped((100, 50))
    assert clipped == expected
    assert all(type(value) is int for value in clipped)


@pytest.mark.parametrize("shape", [(5,), (5, 3), (4, 2), (2, 5), (1, 5, 2)])
def test_landmarks_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \(5, 2\)"):
        DetectedFace(BOX, 0.9, np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("confidence", "threshold", "verdict"),
    [
        (0.75, 0.0, "happy"),
        (0.75, 0.75, "happy"),  # the threshold itself is enough
        (0.75, np.nextafter(0.75, 1), "uncertain"),
        (0.75, 1.0, "uncertain"),
        (1.0, 1.0, "happy"),
    ],
)
def test_verdict(
    make_face: Callable[..., FaceReading], confidence: float, threshold: float, verdict: str
) -> None:
    rest = (1 - confidence) / 6
    face = make_face(probabilities=(rest, rest, rest, confidence, rest, rest, rest))
    assert (face.emotion, face.confidence) == ("happy", confidence)
    assert face.verdict(threshold) == verdict


def test_probabilities_must_fit_the_labels(make_face: Callable[..., FaceReading]) -> None:
    for wrong in (6 * (1 / 6,), 8 * (1 / 8,), ()):
        with pytest.raises(ValueError, match="7 labels need as many probabilities"):
            make_face(probabilities=wrong)


def test_probabilities_are_a_mapping_that_cannot_be_changed() -> None:
    given = np.array([0.25, 0.75], np.float32)
    probabilities = Probabilities(("happy", "sad"), given)
    given[:] = 0
    assert dict(probabilities) == {"happy": 0.25, "sad": 0.75}
    assert (probabilities["sad"], probabilities.leader, len(probabilities)) == (0.75, "sad", 2)
    assert probabilities == Probabilities(("happy", "sad"), np.array([0.25, 0.75]))
    assert probabilities.vector.dtype == np.float32
    assert "fear" not in probabilities
    with pytest.raises(KeyError, match="fear"):
        probabilities["fear"]
    with pytest.raises(ValueError, match="read-only"):
        probabilities.vector[0] = 1


def test_a_reading_shows_where_its_face_is(make_face: Callable[..., FaceReading]) -> None:
    face = make_face((1, 2, 30, 40), landmarks=np.ones((5, 2)))
    assert (face.box, face.score) == (FaceBox(1, 2, 30, 40), 0.9)
    assert face.landmarks is face.detection.landmarks
    assert TrackedFace(2, face, face.probabilities, "happy").box == face.box


@pytest.mark.parametrize("threshold", [40, -0.01, nan])
def test_thresholds_beyond_0_to_1_are_refused(
    make_face: Callable[..., FaceReading], threshold: float
) -> None:
    with pytest.raises(ValueError, match=f"must be from 0 to 1, not {threshold}"):
        make_face().verdict(threshold)


def test_a_threshold_is_a_number(make_face: Callable[..., FaceReading]) -> None:
    with pytest.raises(TypeError, match="number from 0 to 1, not str"):
        make_face().verdict("40 %")


def test_smoothed_probabilities_are_of_the_same_emotions(
    make_face: Callable[..., FaceReading],
) -> None:
    six = Probabilities(FER6.labels, np.full(6, 1 / 6))
    with pytest.raises(ValueError, match="must be of"):
        TrackedFace(1, make_face(), six, "happy")


def test_everything_is_frozen_and_slotted(make_face: Callable[..., FaceReading]) -> None:
    face = make_face()
    finding = QualityFinding("dark", "Dark.")
    for item in (BOX, face.detection, face, face.probabilities, Frame(0, 0.0, (4, 4)), finding):
        assert not hasattr(item, "__dict__")
        for field in dataclasses.fields(item):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(item, field.name, None)


def test_frame_without_faces() -> None:
    assert Frame(3, 0.1, (640, 480)).faces == ()
