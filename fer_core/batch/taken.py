"""When a photo was taken, as the camera wrote it into the file."""

from __future__ import annotations

import struct
from datetime import datetime

_MARK = b"Exif\0\0"
# EXIF 2.32, 4.6: the pointer to the camera's own directory, and in it the time of the picture.
_CAMERA, _TIME_TAKEN = 0x8769, 0x9003
_ASCII, _LONG = 2, 4
_TIME_FORMAT, _TIME_BYTES = "%Y:%m:%d %H:%M:%S", 19


def taken_at(head: bytes) -> datetime | None:
    """Return the local time at which a photo was taken, or None where the file does not say.

    All formats that hold EXIF have it as it is, so it is looked for rather than decoded.

    Args:
        head: The beginning of the file; a megabyte is enough for every camera.
    """
    at = head.find(_MARK)
    while at >= 0:
        exif = head[at + len(_MARK) :]
        if exif[:4] in (b"II*\0", b"MM\0*"):
            try:
                return _time_in(exif, "<" if exif[:1] == b"I" else ">")
            except (struct.error, ValueError, UnicodeDecodeError):
                return None
        at = head.find(_MARK, at + 1)
    return None


def _time_in(exif: bytes, order: str) -> datetime | None:
    (first,) = struct.unpack_from(order + "I", exif, 4)
    camera = _entry(exif, order, first, _CAMERA, _LONG)
    place = None if camera is None else _entry(exif, order, camera, _TIME_TAKEN, _ASCII)
    if place is None:
        return None
    text = exif[place : place + _TIME_BYTES].decode("ascii")
    return datetime.strptime(text, _TIME_FORMAT)


def _entry(exif: bytes, order: str, directory: int, wanted: int, kind: int) -> int | None:
    """Return the number that an entry of a directory holds, which is a place."""
    (count,) = struct.unpack_from(order + "H", exif, directory)
    for place in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, its_kind, _, value = struct.unpack_from(order + "HHII", exif, place)
        if tag == wanted and its_kind == kind:
            return int(value)
    return None
