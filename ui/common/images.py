"""Pictures on their way to the browser: crops, JPEG, and small ones enlarged."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_core.alignment import crop_face
from fer_core.images import encode_png
from fer_core.types import FaceBox

_CROP_SIDE = 288


def crop_rgb(image_bgr: NDArray[np.uint8], box: FaceBox) -> Image.Image:
    """Return the square around a face, with a margin, as far as the picture reaches."""
    return reduced_rgb(crop_face(image_bgr, box), _CROP_SIDE)


def reduced_rgb(image_bgr: NDArray[np.uint8], side: int) -> Image.Image:
    """Return a picture for the browser, reduced where its longer side has more pixels.

    Args:
        image_bgr: uint8 ``(H, W, 3)``.
        side: The most pixels that the longer side is to have.
    """
    height, width = image_bgr.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        # Before the channels change places, and by OpenCV: a tenth of Pillow's time.
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        image_bgr = np.asarray(cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA))
    return as_image(image_bgr)


def as_image(image_bgr: NDArray[np.uint8]) -> Image.Image:
    """Return a picture, BGR ``(H, W, 3)``, as Pillow has it."""
    return Image.fromarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB))


def as_jpeg(image: Image.Image) -> bytes:
    """Return a picture as a JPEG, a fifth of a PNG's size on the way to the browser."""
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG", quality=90)
    return content.getvalue()


def data_url(content: bytes, kind: str = "jpeg") -> str:
    """Return a picture's file, a JPEG or another kind, as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


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
