"""Spoiling faces as cameras, networks and light do: for measured robustness and the live sliders.

The kinds follow Hendrycks and Dietterich, 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", in units that mean something on a face of 48 pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import INPUT_SIZE

Face = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Corruption:
    """A way to spoil a face.

    Attributes:
        title: Its name to read.
        unit: What the strength counts, to read; empty for a plain factor.
        low: The lowest strength that a slider offers.
        high: The highest one.
        step: The slider's step.
        none: The strength that changes nothing.
        strengths: Where robustness is measured.
    """

    title: str
    unit: str
    low: float
    high: float
    step: float
    none: float
    strengths: tuple[float, ...]


CORRUPTIONS = MappingProxyType(
    {
        "blur": Corruption("Blur", "pixels (sigma)", 0, 4, 0.1, 0, (0.5, 1, 1.5, 2, 3)),
        "noise": Corruption("Noise", "grey levels (sigma)", 0, 80, 1, 0, (5, 10, 20, 30, 50)),
        "brightness": Corruption(
            "Brightness", "grey levels", -150, 150, 5, 0, (-120, -80, -40, 40, 80, 120)
        ),
        "contrast": Corruption("Contrast", "times", 0.05, 3, 0.05, 1, (0.1, 0.25, 0.5, 1.5, 2, 3)),
        "rotation": Corruption(
            "Rotation", "degrees", -60, 60, 1, 0, (-45, -30, -15, -5, 5, 15, 30, 45)
        ),
        "occlusion": Corruption(
            "Occlusion", "of the area", 0, 0.6, 0.02, 0, (0.05, 0.1, 0.2, 0.3, 0.5)
        ),
        "resolution": Corruption(
            "Low resolution", "pixels wide", 6, 48, 1, 48, (36, 24, 16, 12, 8)
        ),
        "jpeg": Corruption("JPEG compression", "quality", 1, 100, 1, 100, (50, 30, 20, 10, 5)),
        "shift": Corruption("Shift to the right", "pixels", -8, 8, 1, 0, (-4, -2, -1, 1, 2, 4)),
    }
)


def corrupt(
    faces_gray: NDArray[np.uint8], kind: str, strength: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Spoil a face, or each of many.

    Args:
        faces_gray: uint8 ``(H, W)`` or ``(N, H, W)``; not changed.
        kind: A key of ``CORRUPTIONS``.
        strength: In that kind's unit. Lengths are in pixels of a face 48 pixels wide, and grow
            with the face.
        rng: For what is random: the noise, and the place of the occlusion.

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: There is no such kind, or its strength makes no sense.
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"No corruption '{kind}'; there are {', '.join(CORRUPTIONS)}.")
    if faces_gray.ndim not in (2, 3) or faces_gray.dtype != np.uint8 or faces_gray.size == 0:
        raise ValueError(
            f"Faces must be uint8 (H, W) or (N, H, W), not {faces_gray.dtype} {faces_gray.shape}."
        )
    if not _is_possible(kind, strength):
        raise ValueError(f"{CORRUPTIONS[kind].title} of {strength:g} makes no sense.")
    spoil = _WAYS[kind]
    if faces_gray.ndim == 2:
        return spoil(faces_gray, strength, rng)
    return np.stack([spoil(face, strength, rng) for face in faces_gray])


def _is_possible(kind: str, strength: float) -> bool:
    limits = {
        "blur": (0, math.inf),
        "noise": (0, math.inf),
        "contrast": (0, math.inf),
        "occlusion": (0, 1),
        "resolution": (1, math.inf),
        "jpeg": (1, 100),
    }
    low, high = limits.get(kind, (-math.inf, math.inf))
    return math.isfinite(strength) and low <= strength <= high


def _scale(face: Face) -> float:
    """Return pixels of this face for a pixel of a face 48 wide."""
    return float(face.shape[1] / INPUT_SIZE)


def _clipped(levels: NDArray[np.floating]) -> Face:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def _blur(face: Face, sigma: float, _: np.random.Generator) -> Face:
    if sigma == 0:
        return face.copy()
    blurred = cv2.GaussianBlur(face, (0, 0), sigma * _scale(face), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def _noise(face: Face, sigma: float, rng: np.random.Generator) -> Face:
    return _clipped(face + rng.normal(0, 1, face.shape) * sigma)


def _brightness(face: Face, levels: float, _: np.random.Generator) -> Face:
    return _clipped(face.astype(np.float64) + levels)


def _contrast(face: Face, times: float, _: np.random.Generator) -> Face:
    mean = float(face.mean())
    return _clipped(mean + (face - mean) * times)


def _rotation(face: Face, degrees: float, _: np.random.Generator) -> Face:
    height, width = face.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return _warped(face, np.asarray(matrix, np.float64))


def _shift(face: Face, pixels: float, _: np.random.Generator) -> Face:
    return _warped(face, np.array([[1, 0, pixels * _scale(face)], [0, 1, 0]], np.float64))


def _warped(face: Face, matrix: NDArray[np.float64]) -> Face:
    turned = cv2.warpAffine(
        face, matrix, face.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8)


def _occlusion(face: Face, area: float, rng: np.random.Generator) -> Face:
    """Cover a rectangle in the face's own shape, somewhere inside, with black."""
    covered = face.copy()
    height, width = (round(side * math.sqrt(area)) for side in face.shape)
    top = int(rng.integers(0, face.shape[0] - height + 1))
    left = int(rng.integers(0, face.shape[1] - width + 1))
    covered[top : top + height, left : left + width] = 0
    return covered


def _resolution(face: Face, width: float, _: np.random.Generator) -> Face:
    """Shrink a face as if a camera had seen it so small, and enlarge it as alignment does."""
    small_width = round(width)
    if small_width >= min(face.shape[1], INPUT_SIZE):
        return face.copy()
    small_height = max(1, round(face.shape[0] * small_width / face.shape[1]))
    small = cv2.resize(face, (small_width, small_height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _jpeg(face: Face, quality: float, _: np.random.Generator) -> Face:
    content = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


_WAYS: dict[str, Callable[[Face, float, np.random.Generator], Face]] = {
    "blur": _blur,
    "noise": _noise,
    "brightness": _brightness,
    "contrast": _contrast,
    "rotation": _rotation,
    "occlusion": _occlusion,
    "resolution": _resolution,
    "jpeg": _jpeg,
    "shift": _shift,
}
