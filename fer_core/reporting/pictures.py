"""Pictures inside a report: JPEGs of bounded size, without anything that files say of theirs."""

from __future__ import annotations

import base64
from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

_MOST_SIDE, _LEAST_SIDE = 1280, 96
# Of a usual photo as a JPEG of medium quality, a square pixel takes about this many bytes.
_BYTES_A_PIXEL = 0.15
_QUALITIES = (84, 70)
_FACE_SIDE, _FACE_BYTES = 128, 4000


def embedded(image_bgr: NDArray[np.uint8], most_bytes: int, most_side: int = _MOST_SIDE) -> str:
    """Return a picture as the address that shows it, reduced until it is small enough.

    Args:
        image_bgr: uint8 ``(H, W, 3)``; not changed.
        most_bytes: Of the JPEG; in the address it takes a third more.
        most_side: Longer side in pixels at most.
    """
    # Where no detail is lost that there was.
    side = min(most_side, max(image_bgr.shape[:2]), round(sqrt(1.5 * most_bytes / _BYTES_A_PIXEL)))
    while True:
        shown = _reduced(image_bgr, max(side, _LEAST_SIDE))
        for quality in _QUALITIES:
            options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
            content = cv2.imencode(".jpg", shown, options)[1]
            if len(content) <= most_bytes:
                return _address(content)
        if side <= _LEAST_SIDE:
            return _address(content)
        side = round(0.75 * side)


def embedded_face(face_bgr: NDArray[np.uint8]) -> str:
    """Return a face that is cut out as the address that shows it; "" where nothing is left of it.

    Args:
        face_bgr: uint8 ``(h, w, 3)``, as ``crop_face`` cuts it out.
    """
    return embedded(face_bgr, _FACE_BYTES, _FACE_SIDE) if face_bgr.size else ""


def _reduced(image_bgr: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = image_bgr.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image_bgr
    size_wh = (max(1, round(scale * width)), max(1, round(scale * height)))
    return np.asarray(cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _address(content: NDArray[np.uint8]) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
