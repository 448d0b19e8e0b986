"""Training pictures as the app frames them.

A network that saw FER-2013's own framing only is a little lost in crops that a detector's eyes
put in their place. So a share of the training pictures is shown as they come out of detection
and alignment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.alignment import align_face, frame_matrix
from fer_core.detection import PHOTO_SIZES, FaceDetector
from fer_core.images import to_gray
from fer_core.preprocessing import resize_face
from fer_core.types import DetectedFace
from train.data.fer2013 import FaceSet
from train.data.picture_ids import picture_ids
from train.errors import DataError

_ENLARGEMENT = 4


@dataclass(frozen=True, slots=True)
class Framings:
    """Crops of training pictures.

    Attributes:
        crops_gray: uint8 ``(48, 48)`` of each detector that found a face, by the id of the
            picture, such as "Training_123/happy".
    """

    crops_gray: dict[str, list[NDArray[np.uint8]]]

    def of(self, dataset: FaceSet) -> list[list[NDArray[np.uint8]]]:
        """Return the crops of N pictures; none for a picture in which no face was found."""
        return [self.crops_gray.get(picture, []) for picture in dataset.ids.tolist()]


def canvas_of(face_gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a face enlarged four times in the middle of a canvas twice its size.

    Args:
        face_gray: uint8 ``(H, W)``.

    Returns:
        BGR uint8 ``(8 H, 8 W, 3)``; around the face its border is repeated.
    """
    large = cv2.resize(
        face_gray, None, fx=_ENLARGEMENT, fy=_ENLARGEMENT, interpolation=cv2.INTER_CUBIC
    )
    vertical, horizontal = large.shape[0] // 2, large.shape[1] // 2
    canvas = cv2.copyMakeBorder(
        large, vertical, vertical, horizontal, horizontal, cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_GRAY2BGR), np.uint8)


def distance_to_middle(face: DetectedFace, canvas: NDArray[np.uint8]) -> float:
    """Return how far the middle of a face's box is from that of its canvas, in pixels."""
    return math.dist(face.box.center, (canvas.shape[1] / 2, canvas.shape[0] / 2))


def framed_face(face_gray: NDArray[np.uint8], detector: FaceDetector) -> NDArray[np.uint8] | None:
    """Frame a picture of a face as the app frames a photo's faces.

    Args:
        face_gray: uint8 ``(H, W)``.
        detector: Finds the face.

    Returns:
        uint8 ``(48, 48)`` of the face nearest to the picture's middle, or None without a face.
    """
    canvas = canvas_of(face_gray)
    nearest = _nearest_face(canvas, detector, PHOTO_SIZES)
    return None if nearest is None else resize_face(align_face(to_gray(canvas), nearest))


def framing_matrix(
    face_gray: NDArray[np.uint8], detector: FaceDetector
) -> NDArray[np.float32] | None:
    """Return how the app would move a picture of a face into FER-2013's frame.

    Args:
        face_gray: uint8 ``(H, W)``.
        detector: Finds the face on the canvas in its own size: enlarging it once more, as for a
            photo, would double the time and find hardly more.

    Returns:
        float32 ``(2, 3)``, from the picture's pixels to those of the 48x48 frame, both with
        (0, 0) at the outer corner of the first; or None without a face.
    """
    canvas = canvas_of(face_gray)
    nearest = _nearest_face(canvas, detector, (max(canvas.shape[:2]),))
    if nearest is None:
        return None
    height, width = face_gray.shape
    # Where canvas_of puts the picture.
    margin = np.array([_ENLARGEMENT * width // 2, _ENLARGEMENT * height // 2])
    matrix = frame_matrix(nearest)
    offset = matrix[:, :2] @ margin + matrix[:, 2]
    return np.column_stack([_ENLARGEMENT * matrix[:, :2], offset]).astype(np.float32)


def framing_matrices(dataset: FaceSet, detector: FaceDetector) -> NDArray[np.float32]:
    """Return ``framing_matrix`` of N pictures, float32 ``(N, 2, 3)``; NaN without a face."""
    matrices = np.full((len(dataset), 2, 3), np.nan, np.float32)
    for row, face in enumerate(tqdm(dataset.faces_gray, unit="picture", disable=None)):
        matrix = framing_matrix(face, detector)
        if matrix is not None:
            matrices[row] = matrix
    return matrices


def _nearest_face(
    canvas: NDArray[np.uint8], detector: FaceDetector, sizes: Sequence[int]
) -> DetectedFace | None:
    """Return the face nearest to the middle of a canvas, if there is any."""
    faces = detector.detect(canvas, sizes)
    return min(faces, key=lambda face: distance_to_middle(face, canvas), default=None)


def write_framings(dataset: FaceSet, detector: FaceDetector, path: Path) -> int:
    """Frame pictures and store the crops.

    Args:
        dataset: N pictures.
        detector: Finds the faces.
        path: Where the ``.npz`` goes.

    Returns:
        The number of pictures in which a face was found.

    Raises:
        DataError: The file cannot be written.
    """
    crops = [
        framed_face(face, detector)
        for face in tqdm(dataset.faces_gray, unit="picture", disable=None)
    ]
    found = np.array([crop is not None for crop in crops])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                names=dataset.names[found],
                emotions=dataset.words[found],
                crops_gray=np.array([crop for crop in crops if crop is not None], np.uint8),
            )
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}") from error
    return int(found.sum())


def read_framings(paths: list[Path]) -> Framings:
    """Read what ``write_framings`` stored, one file per detector.

    Raises:
        DataError: A file is missing or is none of these.
    """
    crops: dict[str, list[NDArray[np.uint8]]] = {}
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as stored:
                ids = picture_ids(stored["names"], stored["emotions"]).tolist()
                for picture, crop in zip(ids, stored["crops_gray"], strict=True):
                    crops.setdefault(picture, []).append(crop)
        except (OSError, EOFError, BadZipFile, KeyError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}") from error
    return Framings(crops)
