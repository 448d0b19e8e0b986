"""The pictures that faces are in, read from the original files when they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from fer_core.batch.schema import VIDEO
from fer_core.batch.stores import is_remote, look_at, opened, path_of
from fer_core.errors import FerError
from fer_core.images import MAX_FILE_BYTES, decoded, turn_picture
from fer_core.types import FaceBox
from ui.archive.index import Index
from ui.archive.rows import FaceRow
from ui.common.images import as_jpeg, crop_rgb

GONE = "is not there any more"
CHANGED = "was changed since it was read"
FAR = "is a video in a store, of which no pictures are fetched"
UNREADABLE = "cannot be read any more"
# The same of several files.
OF_MANY = {
    GONE: "are not there any more",
    CHANGED: "were changed since they were read",
    FAR: "are videos in a store, of which no pictures are fetched",
    UNREADABLE: UNREADABLE,
}
_SIDE = 120
# Of a picture shown by itself, in pixels.
_LEAST_SIDE, _MOST_SIDE = 560, 1280
# Each has a few kilobytes.
_KEPT = 2_000
# A file system's times may be coarser than a data set's.
_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A face, small.

    Attributes:
        jpeg: The picture; b"" where there is none.
        fault: What is the matter with the file, as the end of a sentence; or "".
    """

    jpeg: bytes
    fault: str = ""


class Unshown(FerError):
    """A picture cannot be shown; the message ends a sentence that the file's name begins."""


_kept: WeakKeyDictionary[Index, OrderedDict[int, Thumbnail]] = WeakKeyDictionary()
_lock = Lock()


def kept_thumbnails(index: Index, numbers: Sequence[int]) -> dict[int, Thumbnail]:
    """Return what was cut out already, by the faces' numbers."""
    with _lock:
        own = _kept.get(index, {})
        return {number: own[number] for number in numbers if number in own}


def cut_out(index: Index, rows: Sequence[FaceRow]) -> Iterator[int]:
    """Cut faces out of their files, each file opened once, and keep them.

    Args:
        index: The data set.
        rows: The faces.

    Yields:
        How many are done, after every file.
    """
    done = 0
    ordered = sorted(rows, key=lambda row: (row.path, row.seconds or 0, row.number))
    for _, together in groupby(ordered, key=lambda row: (row.path, row.seconds)):
        own = list(together)
        try:
            with picture_of(own[0]) as image_bgr:
                made = {row.number: Thumbnail(_face_jpeg(image_bgr, row)) for row in own}
        except Unshown as error:
            made = {row.number: Thumbnail(b"", str(error)) for row in own}
        _keep(index, made)
        done += len(own)
        yield done


@contextmanager
def picture_of(row: FaceRow) -> Iterator[NDArray[np.uint8]]:
    """Provide the picture that a face is in, as it was read: uint8 ``(H, W, 3)``, upright.

    Raises:
        Unshown: The file is gone, was changed, or cannot be read.
    """
    try:
        _check(row)
        if row.kind == VIDEO:
            yield _frame(row)
            return
        with decoded(_source(row.path)) as photo:
            yield turn_picture(photo.image_bgr, row.file.turned_deg if row.file else 0)
    except Unshown:
        raise
    except FileNotFoundError as error:
        raise Unshown(GONE) from error
    except (FerError, OSError) as error:
        raise Unshown(UNREADABLE) from error


def shown_bgr(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as large as the page shows it, for captions of the usual size, BGR."""
    height, width = image_bgr.shape[:2]
    side = min(_MOST_SIDE, max(_LEAST_SIDE, height, width))
    scale = side / max(height, width)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image_bgr, size_wh, interpolation=how), np.uint8)


def box_in(row: FaceRow, image_bgr: NDArray[np.uint8]) -> FaceBox:
    """Return where a face is in a picture of any size."""
    size_wh = row.file.size_wh if row.file else (0, 0)
    if not all(size_wh):
        return row.box
    across, down = image_bgr.shape[1] / size_wh[0], image_bgr.shape[0] / size_wh[1]
    box = row.box
    return FaceBox(box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down)


def _check(row: FaceRow) -> None:
    """Raise Unshown for a file that is not the one that was read."""
    if row.kind == VIDEO and is_remote(row.path):
        raise Unshown(FAR)
    entry = look_at(row.path)
    if entry is None:
        raise Unshown(GONE)
    if row.file is None:
        return
    known_s = row.file.modified and row.file.modified.replace(tzinfo=UTC).timestamp()
    found_s = entry.modified_us and datetime.fromtimestamp(entry.modified_us / 1e6, UTC).timestamp()
    if (row.file.size_bytes and row.file.size_bytes != entry.size_bytes) or (
        known_s and found_s and abs(known_s - found_s) > _SLACK_S
    ):
        raise Unshown(CHANGED)


def _source(path: str) -> Path | bytes:
    if not is_remote(path):
        return Path(path_of(path))
    filesystem, place = opened(path)
    with filesystem.open_input_stream(place) as file:
        return bytes(file.read(MAX_FILE_BYTES + 1))


def _frame(row: FaceRow) -> NDArray[np.uint8]:
    # PyAV is for those who look at videos.
    from fer_core.video.source import VideoSource

    with VideoSource(Path(path_of(row.path))) as source:
        turned_deg = row.file.turned_deg if row.file else 0
        if turned_deg:
            source.turn(turned_deg)
        return source.frame_at(row.seconds or 0.0).bgr()


def _face_jpeg(image_bgr: NDArray[np.uint8], row: FaceRow) -> bytes:
    box = box_in(row, image_bgr)
    height, width = image_bgr.shape[:2]
    if box.x1 >= width or box.y1 >= height or box.x2 <= 0 or box.y2 <= 0:
        raise Unshown(CHANGED)
    return as_jpeg(ImageOps.fit(crop_rgb(image_bgr, box), (_SIDE, _SIDE)))


def _keep(index: Index, made: dict[int, Thumbnail]) -> None:
    with _lock:
        own = _kept.setdefault(index, OrderedDict())
        own.update(made)
        while len(own) > _KEPT:
            own.popitem(last=False)
