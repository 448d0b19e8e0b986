"""From a detected face to FER-2013's own frame.

A network trained on FER-2013 knows faces in one framing; a detector's raw box is another one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import INPUT_SIZE
from fer_core.types import DetectedFace, FaceBox

# Where YuNet finds the landmarks on FER-2013's pictures, in their 48x48 pixels (mean of 600).
FRAME_LANDMARKS = np.array(
    [[15.3, 18.4], [32.2, 18.3], [23.6, 28.0], [16.5, 35.4], [31.0, 35.3]], np.float64
)
# Where the frontal Haar cascade's square boxes lie on such pictures (mean of 498 of Training).
FRAME_BOX = FaceBox(0.9, 0.4, 47.0, 46.5)
_WHOLE_FRAME = FaceBox(0, 0, INPUT_SIZE, INPUT_SIZE)
_MAX_ENLARGEMENT = 6


def align_face(image_gray: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """Cut a face out in FER-2013's frame: upright, its features where that data set has them.

    Args:
        image_gray: uint8 ``(H, W)``.
        face: A face of that picture.

    Returns:
        uint8 ``(S, S)`` with S the multiple of 48, from 48 to 288, that is nearest to the
        face's own resolution, so that the reduction to the network's input averages pixels.
        Beyond the picture its border is repeated.
    """
    matrix = frame_matrix(face)
    pixels_per_unit = 1 / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    scale = int(np.clip(round(pixels_per_unit), 1, _MAX_ENLARGEMENT))
    side = INPUT_SIZE * scale
    source = image_gray
    # Bilinear sampling skips pixels when it shrinks by more than two; average them first.
    shrink = int(pixels_per_unit / scale)
    matrix = scale * matrix
    if shrink > 1:
        width, height = (max(1, round(side / shrink)) for side in image_gray.shape[::-1])
        source = np.asarray(cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA))
        ratio = np.array(
            [image_gray.shape[1] / source.shape[1], image_gray.shape[0] / source.shape[0]]
        )
        matrix = matrix @ np.diag([*ratio, 1.0])
    aligned = cv2.warpAffine(
        source,
        _between_pixel_centers(matrix),
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(aligned, np.uint8)


def crop_face(image_bgr: NDArray[np.uint8], box: FaceBox, margin: float = 0.2) -> NDArray[np.uint8]:
    """Return the square around a face, to be looked at, as far as the picture reaches.

    Args:
        image_bgr: uint8 ``(H, W, 3)``.
        box: Where the face is.
        margin: What is added on each side, in lengths of the box's longer side.

    Returns:
        uint8 ``(h, w, 3)``, a view of the picture; empty for a face outside of it.
    """
    x, y = box.center
    half = (0.5 + margin) * max(box.width, box.height)
    square = FaceBox(x - half, y - half, x + half, y + half)
    x1, y1, x2, y2 = square.clipped((image_bgr.shape[1], image_bgr.shape[0]))
    return image_bgr[y1:y2, x1:x2]


def frame_matrix(face: DetectedFace) -> NDArray[np.float64]:
    """Return the similarity from the picture to FER-2013's 48x48 frame, float64 ``(2, 3)``.

    Landmarks decide where they are found; with fewer than two different ones, the box does. A
    ready crop is that frame itself.
    """
    if face.landmarks is not None:
        known = np.isfinite(face.landmarks).all(axis=1)
        points = face.landmarks[known].astype(np.float64)
        if len(points) >= 2 and np.ptp(points, axis=0).any():
            return _similarity(points, FRAME_LANDMARKS[known])
    target = _WHOLE_FRAME if face.is_crop else FRAME_BOX
    scale = np.sqrt(target.area / face.box.area)
    offset = np.array(target.center) - scale * np.array(face.box.center)
    return np.column_stack([scale * np.eye(2), offset])


def _similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares rotation, scale and shift between two point sets.

    In the plane both rotation and scale are one complex factor, so the solution, for any
    dimension Umeyama's (1991), is that of a line's slope.
    """
    points, wanted = source @ [1, 1j], target @ [1, 1j]
    spread = points - points.mean()
    factor = np.vdot(spread, wanted) / np.vdot(spread, spread).real
    shift = wanted.mean() - factor * points.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


def _between_pixel_centers(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert from coordinates that start at a pixel's corner to OpenCV's, at its centre."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5
    return shifted
