from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from fer_core.preprocessing import normalize_faces
from train.data.fer2013 import FaceSet
from train.training.config import AugmentationConfig

torch = pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
from train.training.device_augment import augment_batch, normalize_batch, warp_batch  # noqa: E402

Faces = Any


@pytest.fixture
def faces(tiny_set: FaceSet) -> Faces:
    """Some faces, float32 ``(64, 1, 48, 48)``."""
    return torch.from_numpy(tiny_set.faces_gray[:64]).float()[:, None]


def varied(faces: Faces, seed: int = 0, framed_share: float = 0.0, **ranges: Any) -> Faces:
    torch.manual_seed(seed)
    framings = torch.tensor([[1.2, 0.1, -3.0], [-0.1, 1.2, 2.0]]).expand(len(faces), 2, 3)
    return augment_batch(faces, framings, AugmentationConfig(**ranges), framed_share)


def moved_by_opencv(faces: Faces, matrix: np.ndarray) -> Faces:
    """Faces moved by a matrix of pixels from the corner of the first, as ``warp_batch`` does."""
    centers = matrix.astype(np.float64)
    centers[:, 2] += centers[:, :2] @ [0.5, 0.5] - 0.5
    moved = [
        cv2.warpAffine(face, centers, (48, 48), borderMode=cv2.BORDER_REPLICATE)
        for face in faces[:, 0].numpy()
    ]
    return torch.from_numpy(np.stack(moved))[:, None]


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 0], [0, 1, 0]],
        [[-1, 0, 48], [0, 1, 0]],
        [[1, 0, 3], [0, 1, -2]],
        [[1.07, -0.21, 4.5], [0.24, 1.02, -6.0]],
        [[-0.8, 0.3, 40.0], [0.1, 1.3, 2.25]],
    ],
)
def test_the_warp_is_that_of_opencv(faces: Faces, matrix: list[list[float]]) -> None:
    array = np.array(matrix)
    linear = torch.tensor(array[:, :2]).float().expand(len(faces), 2, 2)
    offset = torch.tensor(array[:, 2]).float().expand(len(faces), 2)
    difference = (warp_batch(faces, linear, offset) - moved_by_opencv(faces, array)).abs()
    # OpenCV rounds positions to 1/32 of a pixel.
    assert difference.mean() < 0.5
    assert difference.max() < 255 / 16


