"""Reading pictures of any usual format, safely, into BGR uint8."""

from __future__ import annotations

import io
import os
import struct
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_core.errors import UnreadableImage

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif",
)  # fmt: skip
# Pillow knows more, among them PostScript, which it would hand to an interpreter.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF")
MAX_PIXELS = 100_000_000
MAX_SIDE = 4096
MIN_SIDE = 16
_ORIENTATION = 0x0112
_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
# What the decoders raise on damaged files; which one is up to the format and the damage.
_DECODING_ERRORS = (
    OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    SyntaxError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
_DAMAGED = "The picture is damaged or cut off, and cannot be decoded."
ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded picture.

    Attributes:
        image_bgr: uint8 ``(H, W, 3)``, upright, its longer side at most ``MAX_SIDE`` pixels.
        original_size_wh: Size of the upright picture before it was reduced, in pixels.
    """

    image_bgr: NDArray[np.uint8]
    original_size_wh: tuple[int, int]


def read_image(source: ImageSource) -> Photo:
    """Decode a picture: turned upright, on white where transparent, the first frame of many.

    Args:
        source: The path of a file, its content, an open binary file, which is read to its end, or
            a PIL picture, which is not changed.

    Raises:
        TypeError: ``source`` is nothing of these.
        UnreadableImage: The file is empty, damaged, no picture, or has too few or too many
            pixels; the latter is known, and refused, before decoding.
    """
    if isinstance(source, Image.Image):
        _refuse_size(source)
        try:
            # Decoding changes a picture in place, and this one is the caller's.
            own = source.copy()
        except _DECODING_ERRORS as error:
            raise UnreadableImage(_DAMAGED) from error
        return _decode(own)
    _register_heif()
    content = _content(source)
    if not content:
        raise UnreadableImage("The file is empty.")
    try:
        with warnings.catch_warnings():
            # Our own limit, below, is between Pillow's warning and its error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise UnreadableImage(_too_large(None)) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage("The file is not a picture in a format that can be read.") from error
    except _DECODING_ERRORS as error:
        raise UnreadableImage("The file is damaged and cannot be read as a picture.") from error
    with picture:
        return _decode(picture)


def _content(source: Any) -> bytes:
    """Return all of a file."""
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            return bytes(source)
        if isinstance(source, str | os.PathLike):
            return Path(source).read_bytes()
        if not hasattr(source, "read"):
            raise not_a_picture(source)
        if isinstance(source, io.TextIOBase):
            raise TypeError('A file must be opened in binary mode, as by open(path, "rb").')
        return bytes(source.read())
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableImage(f"The file cannot be read: {reason}.") from error
    except ValueError as error:
        # A name with a zero byte, or a file that is closed.
        what = "file is closed" if getattr(source, "closed", False) else "file's name is not valid"
        raise UnreadableImage(f"The {what}.") from error


def not_a_picture(source: object) -> TypeError:
    """Return the error that says what can be read instead of ``source``."""
    if source is None:
        return TypeError(
            "There is no picture, but None, which cv2.imread returns for a file it cannot read."
        )
    if isinstance(source, np.ndarray):
        return TypeError(
            "An array is a decoded picture already, which `fer_core.analyze` takes as it is."
        )
    return TypeError(
        "A picture must be a path, the content of a file, a binary file, a PIL picture or an "
        f"array, not {type(source).__name__}."
    )


def _refuse_size(picture: Image.Image) -> None:
    """Raise UnreadableImage for a picture with too few or too many pixels."""
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadableImage(_too_large(picture.size))
    if min(width, height) < MIN_SIDE:
        raise UnreadableImage(
            f"The picture has only {width}×{height} pixels, too few to show a face."
        )


def _decode(picture: Image.Image) -> Photo:
    _refuse_size(picture)
    width, height = picture.size
    try:
        # JPEGs can be decoded at half or a quarter of their size for little time and memory.
        picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
        picture.load()
        orientation = _orientation(picture)
        reduced = _eight_bit(picture)
        # In place: beside a second copy of 60 megapixels there would be no room for visitors.
        reduced.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    except _DECODING_ERRORS as error:
        raise UnreadableImage(_DAMAGED) from error
    rgb = np.asarray(_upright(_on_white(reduced), orientation))
    return Photo(
        np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8),
        (height, width) if orientation in (5, 6, 7, 8) else (width, height),
    )


def _too_large(size_wh: tuple[int, int] | None) -> str:
    size = f"{size_wh[0]:,}×{size_wh[1]:,} pixels" if size_wh else "far too many pixels"
    return f"The picture has {size}; at most {MAX_PIXELS // 1_000_000} megapixels can be opened."


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Return a picture of 8 bits a channel; Pillow itself clips 16-bit greys to white."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    greys = np.asarray(picture)
    if picture.mode.startswith("F"):
        greys = np.nan_to_num(greys)
    largest = 65535.0 if picture.mode.startswith("I") else max(1.0, float(greys.max()))
    # OpenCV scales and rounds without the arrays of floats in between, which for a large photo
    # would take gigabytes.
    return Image.fromarray(cv2.convertScaleAbs(np.maximum(greys, 0), alpha=255 / largest))


def _orientation(picture: Image.Image) -> object:
    """Return the EXIF orientation, 1 to 8; damaged EXIF counts as 1, upright."""
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except _DECODING_ERRORS:
        return 1


def _upright(picture: Image.Image, orientation: object) -> Image.Image:
    """Return the picture turned; values that are no orientation leave it as it is."""
    # Pillow would write all the other EXIF anew, and fail where any of it is damaged.
    picture.info.clear()
    picture.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(picture)


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layers = picture.convert("RGBA")
    white = Image.new("RGBA", layers.size, "white")
    return Image.alpha_composite(white, layers).convert("RGB")


def to_gray(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return uint8 ``(H, W)`` from BGR ``(H, W, 3)``, BGRA ``(H, W, 4)`` or grey ``(H, W)``.

    Raises:
        TypeError: The picture is no array.
        ValueError: The picture has another shape or type, or no pixels.
    """
    _refuse_others(image_bgr)
    if image_bgr.dtype == np.uint8 and image_bgr.size:
        if image_bgr.ndim == 2:
            return image_bgr
        if image_bgr.ndim == 3 and image_bgr.shape[2] in (3, 4):
            code = cv2.COLOR_BGR2GRAY if image_bgr.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
            return np.asarray(cv2.cvtColor(image_bgr, code), np.uint8)
    raise _wrong_picture(image_bgr)


def to_bgr(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return uint8 ``(H, W, 3)`` from BGR, which stays the same array, BGRA or grey.

    Raises:
        TypeError: The picture is no array.
        ValueError: The picture has another shape or type, or no pixels.
    """
    _refuse_others(image_bgr)
    if image_bgr.dtype == np.uint8 and image_bgr.size:
        if image_bgr.ndim == 2:
            return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_GRAY2BGR), np.uint8)
        if image_bgr.ndim == 3 and image_bgr.shape[2] == 4:
            return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGRA2BGR), np.uint8)
        if image_bgr.ndim == 3 and image_bgr.shape[2] == 3:
            return image_bgr
    raise _wrong_picture(image_bgr)


def turn_picture(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Return a picture turned clockwise; the same array when it is turned by nothing.

    Args:
        image: uint8 ``(H, W)`` or ``(H, W, C)``; not changed.
        degrees: 0, 90, 180 or 270.

    Raises:
        ValueError: It is no right angle.
    """
    if degrees == 0:
        return image
    try:
        turn = _TURNS[degrees]
    except KeyError:
        raise ValueError(f"Pictures are turned by 90, 180 or 270 degrees, not {degrees}.") from None
    return np.asarray(cv2.rotate(image, turn), np.uint8)


def _refuse_others(image: object) -> None:
    """Raise TypeError for what is no array, with a sentence that says what to do."""
    if image is None:
        raise not_a_picture(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"A picture must be an array here, not {type(image).__name__}; `read_image` makes one "
            "of a file, and `fer_core.analyze` takes both."
        )


def _wrong_picture(image: NDArray[np.uint8]) -> ValueError:
    return ValueError(
        "A picture must be uint8 (H, W, 3), (H, W, 4) or (H, W) and not empty, "
        f"not {image.dtype} {image.shape}."
    )


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return a BGR ``(H, W, 3)`` or grey ``(H, W)`` picture as the content of a PNG file."""
    return bytes(cv2.imencode(".png", image)[1])


@cache
def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()
