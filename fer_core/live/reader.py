"""From a camera's frame to its persons, with parts that may be exchanged on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.detection import FRAME_SIZES, FaceDetector
from fer_core.images import to_gray
from fer_core.live.picture import same_shape, with_box
from fer_core.live.state import LiveSettings
from fer_core.persons import PersonFollower
from fer_core.pipeline import classify_faces
from fer_core.protocols import FaceReader
from fer_core.types import FaceBox, FaceReading, Frame, TrackedFrame

# Seconds after which somebody who is gone is forgotten.
_MEMORY_S = 60.0


class FrameReader:
    """Finds, reads and follows the faces of one camera; used by one thread."""

    def __init__(
        self,
        load_detector: Callable[[str], FaceDetector],
        load_classifier: Callable[[str, str], FaceReader],
    ) -> None:
        """Begin with nothing loaded."""
        self._load_detector, self._load_classifier = load_detector, load_classifier
        self._detector: tuple[str, FaceDetector] | None = None
        self._network: tuple[tuple[str, str], FaceReader, PersonFollower] | None = None
        self._size_wh: tuple[int, int] | None = None

    @property
    def detector_name(self) -> str:
        """Short name of the detector in use, or "" before the first frame."""
        return "" if self._detector is None else self._detector[1].name

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions that the network in use tells apart; empty before the first frame."""
        return () if self._network is None else self._network[1].labels

    def read(
        self, settings: LiveSettings, image_bgr: NDArray[np.uint8], time_s: float, index: int
    ) -> TrackedFrame:
        """Read a frame, with what is set now.

        Args:
            settings: Which parts to use, and how.
            image_bgr: uint8 ``(H, W, 3)``; not changed.
            time_s: When it arrived, in seconds.
            index: Its number.

        Returns:
            The persons. A browser changes its video's size as the network allows; their boxes
            stay in pixels of the first size of the same shape, which is the frame's own, so that
            nobody becomes somebody else.

        Raises:
            FerError: A part could not be loaded.
        """
        if self._detector is None or self._detector[0] != settings.detector:
            self._detector = (settings.detector, self._load_detector(settings.detector))
        wanted = settings.class_set, settings.reading
        if self._network is None or self._network[0] != wanted:
            loaded = self._load_classifier(*wanted)
            self._network = (wanted, loaded, PersonFollower(loaded.labels))
        _, classifier, follower = self._network
        faces = self._detector[1].detect(image_bgr, FRAME_SIZES)
        readings = classify_faces(to_gray(image_bgr), faces, classifier)
        follower.smoother.time_constant_s = settings.smoothing_s
        follower.smoother.threshold = settings.threshold
        follower.smoother.forget(time_s - _MEMORY_S)
        size_wh = (image_bgr.shape[1], image_bgr.shape[0])
        if self._size_wh is None or not same_shape(size_wh, self._size_wh):
            self._size_wh = size_wh
        if size_wh != self._size_wh:
            readings = _resized(readings, size_wh, self._size_wh)
        return follower.follow(Frame(index, time_s, self._size_wh, readings))


def _resized(
    readings: Sequence[FaceReading], from_wh: tuple[int, int], to_wh: tuple[int, int]
) -> tuple[FaceReading, ...]:
    across, down = to_wh[0] / from_wh[0], to_wh[1] / from_wh[1]

    def resized(box: FaceBox) -> FaceBox:
        return FaceBox(across * box.x1, down * box.y1, across * box.x2, down * box.y2)

    return tuple(with_box(reading, resized(reading.box)) for reading in readings)
