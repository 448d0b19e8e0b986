"""What of a face a verdict hangs on, as a veil of colour over it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.images import encode_png
from train.evaluation.explain import grad_cam, occlusion_sensitivity
from ui.common.resources import get_classifier

_STRONGEST = 0.65
_WARM, _COOL = (20, 56, 184), (181, 121, 39)
# Without a lower bound, the noise of a face that nothing changes would glow.
_LEAST_BOUND = 0.05
_LEAST_LOOK = float(np.finfo(np.float32).tiny)


# Kept for the few faces that a visitor goes back and forth between; they come from photos too, so
# not for longer than that.
@st.cache_data(show_spinner=False, max_entries=32, ttl=600)
def falls_of(
    model: str,
    reading: str,
    face_gray: NDArray[np.uint8],
    position: int,
    window: int = 12,
    stride: int = 6,
) -> NDArray[np.float32]:
    """Return what covering each place costs an emotion; see ``occlusion_sensitivity``.

    Args:
        model: Name of the model.
        reading: One of ``fer_core.readings.READINGS``.
        face_gray: uint8 ``(H, W)`` in FER-2013's frame.
        position: The emotion's position in the model's labels.
        window: Side of the square that covers, in pixels of the network's input.
        stride: Its step in the same pixels.
    """
    return occlusion_sensitivity(
        get_classifier(model, reading), face_gray, position, window=window, stride=stride
    )


@st.cache_data(show_spinner=False, max_entries=32, ttl=600)
def looks_of(
    model: str, reading: str, face_gray: NDArray[np.uint8], position: int
) -> NDArray[np.float32]:
    """Return where a face speaks for an emotion, 0 to 1; see ``grad_cam``; arguments as above."""
    return grad_cam(get_classifier(model, reading), face_gray, position)


def falls_shown(face_gray: NDArray[np.uint8], falls: NDArray[np.float32], side: int) -> bytes:
    """Return a face under the costs of covering it, the largest in full colour, as PNG.

    Args:
        face_gray: uint8 ``(H, W)``.
        falls: ``(H, W)``, from ``falls_of``.
        side: Of the PNG, in pixels.
    """
    return overlay(face_gray, falls / max(float(np.abs(falls).max()), _LEAST_BOUND), side)


def looks_shown(face_gray: NDArray[np.uint8], looks: NDArray[np.float32], side: int) -> bytes:
    """Return a face with a veil where it speaks most for an emotion, and none where least, as PNG.

    Args:
        face_gray: uint8 ``(H, W)``.
        looks: ``(H, W)``, from ``looks_of``.
        side: Of the PNG, in pixels.
    """
    above = looks - looks.min()
    return overlay(face_gray, above / max(float(above.max()), _LEAST_LOOK), side)


def overlay(face_gray: NDArray[np.uint8], values: NDArray[np.floating[Any]], side: int) -> bytes:
    """Return a face under a veil of colour, as PNG.

    Args:
        face_gray: uint8 ``(H, W)``.
        values: ``(H, W)``, -1 (cool) to 1 (warm); 0 leaves the face as it is.
        side: Of the PNG, in pixels.
    """
    sides = (side, side)
    gray = cv2.resize(face_gray, sides, interpolation=cv2.INTER_NEAREST_EXACT)
    smooth = cv2.resize(np.asarray(values, np.float32), sides, interpolation=cv2.INTER_LINEAR)
    picture = np.repeat(gray[..., np.newaxis], 3, axis=2).astype(np.float32)
    share = _STRONGEST * np.clip(np.abs(smooth), 0, 1)[..., np.newaxis]
    color = np.where(smooth[..., np.newaxis] > 0, np.float32(_WARM), np.float32(_COOL))
    return encode_png(np.asarray(np.rint(picture * (1 - share) + color * share), np.uint8))
