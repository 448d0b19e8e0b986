"""From a grey face crop to the network's input: one function for training and for inference."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

INPUT_SIZE = 48
# A crop flatter than this is (nearly) blank: dividing by its tiny deviation would blow up noise.
MIN_CONTRAST = 8.0


def check_face(face_gray: NDArray[np.uint8]) -> None:
    """Raise an error for what is no face.

    Raises:
        TypeError: It is no array.
        ValueError: It is not a non-empty grey uint8 picture.
    """
    given: object = face_gray
    if not isinstance(given, np.ndarray):
        raise TypeError(f"A face must be an array, uint8 (H, W), not {type(given).__name__}.")
    if face_gray.ndim != 2 or face_gray.dtype != np.uint8 or face_gray.size == 0:
        raise ValueError(
            f"A face must be uint8 (H, W) and not empty, not {face_gray.dtype} {face_gray.shape}."
        )


def resize_face(face_gray: NDArray[np.uint8], size: int = INPUT_SIZE) -> NDArray[np.uint8]:
    """Resize a grey face to a square.

    Args:
        face_gray: uint8 ``(H, W)``.
        size: Side of the result in pixels.

    Returns:
        uint8 ``(size, size)``; the argument itself when it has that size already.

    Raises:
        TypeError: The face is no array.
        ValueError: The face is not a non-empty grey uint8 picture.
    """
    check_face(face_gray)
    if face_gray.shape == (size, size):
        return face_gray
    # Averaging over areas is right for shrinking; for enlarging it degenerates to blocks.
    shrinks = min(face_gray.shape) > size
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(face_gray, (size, size), interpolation=method), np.uint8)


def normalize_faces(
    faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], size: int = INPUT_SIZE
) -> NDArray[np.float32]:
    """Normalise faces in size, grey level and contrast.

    Every face is resized, then shifted and scaled to mean 0 and standard deviation 1, so that
    a dark or pale photo looks to the network like any other.

    Args:
        faces_gray: uint8 ``(N, H, W)``, or N faces of any sizes, each uint8 ``(H, W)``.
        size: Side of the network's input in pixels.

    Returns:
        float32 ``(N, size, size, 1)``; ``(0, size, size, 1)`` for no faces.

    Raises:
        ValueError: A face is not a non-empty grey uint8 picture.
    """
    if len(faces_gray) == 0:
        return np.zeros((0, size, size, 1), np.float32)
    faces = np.stack([resize_face(face, size) for face in faces_gray]).astype(np.float32)
    mean = faces.mean(axis=(1, 2), keepdims=True)
    contrast = np.maximum(faces.std(axis=(1, 2), keepdims=True), MIN_CONTRAST)
    normalized: NDArray[np.float32] = (faces - mean) / contrast
    return normalized[..., np.newaxis]
