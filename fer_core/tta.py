"""Test-time augmentation: several views of one face, whose logits are averaged.

Every face is read together with its mirror image, so that both get the same verdict. Ten crops, for
evaluation, are Krizhevsky et al.'s (2012, "ImageNet Classification with Deep Convolutional Neural
Networks"): the middle and the four corners, each also mirrored. There is nothing around a face that
was cut to FER-2013's frame, so its border is repeated first; cutting closer would enlarge the face
beyond what the network knows, and was measured to make it worse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import INPUT_SIZE, check_face

ONE_VIEW, FLIP, CROPS = "one view", "flip", "crops"
VIEW_COUNTS = {ONE_VIEW: 1, FLIP: 2, CROPS: 10}
# How far the corners lie from the middle, in pixels of the network's input; chosen on pictures of
# Training that were held out.
_CROP_SHIFT = 3


def views_of(face_gray: NDArray[np.uint8], views: str) -> list[NDArray[np.uint8]]:
    """Return the views of a face.

    Args:
        face_gray: uint8 ``(H, W)``.
        views: One of ``VIEW_COUNTS``.

    Returns:
        So many pictures, each uint8 ``(H, W)``, the face itself first.

    Raises:
        TypeError: The face is no array.
        ValueError: The face is not a non-empty grey uint8 picture.
    """
    check_face(face_gray)
    crops = _crops(face_gray) if views == CROPS else [face_gray]
    return crops if views == ONE_VIEW else [*crops, *(crop[..., ::-1] for crop in crops)]


def _crops(face_gray: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width = face_gray.shape
    margin = max(1, round(_CROP_SHIFT * min(height, width) / INPUT_SIZE))
    padded = np.pad(face_gray, margin, mode="edge")
    ends = (0, 2 * margin)
    corners = [padded[y : y + height, x : x + width] for y in ends for x in ends]
    return [face_gray, *corners]