def test_the_normalisation_is_that_of_serving(faces: Faces) -> None:
    flat = torch.full((1, 1, 48, 48), 9.0)
    flat[0, 0, 0, 0] = 11
    batch = torch.cat([faces, flat])
    expected = normalize_faces(batch[:, 0].numpy().astype(np.uint8)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(normalize_batch(batch).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_no_variation_returns_the_pictures(faces: Faces) -> None:
    torch.testing.assert_close(varied(faces), faces, rtol=0, atol=0.01)


def test_a_seed_decides_and_the_pictures_stay_as_they_are(faces: Faces) -> None:
    before = faces.clone()
    ranges = {"rotation_deg": 10, "zoom": 0.1, "gamma": 0.3, "noise_probability": 0.5, "crop_px": 2}
    one, same, other = (varied(faces, seed, **ranges) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(faces, before)
    # Each picture in its own way.
    alike = varied(faces[:1].expand(8, 1, 48, 48), **ranges)
    assert all(not torch.equal(alike[0], face) for face in alike[1:])


def test_the_flip_mirrors_half_of_the_pictures(faces: Faces) -> None:
    many = faces.repeat(4, 1, 1, 1)
    result = varied(many, flip=True)
    mirrored = (result - many.flip(3)).abs().amax((1, 2, 3)) < 0.01
    kept = (result - many).abs().amax((1, 2, 3)) < 0.01
    assert (mirrored | kept).all()
    assert 0.35 < mirrored.float().mean() < 0.65


def test_the_framed_share_is_shown_as_a_detector_frames_it(faces: Faces) -> None:
    matrix = np.array([[1.2, 0.1, -3.0], [-0.1, 1.2, 2.0]])
    framed = moved_by_opencv(faces, matrix)
    assert (varied(faces, framed_share=1.0) - framed).abs().mean() < 0.5
    result = varied(faces.repeat(4, 1, 1, 1), framed_share=0.25)
    is_framed = (result - framed.repeat(4, 1, 1, 1)).abs().mean((1, 2, 3)) < 1
    is_plain = (result - faces.repeat(4, 1, 1, 1)).abs().mean((1, 2, 3)) < 0.01
    assert (is_framed | is_plain).all()
    assert 0.15 < is_framed.float().mean() < 0.35


def test_geometry_keeps_the_middle_within_its_shift() -> None:
    spot = torch.zeros(256, 1, 48, 48)
    spot[:, :, 22:26, 22:26] = 255
    result = varied(spot, rotation_deg=20, zoom=0.2, shear_deg=10, shift=0.1)
    places = torch.arange(48) + 0.5
    weight = result.sum((1, 2, 3))
    x = (result.sum((1, 2)) * places).sum(1) / weight
    y = (result.sum((1, 3)) * places).sum(1) / weight
    for middle in (x, y):
        assert (middle - 24).abs().max() < 0.1 * 48 + 0.1
        assert (middle - 24).std() > 1


def test_gamma_bends_grey_levels_within_its_range() -> None:
    ramp = torch.linspace(20, 235, 48).expand(64, 1, 48, 48)
    result = varied(ramp, gamma=0.5)
    exponents = torch.log(result / 255) / torch.log(ramp / 255)
    first = exponents[:, :, :1, :1]
    torch.testing.assert_close(exponents, first.expand_as(exponents), rtol=1e-2, atol=1e-2)
    assert first.min() > 1 / 1.51
    assert first.max() < 1.51
    assert first.std() > 0.1


def test_the_blur_is_that_of_opencv(faces: Faces) -> None:
    result = varied(faces, blur_probability=1.0, blur_px=1.5)
    for face, blurred in zip(faces[:8, 0].numpy(), result[:8, 0].numpy(), strict=True):
        found = [
            np.abs(cv2.GaussianBlur(face, (11, 11), sigma) - blurred).mean()
            for sigma in np.linspace(0.01, 1.5, 60)
        ]
        assert min(found) < 0.3
    sharpness = faces.diff(dim=3).abs().mean((1, 2, 3))
    assert (result.diff(dim=3).abs().mean((1, 2, 3)) < sharpness + 1e-3).all()


def test_a_share_of_the_pictures_is_blurred_and_noisy(faces: Faces) -> None:
    many = faces.repeat(4, 1, 1, 1)
    for ranges in (
        {"blur_probability": 0.25, "blur_px": 2.0},
        {"noise_probability": 0.25, "noise_level": 20.0},
    ):
        changed = (varied(many, **ranges) - many).abs().mean((1, 2, 3)) > 0.01
        assert 0.15 < changed.float().mean() < 0.35
    noisy = varied(torch.full((64, 1, 48, 48), 128.0), noise_probability=1.0, noise_level=20.0)
    deviations = (noisy - 128).std((1, 2, 3))
    assert deviations.max() < 21
    assert deviations.std() > 3


def test_erasing_fills_one_rectangle_with_the_mean(faces: Faces) -> None:
    result = varied(faces, erase_probability=1.0, erase_area=0.2)
    for face, erased in zip(faces[:, 0], result[:, 0], strict=True):
        hole = (erased - face).abs() > 0.01
        rows, columns = torch.where(hole.any(1))[0], torch.where(hole.any(0))[0]
        box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        assert (erased[box] - face.mean()).abs().max() < 0.01
        assert 0.01 < hole[box].numel() / 48**2 < 0.23
    torch.testing.assert_close(varied(faces, erase_probability=0.0), faces, rtol=0, atol=0.01)
