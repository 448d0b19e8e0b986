"""Photos on their side or on their head, whose file does not say so.

YuNet finds faces in any orientation, but takes an upside-down mouth for eyes, and the network then
reads what is not there. Its score tells: on 665 portraits turned by 0, 90, 180 and 270 degrees it
is the highest upright in all but three. With the bounds below none of the upright ones is turned,
98 % of the others are, and four upright photos in five cost no further search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.detection import PHOTO_SIZES, FaceDetector
from fer_core.images import turn_picture
from fer_core.types import DetectedFace

# The scores that these bounds are about. Haar finds upright faces only, few others by mistake.
SCORED_DETECTOR = "yunet"
# From this mean score on faces are upright: of those on their head 99 % are below.
_SURE_SCORE = 0.91
# A face that is found only in a turned picture, or better there, must be this good, and better by
# this much.
_MIN_SCORE = 0.8
_MIN_LEAD = 0.03
_QUARTER_TURNS = (90, 180, 270)


@dataclass(frozen=True, slots=True)
class UprightPicture:
    """A picture as its faces stand, and the faces.

    Attributes:
        image_bgr: uint8 ``(H, W, 3)``, the picture turned, or as it was given.
        turned_deg: Degrees clockwise by which it was turned: 0, 90, 180 or 270.
        faces: Row by row, each from left to right, in pixels of ``image_bgr``; empty when there
            are none.
    """

    image_bgr: NDArray[np.uint8]
    turned_deg: int
    faces: tuple[DetectedFace, ...]


def detect_upright(
    detector: FaceDetector, image_bgr: NDArray[np.uint8], sizes: Sequence[int] = PHOTO_SIZES
) -> UprightPicture:
    """Find the faces of a picture, and turn it when they stand upright only then.

    Args:
        detector: Finds the faces; with another one than YuNet no picture is turned.
        image_bgr: uint8 ``(H, W, 3)``, ``(H, W, 4)`` or ``(H, W)``; not changed.
        sizes: Longer sides in pixels at which the picture is searched; other orientations are
            tried at the smallest.

    Raises:
        ValueError: The picture has another shape or type, or no pixels.
    """
    faces = detector.detect(image_bgr, sizes)
    turned_deg = find_turn(detector, image_bgr, faces, min(sizes))
    if turned_deg:
        image_bgr = turn_picture(image_bgr, turned_deg)
        faces = detector.detect(image_bgr, sizes)
    return UprightPicture(image_bgr, turned_deg, faces)


def find_turn(
    detector: FaceDetector,
    image_bgr: NDArray[np.uint8],
    faces: Sequence[DetectedFace],
    size: int,
) -> int:
    """Return by how many degrees clockwise a picture is to be turned: 0, 90, 180 or 270.

    Args:
        detector: Finds the faces.
        image_bgr: The picture.
        faces: What is found in it as it is.
        size: Longer side in pixels at which other orientations are searched.
    """
    if detector.name != SCORED_DETECTOR:
        return 0
    # The best of many upside-down faces may score like an upright one, all together do not.
    if faces and sum(face.score for face in faces) / len(faces) >= _SURE_SCORE:
        return 0
    score = _best_score(faces)
    scores = {
        degrees: _best_score(detector.detect(turn_picture(image_bgr, degrees), (size,)))
        for degrees in _QUARTER_TURNS
    }
    best = max(scores, key=lambda degrees: scores[degrees])
    return best if scores[best] >= max(_MIN_SCORE, score + _MIN_LEAD) else 0


def _best_score(faces: Sequence[DetectedFace]) -> float:
    return max((face.score for face in faces), default=0.0)
