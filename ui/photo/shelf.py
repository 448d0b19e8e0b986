"""A visitor's photos and what was read in them, kept until the page is closed.

Uploads are copied out of their widgets, because a widget forgets its files as soon as another
page is opened. Whoever knows a shelf's token finds it again, such as the session after a reload.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from fer_core.budget import usable_cores
from fer_core.detection import FaceDetector
from fer_core.errors import UnreadableImage
from fer_core.images import Photo, decoded, to_gray, turn_picture
from fer_core.orientation import detect_upright
from fer_core.pipeline import classify_faces
from fer_core.protocols import FaceReader
from fer_core.readings import DEFAULT_READING
from fer_core.types import Frame
from ui.common.address import keep_in_address
from ui.common.allowance import allowance
from ui.common.closing import at_close, session_id
from ui.common.images import as_jpeg, crop_rgb, reduced_rgb
from ui.common.kept import Kept, new_token
from ui.common.monitor import PHOTOS, count_error
from ui.common.process import once
from ui.common.samples import Upload
from ui.common.uploads import held_bytes as held_by_all
from ui.common.uploads import hold, room_for_all, room_for_one

logger = logging.getLogger(__name__)

SHELF_KEY, VIEW_KEY = "photos", "photo-view"
ONE, ALL, TWO = "One photo", "All photos", "Compare two"
PRIVACY_NOTE = (
    "Photos stay on the machine that runs this app. They are forgotten when you clear them, or "
    "about two minutes after you close the page; until then, whoever has the page's address sees "
    "them too. Nothing else is kept."
)
_ADDRESS_KEY, _PAGE = "photos", "Photo"
_GONE_KEY = "photos-gone"
_THUMBNAIL_WH = (160, 160)
_SHOWN_SIDE = 1400


@dataclass(frozen=True, slots=True)
class PhotoReading:
    """What was found in a photo, and what its page shows, so that no click decodes it again.

    Attributes:
        error: Why it cannot be read, or "".
        original_size_wh: Size of the file's picture in pixels.
        frames: Readings by the name of the class set; empty after an error.
        shown: The picture as a JPEG, no larger than a page can show; as it was before
            ``frames`` say that it was turned.
        crops: Each face with a margin, as a JPEG.
        thumbnail: A square of the upright picture, as a JPEG.
    """

    error: str = ""
    original_size_wh: tuple[int, int] = (0, 0)
    frames: dict[str, Frame] = field(default_factory=dict)
    shown: bytes = b""
    crops: tuple[bytes, ...] = ()
    thumbnail: bytes = b""


@dataclass(slots=True, eq=False, weakref_slot=True)
class PhotoShelf:
    """One visitor's photos, in the order they came, without repetitions.

    Attributes:
        uploads: Photos by the checksum of their content.
        readings: What was found, by checksum, name of the detector, and reading.
        current: Checksum of the photo that is looked at.
        stopped: Whether the visitor stopped the analysis.
        refused: Names of photos that found no place.
        token: Opens the shelf, and cannot be guessed.
        pace_s: What a photo took of late, in seconds; 0 before the first.
        view: What of them is looked at: ``ONE``, ``ALL`` or ``TWO``.
    """

    uploads: dict[str, Upload] = field(default_factory=dict)
    readings: dict[tuple[str, str, str], PhotoReading] = field(default_factory=dict)
    current: str | None = None
    stopped: bool = False
    refused: list[str] = field(default_factory=list)
    token: str = field(default_factory=new_token)
    pace_s: float = 0.0
    view: str = ONE

    def __post_init__(self) -> None:
        hold(self)

    @property
    def held_bytes(self) -> int:
        """What the photos and what was read in them take in memory."""
        parts = [upload.content for upload in list(self.uploads.values())]
        for reading in list(self.readings.values()):
            parts += [reading.shown, reading.thumbnail, *reading.crops]
        # Readings of one photo show the same picture.
        return sum({id(part): len(part) for part in parts}.values())

    def add(self, uploads: Iterable[Upload]) -> None:
        """Put photos on the shelf and turn to the first new one, or to all if several came."""
        self.stopped = False
        self.refused = []
        arrived = []
        for upload in uploads:
            key = hashlib.sha256(upload.content).hexdigest()
            if key not in self.uploads:
                if not self._has_room(len(upload.content)):
                    self.refused.append(upload.name)
                    continue
                self.uploads[key] = upload
            arrived.append(key)
        if arrived:
            self.current = arrived[0]
            self.view = ALL if len(arrived) > 1 else ONE

    def _has_room(self, more_bytes: int) -> bool:
        here = allowance()
        return (
            len(self.uploads) < here.photos
            and self.held_bytes + more_bytes <= min(here.photos_mb * 1_000_000, room_for_one())
            and held_by_all() + more_bytes <= room_for_all()
        )

    def keep(self, key: str, detector: str, reading: str, found: PhotoReading) -> None:
        """Keep what was found in a photo."""
        # Copies here and below, since a second page of the same visitor may change the shelf.
        for place, other in list(self.readings.items()):
            if place[0] == key and other.shown == found.shown:
                found = replace(found, shown=other.shown)
        self.readings[key, detector, reading] = found

    def remove(self, key: str) -> None:
        """Forget a photo and all that was read in it."""
        keys = list(self.uploads)
        place = keys.index(key)
        del self.uploads[key]
        self.readings = {k: v for k, v in list(self.readings.items()) if k[0] != key}
        rest = [k for k in keys if k != key]
        self.current = rest[min(place, len(rest) - 1)] if rest else None

    def clear(self) -> None:
        """Forget all photos and all that was read in them."""
        self.uploads.clear()
        self.readings.clear()
        self.current = None
        self.refused = []

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

    def reading_of(self, key: str, detector: str, reading: str) -> PhotoReading | None:
        """Return what was found in a photo in this way, or None before."""
        return self.readings.get((key, detector, reading))

    def pending(self, detector: str, reading: str = DEFAULT_READING) -> list[str]:
        """Return the photos that were not read in this way yet."""
        return [key for key in list(self.uploads) if (key, detector, reading) not in self.readings]


@once
def get_shelves() -> Kept[PhotoShelf]:
    """Return the shelves of all visitors."""
    return Kept(PhotoShelf.clear)


def shelf() -> PhotoShelf:
    """Return this visitor's photos, also after a reload: the page's address has their token."""
    stored: PhotoShelf | None = st.session_state.get(SHELF_KEY)
    if stored is None:
        session = session_id()
        asked = st.query_params.get(_ADDRESS_KEY, "")
        stored = get_shelves().get(asked, session)
        if stored is None:
            st.session_state[_GONE_KEY] = bool(asked)
            stored = PhotoShelf()
            get_shelves().keep(stored.token, stored, session)
        st.session_state[SHELF_KEY] = stored
        at_close(SHELF_KEY, lambda: get_shelves().leave(session))
    return stored


def keep_shelf() -> None:
    """Have the page's address find the photos again, and say when it found none."""
    photos = shelf()
    if st.session_state.pop(_GONE_KEY, False):
        st.info(
            "The photos of this page's address are no longer here: they were cleared, or the page "
            "was closed for too long.",
            icon=":material/history:",
        )
    keep_in_address(_ADDRESS_KEY, photos.token if photos.uploads else "", page=_PAGE)


