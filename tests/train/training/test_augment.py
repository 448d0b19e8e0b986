from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.errors import DataError
from train.training.augment import augment_face, augmentation_sheet, write_sheet
from train.training.config import AugmentationConfig

NOTHING = AugmentationConfig()
EVERYTHING = AugmentationConfig(
    rotation_deg=20,
    shift=0.2,
    zoom=0.3,
    shear_deg=15,
    flip=True,
    crop_px=4,
    gamma=0.5,
    erase_probability=1,
    erase_area=0.3,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def face(tiny_set: FaceSet) -> np.ndarray:
    return tiny_set.faces_gray[0].copy()


def test_no_variation_returns_the_picture(face: np.ndarray) -> None:
    assert np.array_equal(augment_face(face, NOTHING, rng(), 48), face)


def test_the_picture_is_not_changed(face: np.ndarray) -> None:
    before = face.copy()
    varied = augment_face(face, EVERYTHING, rng(), 48)
    assert np.array_equal(face, before)
    assert not np.array_equal(varied, before)


def test_the_same_seed_gives_the_same_picture(face: np.ndarray) -> None:
    first, second, other = (augment_face(face, EVERYTHING, rng(seed), 48) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_flip_mirrors_half_of_the_pictures(face: np.ndarray) -> None:
    config = AugmentationConfig(flip=True)
    source = rng()
    flipped = 0
    for _ in range(200):
        varied = augment_face(face, config, source, 48)
        is_mirror = np.array_equal(varied, face[:, ::-1])
        assert is_mirror or np.array_equal(varied, face)
        flipped += is_mirror
    assert 70 <= flipped <= 130


@pytest.mark.parametrize("size", [24, 32, 48, 96])
def test_the_result_has_the_wanted_size(face: np.ndarray, size: int) -> None:
    varied = augment_face(face, NOTHING, rng(), size)
    assert varied.shape == (size, size)
    assert varied.dtype == np.uint8
    # The same pixel centres as a plain resize, away from the border.
    plain = cv2.resize(face, (size, size), interpolation=cv2.INTER_LINEAR).astype(int)
    inner = slice(2, size - 2)
    assert np.abs(varied[inner, inner].astype(int) - plain[inner, inner]).max() <= 2


def test_a_shift_moves_by_whole_pixels_and_repeats_the_border(face: np.ndarray) -> None:
    config = AugmentationConfig(crop_px=3)
    padded = cv2.copyMakeBorder(face, 3, 3, 3, 3, cv2.BORDER_REPLICATE)
    crops = [padded[y : y + 48, x : x + 48] for y in range(7) for x in range(7)]
    source = rng()
    for _ in range(20):
        varied = augment_face(face, config, source, 48)
        assert any(np.array_equal(varied, crop) for crop in crops)


def test_a_rotation_keeps_the_middle(face: np.ndarray) -> None:
    dot = np.zeros((49, 49), np.uint8)
    dot[24, 24] = 255
    for seed in range(10):
        varied = augment_face(dot, AugmentationConfig(rotation_deg=45), rng(seed), 49)
        assert np.unravel_index(varied.argmax(), varied.shape) == (24, 24)


def test_gamma_keeps_black_white_and_order() -> None:
    ramp = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (48, 1))
    varied = augment_face(ramp, AugmentationConfig(gamma=0.9), rng(), 48)
    assert varied.min() == 0
    assert varied.max() == 255
    assert (np.diff(varied[0].astype(int)) >= 0).all()
    assert not np.array_equal(varied, ramp)


@pytest.mark.parametrize("seed", range(10))
def test_erasing_fills_one_rectangle_of_limited_area(seed: int) -> None:
    checks = np.indices((48, 48)).sum(axis=0) % 2 * 255
    face = checks.astype(np.uint8)
    config = AugmentationConfig(erase_probability=1, erase_area=0.2)
    erased = augment_face(face, config, rng(seed), 48) != face
    rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
    assert erased[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    # A side is rounded to whole pixels, which can add half a row and half a column.
    assert 1 <= erased.sum() <= 0.2 * 48 * 48 * 1.15


def test_blur_takes_contrast_away_and_keeps_the_mean(face: np.ndarray) -> None:
    blurred = augment_face(face, AugmentationConfig(blur_probability=1, blur_px=3), rng(), 48)
    assert blurred.std() < face.std()
    assert float(blurred.mean()) == pytest.approx(float(face.mean()), abs=3)


def test_noise_has_the_wanted_strength_and_its_share_of_pictures() -> None:
    gray = np.full((48, 48), 128, np.uint8)
    config = AugmentationConfig(noise_probability=0.5, noise_level=20)
    spread = np.array([augment_face(gray, config, rng(seed), 48).std() for seed in range(200)])
    assert 60 <= (spread == 0).sum() <= 140
    assert spread.max() == pytest.approx(20, abs=1.5)
    assert spread[spread > 0].mean() == pytest.approx(10, abs=2)


def test_extreme_faces_survive_everything() -> None:
    for level in (0, 255):
        face = np.full((48, 48), level, np.uint8)
        assert (augment_face(face, EVERYTHING, rng(), 48) == level).all()


def test_the_sheet_has_a_row_a_face_and_starts_with_it(tiny_set: FaceSet) -> None:
    sheet = augmentation_sheet(tiny_set.faces_gray[:3], EVERYTHING, seed=0, columns=5)
    assert sheet.shape == (3 * 48, 5 * 48)
    assert np.array_equal(sheet[:, :48], np.vstack(tiny_set.faces_gray[:3]))
    alone = augmentation_sheet(tiny_set.faces_gray[:1], EVERYTHING, seed=0, columns=1)
    assert np.array_equal(alone, tiny_set.faces_gray[0])


def test_the_sheet_is_written_with_a_row_a_class(tiny_set: FaceSet, tmp_path: Path) -> None:
    path = tmp_path / "new" / "sheet.png"
    write_sheet(tiny_set, EVERYTHING, 0, path)
    assert cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).shape == (7 * 96, 10 * 96)


@pytest.mark.parametrize("name", ["sheet.unknown", "file/sheet.png"])
def test_a_sheet_that_cannot_be_written(tiny_set: FaceSet, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="cannot be written"):
        write_sheet(tiny_set, EVERYTHING, 0, tmp_path / name)
