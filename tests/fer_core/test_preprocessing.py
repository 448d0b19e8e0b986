"""From a face crop to the network's input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_core.preprocessing import INPUT_SIZE, normalize_faces, resize_face

SHAPES = [(48, 48), (96, 96), (7, 5), (1, 1), (200, 300), (48, 20), (1000, 30)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [48, 64])
def test_resize_gives_a_square(shape: tuple[int, int], size: int) -> None:
    face = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    before = face.copy()
    resized = resize_face(face, size)
    assert (resized.shape, resized.dtype) == ((size, size), np.uint8)
    assert (face == before).all()


def test_right_size_stays_as_it_is(crops: np.ndarray) -> None:
    face = crops[0]
    assert resize_face(face, 96) is face


def test_shrinking_averages() -> None:
    stripes = np.zeros((96, 96), np.uint8)
    stripes[::2] = 200
    assert (resize_face(stripes) == 100).all()


def test_faces_come_out_standardised(crops: np.ndarray) -> None:
    faces = normalize_faces(crops)
    assert (faces.shape, faces.dtype) == ((40, INPUT_SIZE, INPUT_SIZE, 1), np.float32)
    assert faces.mean(axis=(1, 2, 3)) == pytest.approx(0, abs=1e-5)
    assert faces.std(axis=(1, 2, 3)) == pytest.approx(1, abs=1e-4)


def test_another_input_size(crops: np.ndarray) -> None:
    assert normalize_faces(crops, 64).shape == (40, 64, 64, 1)


@pytest.mark.parametrize("none", [[], np.zeros((0, 48, 48), np.uint8)])
def test_no_faces(none: object) -> None:
    faces = normalize_faces(none)
    assert (faces.shape, faces.dtype) == ((0, INPUT_SIZE, INPUT_SIZE, 1), np.float32)


def test_mixed_sizes_are_as_one_by_one(crops: np.ndarray) -> None:
    mixed = [crops[0], crops[1][:70, 5:], crops[2][::2, ::3]]
    together = normalize_faces(mixed)
    for face, normalized in zip(mixed, together, strict=True):
        assert (normalize_faces([face])[0] == normalized).all()


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0), (0.5, 100), (0.4, 20), (0.8, -8)])
def test_brightness_and_contrast_do_not_matter(
    crops: np.ndarray, gain: float, offset: float
) -> None:
    usual = normalize_faces(crops)
    changed = normalize_faces(cv2.convertScaleAbs(crops, alpha=gain, beta=offset))
    # What remains is rounding to grey levels and, for the last, a few clipped blacks.
    assert np.abs(usual - changed).mean() < 0.02


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_face_is_all_zero(level: int) -> None:
    assert (normalize_faces(np.full((1, 96, 96), level, np.uint8)) == 0).all()


def test_noise_on_a_blank_face_is_not_blown_up() -> None:
    noisy = np.full((1, 48, 48), 128, np.uint8)
    noisy[0, ::2] += 1
    assert np.abs(normalize_faces(noisy)).max() < 0.1


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48), np.int16),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros((48, 48, 1), np.uint8),
        np.zeros((0, 48), np.uint8),
        np.zeros(48, np.uint8),
    ],
)
def test_what_is_no_grey_face_is_refused(face: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 \(H, W\)"):
        normalize_faces([face])


def test_arguments_are_not_changed(crops: np.ndarray) -> None:
    for faces in (crops.copy(), crops[:, ::2, ::2].copy()):
        before = faces.copy()
        normalize_faces(faces)
        assert (faces == before).all()