def read_photos(
    photos: PhotoShelf,
    keys: Sequence[str],
    detector: FaceDetector,
    classifiers: Mapping[str, FaceReader],
    *,
    reading: str = DEFAULT_READING,
    on_progress: Callable[[int, float], None] = lambda done, left_s: None,
    on_wait: Callable[[str], object] | None = None,
    most_s: float = math.inf,
) -> None:
    """Read photos; each reading is on the shelf as soon as it is there.

    Args:
        photos: The shelf.
        keys: Which of its photos to read.
        detector: Finds the faces.
        classifiers: Read them, by the name of the class set.
        reading: What ``classifiers`` return, one of ``fer_core.readings.READINGS``.
        on_progress: Called before every photo with the number done and the seconds left, by what
            a photo took of late (0 before the first).
        on_wait: Called several times a second while a photo waits, with a sentence that says for
            what.
        most_s: After this many seconds the rest is left for another call.
    """
    start = time.monotonic()
    for done, key in enumerate(keys):
        on_progress(done, photos.pace_s * (len(keys) - done))
        upload = photos.uploads.get(key)
        if upload is None:
            continue  # removed meanwhile, on a second page of the same visitor
        found = read_photo(upload.content, detector, classifiers, on_wait)
        photos.keep(key, detector.name, reading, found)
        spent = time.monotonic() - start
        photos.pace_s = spent / (done + 1)
        if spent > most_s:
            return


@once
def _turns() -> threading.BoundedSemaphore:
    """Let in one photo more than there are cores: more would wait too, each with its memory."""
    return threading.BoundedSemaphore(usable_cores() + 1)


def read_photo(
    content: bytes,
    detector: FaceDetector,
    classifiers: Mapping[str, FaceReader],
    on_wait: Callable[[str], object] | None = None,
) -> PhotoReading:
    """Read one photo with every network; whatever is wrong with it becomes a sentence."""
    try:
        with _turns(), decoded(content, on_wait=on_wait) as photo:
            found = _read(photo, detector, classifiers)
        PHOTOS.inc()
        return found
    except UnreadableImage as error:
        count_error(error)
        return PhotoReading(error=str(error))
    except Exception:
        # One visitor's odd file must not end the session; the log keeps the details.
        logger.exception("A photo could not be analysed")
        return PhotoReading(error="The photo could not be analysed; the log says why.")


def _read(
    photo: Photo, detector: FaceDetector, classifiers: Mapping[str, FaceReader]
) -> PhotoReading:
    upright = detect_upright(detector, photo.image_bgr)
    gray = to_gray(upright.image_bgr)
    size_wh = (gray.shape[1], gray.shape[0])
    frames = {
        name: Frame(
            0,
            0.0,
            size_wh,
            classify_faces(gray, upright.faces, classifier),
            upright.turned_deg,
            photo.incomplete,
        )
        for name, classifier in classifiers.items()
    }
    shown = reduced_rgb(photo.image_bgr, _SHOWN_SIDE)
    upright_shown = Image.fromarray(turn_picture(np.asarray(shown), upright.turned_deg))
    return PhotoReading(
        original_size_wh=photo.original_size_wh,
        frames=frames,
        shown=as_jpeg(shown),
        crops=tuple(as_jpeg(crop_rgb(upright.image_bgr, face.box)) for face in upright.faces),
        thumbnail=as_jpeg(ImageOps.fit(upright_shown, _THUMBNAIL_WH)),
    )
