"""Variation of training pictures, in grey levels, before the normalisation that serving uses."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.fer2013 import FaceSet
from train.errors import DataError
from train.training.config import AugmentationConfig


def augment_face(
    face_gray: NDArray[np.uint8], config: AugmentationConfig, rng: np.random.Generator, size: int
) -> NDArray[np.uint8]:
    """Vary one face and resize it in the same interpolation.

    Args:
        face_gray: uint8 ``(H, H)``.
        config: The ranges to draw from.
        rng: Where the randomness comes from.
        size: Side of the result in pixels.

    Returns:
        uint8 ``(size, size)``.
    """
    matrix = _random_affine(face_gray.shape[0], config, rng, size)
    face = cv2.warpAffine(
        face_gray, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if config.gamma:
        exponent = math.exp(rng.uniform(-1, 1) * math.log1p(config.gamma))
        table = 255.0 * (np.arange(256) / 255.0) ** exponent
        face = cv2.LUT(face, np.rint(table).astype(np.uint8))
    if config.blur_probability and rng.random() < config.blur_probability:
        face = cv2.GaussianBlur(face, (0, 0), max(1e-3, rng.uniform(0, config.blur_px)))
    if config.noise_probability and rng.random() < config.noise_probability:
        noise = rng.normal(0, rng.uniform(0, config.noise_level), face.shape)
        face = np.clip(np.rint(face + noise), 0, 255).astype(np.uint8)
    varied = np.asarray(face, np.uint8)
    if rng.random() < config.erase_probability:
        _erase(varied, config.erase_area, rng)
    return varied


def _random_affine(
    side: int, config: AugmentationConfig, rng: np.random.Generator, size: int
) -> NDArray[np.float64]:
    """Draw the 2x3 matrix from a ``side`` wide source to a ``size`` wide result."""
    angle = math.radians(rng.uniform(-1, 1) * config.rotation_deg)
    shear = math.tan(math.radians(rng.uniform(-1, 1) * config.shear_deg))
    zoom = 1 + rng.uniform(-1, 1) * config.zoom
    mirror = -1.0 if config.flip and rng.random() < 0.5 else 1.0
    shift = rng.uniform(-1, 1, 2) * config.shift * side
    shift += rng.integers(-config.crop_px, config.crop_px + 1, 2)

    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[mirror, shear], [0.0, 1.0]])
    scale = size / side
    center = (side - 1) / 2
    offset = (center + shift) - linear @ np.full(2, center)
    # The last step maps pixel centres to pixel centres, as cv2.resize does.
    return scale * np.column_stack([linear, offset + 0.5]) - [[0, 0, 0.5], [0, 0, 0.5]]


def _erase(face_gray: NDArray[np.uint8], max_area: float, rng: np.random.Generator) -> None:
    """Fill a random rectangle of ``face_gray``, in place, with the picture's mean."""
    side = face_gray.shape[0]
    area = rng.uniform(0.02, max(0.02, max_area)) * side * side
    aspect = math.exp(rng.uniform(-1, 1) * math.log(3))
    height = min(side, max(1, round(math.sqrt(area * aspect))))
    width = min(side, max(1, round(math.sqrt(area / aspect))))
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    face_gray[top : top + height, left : left + width] = round(float(face_gray.mean()))


def augmentation_sheet(
    faces_gray: NDArray[np.uint8], config: AugmentationConfig, seed: int, columns: int = 10
) -> NDArray[np.uint8]:
    """Draw augmented samples to look at: one row per face, the original first.

    Args:
        faces_gray: uint8 ``(N, H, H)``, N at least 1.
        config: The ranges to draw from.
        seed: Of the variation.
        columns: Pictures a row, the original included.

    Returns:
        uint8 ``(N * H, columns * H)``.
    """
    rng = np.random.default_rng(seed)
    side = faces_gray.shape[1]
    rows = [
        np.hstack([face, *(augment_face(face, config, rng, side) for _ in range(columns - 1))])
        for face in faces_gray
    ]
    return np.vstack(rows)


def write_sheet(dataset: FaceSet, config: AugmentationConfig, seed: int, path: Path) -> None:
    """Write augmented samples of one picture per class as a picture file, enlarged to look at.

    Args:
        dataset: Faces, of which each class's first is taken.
        config: The ranges to draw from.
        seed: Of the variation.
        path: Where the picture goes; its suffix decides the format.

    Raises:
        DataError: The file cannot be written.
    """
    firsts = np.unique(dataset.labels, return_index=True)[1]
    sheet = augmentation_sheet(dataset.faces_gray[firsts], config, seed)
    large = cv2.resize(sheet, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(path), large)
    except (OSError, cv2.error) as error:
        raise DataError(f"{path} cannot be written: {error}") from error
    if not written:
        raise DataError(f"{path} cannot be written.")
