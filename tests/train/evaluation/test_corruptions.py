from __future__ import annotations

import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.evaluation.corruptions import CORRUPTIONS, corrupt

# For every kind, strengths from nothing to much.
RISING = {
    kind: sorted((way.none, *way.strengths), key=lambda value, way=way: abs(value - way.none))
    for kind, way in CORRUPTIONS.items()
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def faces(tiny_set: FaceSet) -> np.ndarray:
    return tiny_set.faces_gray[:12]


def difference(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left.astype(int) - right.astype(int)).mean())


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(48, 48), (3, 48, 48), (96, 96), (2, 60, 40)])
def test_the_shape_stays_and_the_face_is_not_changed(kind: str, shape: tuple[int, ...]) -> None:
    faces = rng().integers(0, 256, shape, np.uint8)
    before = faces.copy()
    spoilt = corrupt(faces, kind, CORRUPTIONS[kind].strengths[-1], rng())
    assert spoilt.shape == shape
    assert spoilt.dtype == np.uint8
    assert np.array_equal(faces, before)
    assert not np.array_equal(spoilt, faces)
    assert not np.shares_memory(spoilt, faces)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_nothing_changes_nothing(kind: str, faces: np.ndarray) -> None:
    spoilt = corrupt(faces, kind, CORRUPTIONS[kind].none, rng())
    # Even the best JPEG rounds.
    assert difference(spoilt, faces) <= (0.5 if kind == "jpeg" else 0)
    assert not np.shares_memory(spoilt, faces)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_more_changes_more(kind: str, faces: np.ndarray) -> None:
    way = CORRUPTIONS[kind]
    for side in (-1, 1):
        strengths = [s for s in RISING[kind] if s == way.none or np.sign(s - way.none) == side]
        changes = [difference(corrupt(faces, kind, s, rng()), faces) for s in strengths]
        assert changes == sorted(changes)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_same_seed_gives_the_same_faces(kind: str, faces: np.ndarray) -> None:
    strength = CORRUPTIONS[kind].strengths[0]
    first, second = (corrupt(faces, kind, strength, rng(7)) for _ in range(2))
    assert np.array_equal(first, second)
    other = corrupt(faces, kind, strength, rng(8))
    assert np.array_equal(first, other) is (kind not in ("noise", "occlusion"))


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_one_face_is_spoilt_as_the_first_of_many(kind: str, faces: np.ndarray) -> None:
    strength = CORRUPTIONS[kind].strengths[0]
    alone = corrupt(faces[0], kind, strength, rng(3))
    assert np.array_equal(corrupt(faces, kind, strength, rng(3))[0], alone)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_measured_strengths_are_on_the_slider(kind: str) -> None:
    way = CORRUPTIONS[kind]
    assert way.low <= min(way.strengths) <= max(way.strengths) <= way.high
    assert way.low <= way.none <= way.high
    assert way.none not in way.strengths
    assert list(way.strengths) == sorted(way.strengths, reverse=kind in ("jpeg", "resolution"))


def test_noise_has_the_wanted_deviation() -> None:
    grey = np.full((20, 48, 48), 128, np.uint8)
    noisy = corrupt(grey, "noise", 20, rng()).astype(float)
    assert noisy.std() == pytest.approx(20, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_occlusion_covers_the_wanted_share() -> None:
    white = np.full((30, 48, 48), 255, np.uint8)
    covered = corrupt(white, "occlusion", 0.25, rng()) == 0
    assert (covered.mean(axis=(1, 2)) == 0.25).all()
    assert covered.any(axis=0).mean() > 0.9  # not always at one place


def test_brightness_and_contrast_by_hand() -> None:
    ramp = np.array([[0, 100, 200]], np.uint8)
    assert corrupt(ramp, "brightness", 80, rng()).tolist() == [[80, 180, 255]]
    assert corrupt(ramp, "brightness", -120, rng()).tolist() == [[0, 0, 80]]
    assert corrupt(ramp, "contrast", 0.5, rng()).tolist() == [[50, 100, 150]]
    assert corrupt(ramp, "contrast", 2, rng()).tolist() == [[0, 100, 255]]


def test_shift_and_rotation_move_a_dot() -> None:
    dot = np.zeros((49, 49), np.uint8)
    dot[24, 30] = 255
    # A step is a pixel of a face of 48, a little more here.
    moved = corrupt(dot, "shift", 4 * 48 / 49, rng())
    assert np.unravel_index(moved.argmax(), dot.shape) == (24, 34)
    turned = corrupt(dot, "rotation", 90, rng())
    assert np.unravel_index(turned.argmax(), dot.shape) == (18, 24)


def test_blur_and_low_resolution_take_details_away(faces: np.ndarray) -> None:
    details = [np.abs(np.diff(faces.astype(int), axis=2)).mean()]
    for kind, strength in (("blur", 2), ("resolution", 12)):
        spoilt = corrupt(faces, kind, strength, rng()).astype(int)
        assert np.abs(np.diff(spoilt, axis=2)).mean() < 0.6 * details[0]
        assert spoilt.mean() == pytest.approx(faces.mean(), abs=1)


def test_a_larger_face_is_spoilt_alike(faces: np.ndarray) -> None:
    large = faces.repeat(2, axis=1).repeat(2, axis=2)
    for kind in ("blur", "shift", "rotation", "resolution"):
        strength = CORRUPTIONS[kind].strengths[-1]
        spoilt = corrupt(large, kind, strength, rng()).astype(float)
        small = spoilt.reshape(len(faces), 48, 2, 48, 2).mean(axis=(2, 4))
        assert np.abs(small - corrupt(faces, kind, strength, rng())).mean() < 4, kind


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        ("fog", 1),
        ("blur", -1),
        ("noise", float("nan")),
        ("contrast", -0.1),
        ("occlusion", 1.1),
        ("resolution", 0),
        ("jpeg", 0),
        ("jpeg", 101),
        ("shift", float("inf")),
    ],
)
def test_senseless_wishes_are_refused(kind: str, strength: float) -> None:
    with pytest.raises(ValueError):
        corrupt(np.zeros((48, 48), np.uint8), kind, strength, rng())


@pytest.mark.parametrize(
    "faces",
    [np.zeros((48, 48)), np.zeros((0, 48, 48), np.uint8), np.zeros((1, 2, 48, 48), np.uint8)],
    ids=["float", "empty", "four axes"],
)
def test_what_is_no_face_is_refused(faces: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Faces must be"):
        corrupt(faces, "blur", 1, rng())
