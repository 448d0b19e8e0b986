"""Pictures are searched and faces read once in a process: most tests show the same few."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_core import detection
from fer_core.classifier import EmotionClassifier
from fer_core.detection import PHOTO_SIZES, HaarDetector
from fer_core.tta import FLIP
from fer_core.types import DetectedFace

# To load Haar takes longer than most searches here.
_haar = functools.cache(HaarDetector)
_FOUND: dict[Any, tuple[DetectedFace, ...]] = {}
_READ: dict[Any, NDArray[np.float32]] = {}


@contextmanager
def found_and_read_once() -> Iterator[None]:
    """Have Haar and the networks answer from memory what they have answered before."""
    detect, read = HaarDetector.detect, EmotionClassifier.member_logits

    def detect_once(
        self: HaarDetector, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        if not isinstance(image_bgr, np.ndarray):
            return detect(self, image_bgr, sizes)  # to be refused
        key = _checksum(image_bgr), tuple(sizes)
        if key not in _FOUND:
            _FOUND[key] = detect(self, image_bgr, sizes)
        return _FOUND[key]

    def read_once(
        self: EmotionClassifier, faces_gray: Sequence[NDArray[np.uint8]], views: str = FLIP
    ) -> NDArray[np.float32]:
        given: Any = faces_gray
        if not isinstance(given, list | np.ndarray) or not all(
            isinstance(face, np.ndarray) for face in given
        ):
            return read(self, faces_gray, views)  # to be refused
        key = self.name, self._files.tflite, views, *map(_checksum, faces_gray)
        if key not in _READ:
            _READ[key] = read(self, faces_gray, views)
        return _READ[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "HaarDetector", _haar)
        patch.setattr(HaarDetector, "detect", detect_once)
        patch.setattr(EmotionClassifier, "member_logits", read_once)
        yield


def _checksum(picture: NDArray[np.uint8]) -> tuple[tuple[int, ...], bytes]:
    return picture.shape, hashlib.sha256(np.ascontiguousarray(picture)).digest()
