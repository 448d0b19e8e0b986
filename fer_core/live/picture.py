"""The picture that goes back to the browser: mirrored, covered, and drawn over."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.drawing import draw_tracked
from fer_core.live.state import LiveView, Privacy
from fer_core.types import FaceBox, FaceReading, TrackedFrame

# A blurred picture has this many pixels on its longer side: a person is a few blots.
_BLURRED_SIDE = 24
# In narrower pictures, to which browsers go over when the network is slow, charts would hide all.
_MIN_BARS_WIDTH = 400
# What is shown instead of the camera's picture, BGR.
_COVER = (44, 36, 29)
# Another shape by more than this is another picture: a phone was turned.
_SAME_SHAPE = 0.02


def live_picture(
    image_bgr: NDArray[np.uint8], tracked: TrackedFrame | None, view: LiveView
) -> NDArray[np.uint8]:
    """Draw the picture to show.

    Args:
        image_bgr: uint8 ``(H, W, 3)``, the camera's frame; not changed.
        tracked: The last known reading, of an earlier frame that may have had another size;
            None without one.
        view: How to show it.

    Returns:
        uint8 ``(H, W, 3)``, of the same size.
    """
    size_wh = (image_bgr.shape[1], image_bgr.shape[0])
    placed = None if tracked is None else place(tracked, size_wh, mirror=view.mirror)
    if view.privacy is Privacy.CHARTS:
        shown = cover(size_wh)
    else:
        shown = np.asarray(cv2.flip(image_bgr, 1) if view.mirror else image_bgr, np.uint8)
        if view.privacy is Privacy.BLUR:
            shown = blur_around(shown, placed)
    if placed is None:
        return shown
    return draw_tracked(shown, placed, bars=view.bars and size_wh[0] >= _MIN_BARS_WIDTH)


def place(tracked: TrackedFrame, size_wh: tuple[int, int], *, mirror: bool) -> TrackedFrame | None:
    """Move the boxes of a reading to where they are in the picture to show.

    Args:
        tracked: A reading.
        size_wh: Size of the picture in pixels.
        mirror: Whether it is shown mirrored.

    Returns:
        The reading without landmarks; None when the picture has another shape.
    """
    (width, height), (read_width, read_height) = size_wh, tracked.size_wh
    if not same_shape(size_wh, tracked.size_wh):
        return None
    across, down = width / read_width, height / read_height

    def moved(box: FaceBox) -> FaceBox:
        x1, x2 = across * box.x1, across * box.x2
        if mirror:
            x1, x2 = width - x2, width - x1
        return FaceBox(x1, down * box.y1, x2, down * box.y2)

    faces = [
        replace(face, reading=with_box(face.reading, moved(face.box))) for face in tracked.faces
    ]
    faces.sort(key=lambda face: face.box.x1)
    return replace(tracked, size_wh=size_wh, faces=tuple(faces))


def with_box(reading: FaceReading, box: FaceBox) -> FaceReading:
    """Return a reading whose face is elsewhere, without landmarks."""
    return replace(reading, detection=replace(reading.detection, box=box, landmarks=None))


def same_shape(size_wh: tuple[int, int], other_wh: tuple[int, int]) -> bool:
    """Return whether one size is the other one enlarged, but for rounding."""
    return abs(size_wh[0] * other_wh[1] / (size_wh[1] * other_wh[0]) - 1) <= _SAME_SHAPE


def cover(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an empty picture, uint8 ``(H, W, 3)``, without anything of the camera's."""
    return np.full((size_wh[1], size_wh[0], 3), _COVER, np.uint8)


def blur_around(image_bgr: NDArray[np.uint8], tracked: TrackedFrame | None) -> NDArray[np.uint8]:
    """Blur a picture beyond recognition, except inside the boxes of the faces.

    Args:
        image_bgr: uint8 ``(H, W, 3)``; not changed.
        tracked: The faces in it; None when none are known, and all is blurred.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    height, width = image_bgr.shape[:2]
    scale = min(1.0, _BLURRED_SIDE / max(width, height))
    small_wh = (max(1, round(scale * width)), max(1, round(scale * height)))
    # By way of a picture of few pixels: what is blurred is gone, and it costs half a millisecond.
    small = cv2.resize(image_bgr, small_wh, interpolation=cv2.INTER_AREA)
    shown = np.asarray(cv2.resize(small, (width, height)), np.uint8)
    for face in () if tracked is None else tracked.faces:
        x1, y1, x2, y2 = face.box.clipped((width, height))
        shown[y1:y2, x1:x2] = image_bgr[y1:y2, x1:x2]
    return shown
