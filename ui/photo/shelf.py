"""A visitor's photos and what was read in them, kept until the page is closed.

Uploads are copied out of their widgets, because a widget forgets its files as soon as another
page is opened.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fer_core.detection import FaceDetector
from fer_core.errors import UnreadableImage
from fer_core.images import read_image, to_gray
from fer_core.orientation import detect_upright
from fer_core.pipeline import classify_faces
from fer_core.protocols import FaceReader
from fer_core.readings import DEFAULT_READING
from fer_core.types import Frame
from ui.common.closing import at_close
from ui.common.samples import Upload

logger = logging.getLogger(__name__)

SHELF_KEY = "photos"
_THUMBNAIL_SIDE = 160
# Beyond this, one visitor's photos could crowd out the others in memory.
MAX_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class PhotoReading:
    """What was found in a photo.

    Attributes:
        error: Why it cannot be read, or "".
        original_size_wh: Size of the file's picture in pixels.
        frames: Readings by the name of the class set; empty after an error.
        thumbnail_rgb: uint8 ``(S, S, 3)``, or None after an error.
    """

    error: str = ""
    original_size_wh: tuple[int, int] = (0, 0)
    frames: dict[str, Frame] = field(default_factory=dict)
    thumbnail_rgb: NDArray[np.uint8] | None = None


@dataclass(slots=True)
class PhotoShelf:
    """One visitor's photos, in the order they came, without repetitions.

    Attributes:
        uploads: Photos by the checksum of their content.
        readings: What was found, by checksum, name of the detector, and reading.
        current: Checksum of the photo that is looked at.
        stopped: Whether the visitor stopped the analysis.
        refused: Names of photos that found no place.
    """

    uploads: dict[str, Upload] = field(default_factory=dict)
    readings: dict[tuple[str, str, str], PhotoReading] = field(default_factory=dict)
    current: str | None = None
    stopped: bool = False
    refused: list[str] = field(default_factory=list)

    def add(self, uploads: Iterable[Upload]) -> None:
        """Put photos on the shelf and turn to the first new one."""
        self.stopped = False
        self.refused = []
        held = sum(len(upload.content) for upload in self.uploads.values())
        arrived = []
        for upload in uploads:
            key = hashlib.sha256(upload.content).hexdigest()
            if key not in self.uploads:
                if held + len(upload.content) > MAX_BYTES:
                    self.refused.append(upload.name)
                    continue
                self.uploads[key] = upload
                held += len(upload.content)
            arrived.append(key)
        if arrived:
            self.current = arrived[0]

    def remove(self, key: str) -> None:
        """Forget a photo and all that was read in it."""
        keys = list(self.uploads)
        place = keys.index(key)
        del self.uploads[key]
        self.readings = {k: v for k, v in self.readings.items() if k[0] != key}
        rest = [k for k in keys if k != key]
        self.current = rest[min(place, len(rest) - 1)] if rest else None

    def clear(self) -> None:
        """Forget all photos and all that was read in them."""
        self.uploads.clear()
        self.readings.clear()
        self.current = None

    def step(self, distance: int) -> None:
        """Turn to a photo further on, or back; from the last one to the first."""
        keys = list(self.uploads)
        if self.current in self.uploads:
            self.current = keys[(keys.index(self.current) + distance) % len(keys)]

    def show(self, key: str) -> None:
        """Turn to a photo."""
        self.current = key

    def stop(self, stopped: bool = True) -> None:
        """Stop the analysis, or let it go on."""
        self.stopped = stopped

    def pending(self, detector: str, reading: str = DEFAULT_READING) -> list[str]:
        """Return the photos that were not read in this way yet."""
        return [key for key in self.uploads if (key, detector, reading) not in self.readings]


def shelf() -> PhotoShelf:
    """Return this visitor's photos."""
    if SHELF_KEY not in st.session_state:
        st.session_state[SHELF_KEY] = PhotoShelf()
        at_close(SHELF_KEY, st.session_state[SHELF_KEY].clear)
    stored: PhotoShelf = st.session_state[SHELF_KEY]
    return stored


def read_photos(
    photos: PhotoShelf,
    keys: Sequence[str],
    detector: FaceDetector,
    classifiers: Mapping[str, FaceReader],
    *,
    reading: str = DEFAULT_READING,
    on_progress: Callable[[int, float], None] = lambda done, left_s: None,
) -> None:
    """Read photos; each reading is on the shelf as soon as it is there.

    Args:
        photos: The shelf.
        keys: Which of its photos to read.
        detector: Finds the faces.
        classifiers: Read them, by the name of the class set.
        reading: What ``classifiers`` return, one of ``fer_core.readings.READINGS``.
        on_progress: Called before every photo with the number done and the seconds left, by the
            mean of those done (0 before the first).
    """
    start = time.monotonic()
    for done, key in enumerate(keys):
        spent = time.monotonic() - start
        on_progress(done, spent / done * (len(keys) - done) if done else 0.0)
        photos.readings[key, detector.name, reading] = read_photo(
            photos.uploads[key].content, detector, classifiers
        )


def read_photo(
    content: bytes, detector: FaceDetector, classifiers: Mapping[str, FaceReader]
) -> PhotoReading:
    """Read one photo with every network; whatever is wrong with it becomes a sentence."""
    try:
        photo = read_image(content)
        picture = detect_upright(detector, photo.image_bgr)
        gray = to_gray(picture.image_bgr)
        size_wh = (gray.shape[1], gray.shape[0])
        frames = {
            name: Frame(
                0,
                0.0,
                size_wh,
                classify_faces(gray, picture.faces, classifier),
                picture.turned_deg,
            )
            for name, classifier in classifiers.items()
        }
    except UnreadableImage as error:
        return PhotoReading(error=str(error))
    except Exception:
        # One visitor's odd file must not end the session; the log keeps the details.
        logger.exception("A photo could not be analysed")
        return PhotoReading(error="The photo could not be analysed; the log says why.")
    rgb = Image.fromarray(np.ascontiguousarray(picture.image_bgr[..., ::-1]))
    thumbnail = ImageOps.fit(rgb, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.BOX)
    return PhotoReading(
        original_size_wh=photo.original_size_wh,
        frames=frames,
        thumbnail_rgb=np.asarray(thumbnail, np.uint8),
    )
