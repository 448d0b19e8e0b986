"""The whole way from a picture to emotions: detect, align, assess, classify."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import align_face
from fer_core.classifier import EmotionClassifier
from fer_core.detection import PHOTO_SIZES, FaceDetector, load_detector
from fer_core.images import to_gray
from fer_core.labels import FER7
from fer_core.orientation import detect_upright
from fer_core.protocols import FaceReader
from fer_core.quality import assess_quality
from fer_core.readings import DEFAULT_READING
from fer_core.types import DetectedFace, FaceReading, Frame, Probabilities


def analyze_image(
    image_bgr: NDArray[np.uint8],
    *,
    detector: FaceDetector | None = None,
    classifier: FaceReader | None = None,
    sizes: Sequence[int] = PHOTO_SIZES,
    index: int = 0,
    time_s: float = 0.0,
) -> Frame:
    """Find the faces in a picture, turned if they stand upright only then, and read each of them.

    Args:
        image_bgr: uint8 ``(H, W, 3)``; not changed.
        detector: Finds the faces; by default YuNet where its file is, else Haar.
        classifier: Reads them; by default the seven-class network.
        sizes: Longer sides in pixels at which the picture is searched for faces.
        index: Number of the frame in a video.
        time_s: Its presentation time in seconds.

    Returns:
        The frame with its faces as people read, row by row; without faces when none was found.

    Raises:
        ValueError: The picture has another shape or type, or no pixels.
        ModelError: The default network's files are missing or damaged.
    """
    picture = detect_upright(detector or shared_detector(), image_bgr, sizes)
    image_gray = to_gray(picture.image_bgr)
    return Frame(
        index,
        time_s,
        (image_gray.shape[1], image_gray.shape[0]),
        classify_faces(image_gray, picture.faces, classifier or shared_classifier()),
        picture.turned_deg,
    )


def classify_faces(
    image_gray: NDArray[np.uint8],
    faces: Sequence[DetectedFace],
    classifier: FaceReader,
) -> tuple[FaceReading, ...]:
    """Read faces that are already detected.

    Args:
        image_gray: uint8 ``(H, W)``.
        faces: N faces of that picture.
        classifier: Reads them, in one batch.

    Returns:
        N readings in the order of ``faces``.
    """
    size_wh = (image_gray.shape[1], image_gray.shape[0])
    aligned = [align_face(image_gray, face) for face in faces]
    probabilities = classifier.predict(aligned)
    return tuple(
        FaceReading(
            face, Probabilities(classifier.labels, row), crop, assess_quality(face, crop, size_wh)
        )
        for face, crop, row in zip(faces, aligned, probabilities, strict=True)
    )


@cache
def shared_detector(name: str = "auto") -> FaceDetector:
    """Return one detector for all callers; arguments and errors as of ``load_detector``."""
    return load_detector(name)


@cache
def shared_classifier(name: str = FER7.name, reading: str = DEFAULT_READING) -> EmotionClassifier:
    """Return one model for all callers; errors as of ``EmotionClassifier.load``."""
    return EmotionClassifier.load(name, reading=reading)
