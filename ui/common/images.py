"""Pictures on their way to the browser: crops, JPEG, and small ones enlarged."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_core.alignment import crop_face
from fer_core.images import encode_png
from fer_core.types import FaceBox


def crop_rgb(image_bgr: NDArray[np.uint8], box: FaceBox) -> Image.Image:
    """Return the square around a face, with a margin, as far as the picture reaches."""
    crop = Image.fromarray(np.ascontiguousarray(crop_face(image_bgr, box)[..., ::-1]))
    crop.thumbnail((288, 288))
    return crop


def as_jpeg(image: Image.Image) -> bytes:
    """Return a picture as a JPEG, a fifth of a PNG's size on the way to the browser."""
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG", quality=90)
    return content.getvalue()


def decoded_jpeg(jpeg: bytes) -> NDArray[np.uint8]:
    """Return a picture, BGR ``(H, W, 3)``, that the server itself has encoded."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def enlarged(face_gray: NDArray[np.uint8], side: int) -> bytes:
    """Return a PNG, ``side`` pixels wide and high, that shows the pixels of a small picture.

    Args:
        face_gray: uint8 ``(H, W)``.
        side: Of the PNG, in pixels.
    """
    shown = cv2.resize(face_gray, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    return encode_png(np.asarray(shown, np.uint8))
