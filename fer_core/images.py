"""Reading pictures of any usual format, safely, into BGR uint8."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_core.budget import shared_budget
from fer_core.decoding import DAMAGED, Pixels, decode, decode_apart, pixels_of
from fer_core.errors import OverBudget, UnreadableImage
from fer_core.headers import Header, decoding_bytes, read_header

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif",
)  # fmt: skip
MAX_FILE_BYTES = 250_000_000
_READ_BYTES = 16 << 20
WAITING = "Waiting for other pictures …"
DECODING = "Decoding the picture …"
_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
# By EXIF's orientation: the degrees clockwise by which a picture is turned, and whether it is then
# mirrored from left to right.
_ORIENTATIONS = {
    1: (0, False), 2: (0, True), 3: (180, False), 4: (180, True),
    5: (90, True), 6: (90, False), 7: (270, True), 8: (270, False),
}  # fmt: skip
# Where a JPEG's data ends, decoders leave the rest grey.
_MISSING_GREY, _GREY_TOLERANCE = 128, 2
_MIN_SHARE = 0.1
ImageSource = str | os.PathLike[str] | bytes | BinaryIO | Image.Image


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded picture.

    Attributes:
        image_bgr: uint8 ``(H, W, 3)``, upright, its longer side at most 4096 pixels.
        original_size_wh: Size of the upright picture before it was reduced, in pixels.
        incomplete: Whether the file's end is missing; a part of the picture may then be grey or
            blurred.
    """

    image_bgr: NDArray[np.uint8]
    original_size_wh: tuple[int, int]
    incomplete: bool = False


def read_image(source: ImageSource, *, on_wait: Callable[[str], object] | None = None) -> Photo:
    """Decode a picture: turned upright, on white where transparent, the first frame of many.

    What it takes is known from the file's header, and too much is refused before anything is
    decoded. All threads together keep within a share of the machine's memory, and wait for each
    other.

    Args:
        source: The path of a file, its content, an open binary file, which is read to its end, or
            a PIL picture, which is not changed.
        on_wait: Called several times a second while this waits, with a sentence that says for
            what; what it raises ends the reading.

    Raises:
        TypeError: ``source`` is nothing of these.
        UnreadableImage: The file is empty, damaged, no picture, or has too few or too many
            pixels; or decoding would take too much memory or time.
    """
    with decoded(source, on_wait=on_wait) as photo:
        return photo


@contextmanager
def decoded(
    source: ImageSource, *, on_wait: Callable[[str], object] | None = None
) -> Iterator[Photo]:
    """Decode a picture as ``read_image`` does, and hold the memory while it is worked with.

    Until the end of the ``with``, what decoding took counts as taken: others who decode wait
    rather than that all their pictures are in memory at once.
    """
    if isinstance(source, Image.Image):
        with _memory(decoding_bytes(source.size, 8), on_wait):
            yield _photo(pixels_of(source))
        return
    header = read_header(_content(source))
    with _memory(header.need_bytes, on_wait):
        yield _photo(_pixels(header, on_wait), header.incomplete)


@contextmanager
def _memory(need_bytes: int, on_wait: Callable[[str], object] | None) -> Iterator[None]:
    """Hold memory for decoding."""
    try:
        with shared_budget().reserve(
            need_bytes, while_waiting=on_wait and partial(on_wait, WAITING)
        ):
            yield
    except OverBudget as error:
        raise UnreadableImage(str(error)) from error


def _pixels(header: Header, on_wait: Callable[[str], object] | None) -> Pixels:
    content = b"".join(header.parts)
    if not header.bounded:
        look = on_wait and partial(on_wait, DECODING)
        return decode_apart(content, header.format, header.need_bytes, look)
    pixels = _decode_webp(content) if header.format == "WEBP" else decode(content, header.format)
    return replace(pixels, orientation=header.orientation or pixels.orientation)


def _decode_webp(content: bytes) -> Pixels:
    """Decode a still WebP with OpenCV, which takes a third of the memory that Pillow takes."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError):
        pixels = None
    if pixels is None:
        raise UnreadableImage(DAMAGED)
    swap = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return pixels_of(Image.fromarray(cv2.cvtColor(pixels, swap, dst=pixels)))


def _photo(pixels: Pixels, incomplete: bool = False) -> Photo:
    """Return a picture upright, in BGR.

    Raises:
        UnreadableImage: Hardly anything of it is there.
    """
    bgr = cv2.cvtColor(np.asarray(pixels.picture), cv2.COLOR_RGB2BGR)
    image = np.asarray(bgr, np.uint8)
    if incomplete and _share_there(image) < _MIN_SHARE:
        raise UnreadableImage(DAMAGED)
    turned_deg, mirrored = _ORIENTATIONS[pixels.orientation]
    image = turn_picture(image, turned_deg)
    if mirrored:
        image = np.asarray(cv2.flip(image, 1), np.uint8)
    size_wh = pixels.size_wh if turned_deg in (0, 180) else pixels.size_wh[::-1]
    return Photo(image, size_wh, incomplete)


def _share_there(image: NDArray[np.uint8]) -> float:
    """Return how much of a picture there is before its data ends, 0 to 1."""
    there = np.abs(image.astype(np.int16) - _MISSING_GREY) > _GREY_TOLERANCE
    return float(there.any(axis=2).mean())


def _content(source: Any) -> bytes:
    """Return all of a file."""
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            return bytes(source)
        if isinstance(source, str | os.PathLike):
            return _file_content(Path(source))
        if not hasattr(source, "read"):
            raise not_a_picture(source)
        if isinstance(source, io.TextIOBase):
            raise TypeError('A file must be opened in binary mode, as by open(path, "rb").')
        return _read_at_most(source, MAX_FILE_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableImage(f"The file cannot be read: {reason}.") from error
    except ValueError as error:
        # A name with a zero byte, or a file that is closed.
        what = "file is closed" if getattr(source, "closed", False) else "file's name is not valid"
        raise UnreadableImage(f"The {what}.") from error


def _file_content(path: Path) -> bytes:
    mode = path.stat().st_mode
    # Devices have no end, and pipes wait for somebody to write.
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UnreadableImage("The file cannot be read: it is a device or a pipe.")
    with path.open("rb") as file:
        return _read_at_most(file, MAX_FILE_BYTES)


def _read_at_most(file: BinaryIO, limit: int) -> bytes:
    """Return the rest of a file.

    Raises:
        UnreadableImage: There are more bytes than ``limit``.
    """
    parts: list[bytes] = []
    left = limit
    while part := bytes(file.read(min(left + 1, _READ_BYTES)) or b""):
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise UnreadableImage(f"The file has more than {limit // 1_000_000} MB.")
    return b"".join(parts)


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
