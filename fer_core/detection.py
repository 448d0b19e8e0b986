"""Face detection behind one protocol: YuNet where its file is, Haar cascades everywhere.

Haar cascades: Viola and Jones, 2001, "Rapid Object Detection using a Boosted Cascade of Simple
Features".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Protocol

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from fer_core.download import yunet_path
from fer_core.errors import DetectorUnavailable
from fer_core.images import to_bgr, to_gray
from fer_core.types import DetectedFace, FaceBox
from fer_core.yunet import YuNet, load_yunet

logger = logging.getLogger(__name__)

# Longer sides, in pixels, at which a picture is searched. A large photo is searched a second
# time, larger, for faces that the first size makes too small.
PHOTO_SIZES = (640, 1920)
FRAME_SIZES = (384,)
# Looks for no face: the picture is one.
NO_DETECTOR = "none"
DETECTORS = ("auto", "yunet", "haar", NO_DETECTOR)
# Intersection over union, and intersection over the smaller area, from which two are one face.
_SAME_FACE_OVERLAP = 0.4
_SAME_FACE_COVER = 0.7
# Faces wider than this, in pixels at the working size, are found well at a smaller one; what the
# larger one has of them besides are parts of a face that look like a face.
_MAX_ENLARGED_FACE = 300
# In pixels at the working size; the cascade's own window is 24, and finds more that is no face.
_HAAR_MIN_SIDE = 30
_HAAR_FOLDER, _HAAR_FACES = Path(cv2.data.haarcascades), "haarcascade_frontalface_default.xml"
# Growth of the cascade's window from one pass to the next, and how many finds must agree. Frames
# are searched more coarsely: who is missed in one of them is found in the next.
_HAAR_SEARCH, _HAAR_FRAME_SEARCH = (1.1, 6), (1.2, 3)
# Of the faces in 300 pictures of Training fewer than one in a hundred are below.
_HAAR_MIN_SCORE = 0.5


class FaceDetector(Protocol):
    """Finds faces; safe to share between threads."""

    @property
    def name(self) -> str:
        """Short name, such as "yunet"."""

    def detect(
        self, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        """Find the faces in a picture.

        Args:
            image_bgr: uint8 ``(H, W, 3)``; not changed.
            sizes: Longer sides in pixels at which the picture is searched; sizes larger than
                the picture count as its own.

        Returns:
            Faces in the order of ``reading_order``, in pixels of ``image_bgr``; empty when there
            are none.

        Raises:
            ValueError: The picture has another shape or type.
        """


class YuNetDetector:
    """YuNet: boxes with five landmarks."""

    name = "yunet"

    def __init__(self, path: Path, network: YuNet | None = None) -> None:
        """Load the network.

        Args:
            path: The network's file, as for ``load_yunet``.
            network: The network in a certain runtime; by default the fastest that loads.

        Raises:
            DetectorUnavailable: The file is missing or damaged.
        """
        self._network = network or load_yunet(path)

    def detect(
        self, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        """Find faces; see ``FaceDetector.detect``."""
        return _search(to_bgr(image_bgr), sizes, self._detect_at_once)

    def _detect_at_once(self, image_bgr: NDArray[np.uint8]) -> list[DetectedFace]:
        return [
            DetectedFace(
                FaceBox(*map(float, (x, y, x + w, y + h))),
                min(1.0, float(row[14])),
                row[4:14].reshape(5, 2),
            )
            for row in self._network.find(image_bgr)
            for x, y, w, h in [row[:4]]
            if np.isfinite(row).all() and w > 0 and h > 0
        ]


class HaarDetector:
    """OpenCV's frontal-face cascade, with the eyes by the eye cascade where they are found."""

    name = "haar"

    def __init__(self) -> None:
        self._faces = cv2.CascadeClassifier(str(_HAAR_FOLDER / _HAAR_FACES))
        self._eyes = cv2.CascadeClassifier(
            str(_HAAR_FOLDER / "haarcascade_eye_tree_eyeglasses.xml")
        )
        self._lock = threading.Lock()

    def detect(
        self, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        """Find faces; see ``FaceDetector.detect``."""
        search = _HAAR_FRAME_SEARCH if tuple(sizes) == FRAME_SIZES else _HAAR_SEARCH
        return _search(to_gray(image_bgr), sizes, partial(self._detect_at_once, *search))

    def _detect_at_once(
        self, growth: float, agreeing: int, gray: NDArray[np.uint8]
    ) -> list[DetectedFace]:
        with self._lock:
            boxes, _, weights = self._faces.detectMultiScale3(
                gray,
                growth,
                agreeing,
                minSize=(_HAAR_MIN_SIDE, _HAAR_MIN_SIDE),
                outputRejectLevels=True,
            )
            # The cascade's margin has no upper end; this keeps its order within 0 to 1.
            margins = np.maximum(np.ravel(weights), 0)
            return [
                DetectedFace(
                    FaceBox(float(x), float(y), float(x + w), float(y + h)),
                    float(score),
                    self._find_eyes(gray[y : y + h, x : x + w], (x, y)),
                )
                for (x, y, w, h), score in zip(boxes, margins / (1 + margins), strict=True)
                if score >= _HAAR_MIN_SCORE
            ]

    def _find_eyes(
        self, face_gray: NDArray[np.uint8], corner_xy: tuple[int, int]
    ) -> NDArray[np.float32] | None:
        """Return landmarks with both eyes and NaN for the rest, or None."""
        height, width = face_gray.shape
        upper = face_gray[: round(0.6 * height)]
        eyes = self._eyes.detectMultiScale(
            upper, 1.1, 4, minSize=(width // 8, width // 8), maxSize=(width // 2, width // 2)
        )
        centers = np.array([[x + w / 2, y + h / 2] for x, y, w, h in eyes], np.float32)
        if len(centers) == 0:
            return None
        left, right = centers[centers[:, 0] < width / 2], centers[centers[:, 0] >= width / 2]
        if len(left) != 1 or len(right) != 1:
            return None
        landmarks = np.full((5, 2), np.nan, np.float32)
        landmarks[:2] = np.vstack([left, right]) + np.array(corner_xy, np.float32)
        return landmarks


class WholePicture:
    """Takes every picture as one ready face crop, in a framing like FER-2013's."""

    name = NO_DETECTOR

    def detect(
        self, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        """Return the whole picture as a face of score 1; ``sizes`` do not matter."""
        height, width = to_bgr(image_bgr).shape[:2]
        return (DetectedFace(FaceBox(0.0, 0.0, float(width), float(height)), 1.0, is_crop=True),)


def load_detector(name: str = "auto") -> FaceDetector:
    """Load a detector.

    Args:
        name: "yunet", "haar", or "auto" for YuNet where its file is, whole, and Haar elsewhere;
            "none" where pictures are ready face crops.

    Raises:
        TypeError: The name is no text.
        DetectorUnavailable: YuNet was asked for and its file is missing or damaged.
        ValueError: There is no such detector.
    """
    given: object = name
    if not isinstance(given, str):
        raise TypeError(f"A detector is called by its name, not by {type(given).__name__}.")
    if name not in DETECTORS:
        raise ValueError(f"No detector {name!r}; there are {', '.join(DETECTORS)}.")
    if name == NO_DETECTOR:
        return WholePicture()
    if name == "yunet" or (name == "auto" and yunet_path().is_file()):
        try:
            return YuNetDetector(yunet_path())
        except DetectorUnavailable as error:
            if name == "yunet":
                raise
            logger.warning("%s Haar serves instead.", error)
    return HaarDetector()


def detector_file(name: str) -> Path | None:
    """Return the file that a detector finds faces by; None for others than these two.

    Args:
        name: "yunet" or "haar", as a loaded detector is called.
    """
    return {"yunet": yunet_path(), "haar": _HAAR_FOLDER / _HAAR_FACES}.get(name)


def _search(
    image: NDArray[np.uint8],
    sizes: Sequence[int],
    detect_at_once: Callable[[NDArray[np.uint8]], list[DetectedFace]],
) -> tuple[DetectedFace, ...]:
    """Detect at every distinct working size and merge what was found twice."""
    longer = max(image.shape[:2])
    scales = sorted({min(1.0, size / longer) for size in sizes})
    pictures: list[NDArray[np.uint8]] = []
    last, last_scale = image, 1.0
    for scale in reversed(scales):
        # From the next larger one: to go through all of a camera's photo takes as long again.
        last, last_scale = _reduced(last, scale / last_scale), scale
        pictures.insert(0, last)
    found: list[DetectedFace] = []
    for place, (scale, picture) in enumerate(zip(scales, pictures, strict=True)):
        at_once = detect_at_once(picture)
        if place:
            at_once = [face for face in at_once if face.box.width <= _MAX_ENLARGED_FACE]
        found += [face.scaled(1 / scale) for face in at_once]
    kept: list[DetectedFace] = []
    for face in sorted(found, key=lambda face: face.score, reverse=True):
        if not any(_same_face(face.box, other.box) for other in kept):
            kept.append(face)
    return reading_order(kept)


def reading_order(faces: Iterable[DetectedFace]) -> tuple[DetectedFace, ...]:
    """Return faces as people read: row by row from the top, each from left to right.

    A face belongs to the row above it when its middle is less than three quarters of a face below
    the row's: people beside each other differ in height by less, and rows of people by more.
    """
    rows: list[list[DetectedFace]] = []
    for face in sorted(faces, key=lambda face: face.box.center[1]):
        if rows:
            middle = fmean(other.box.center[1] for other in rows[-1])
            height = fmean(other.box.height for other in (*rows[-1], face))
            if face.box.center[1] - middle < 0.75 * height:
                rows[-1].append(face)
                continue
        rows.append([face])
    return tuple(face for row in rows for face in sorted(row, key=lambda face: face.box.x1))


def _reduced(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return a picture at a working size."""
    if scale == 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    # Down to a half, four neighbours miss no pixel, at a sixth of the time of true areas.
    method = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def _same_face(one: FaceBox, other: FaceBox) -> bool:
    smaller = min(one.area, other.area)
    return (
        one.iou(other) >= _SAME_FACE_OVERLAP
        or one.intersection(other) >= _SAME_FACE_COVER * smaller
    )
