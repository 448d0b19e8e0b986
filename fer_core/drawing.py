"""Boxes, verdicts and small charts drawn over a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.images import to_bgr, turn_picture
from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN, bgr_color_of, hex_to_bgr
from fer_core.lettering import drawable, ink, text_mask
from fer_core.persons import person_color, person_name
from fer_core.types import FaceReading, Frame, TrackedFace, TrackedFrame

# Pixels of the letters in captions and in charts, in pictures of usual size.
_CAPTION_PIXELS, _CHART_PIXELS = 15, 12
# Pixels of a chart's row, of its labels' column and of its longest bar.
_ROW, _LABELS, _BAR = 14, 60, 50
# How much of the picture a chart's ground hides, 0 to 1: white letters on it have a contrast of
# 4.7:1 on any picture.
_HIDDEN = 0.55
# Pixels of a corner's radius, and of a stripe of what is hatched.
_RADIUS, _STRIPE = 4, 4
# Width of a caption in widths of its box.
_MAX_CAPTION = 2.5
_MAX_NAME = 24

# Left, top, right, bottom in pixels.
_Area = tuple[int, int, int, int]


def draw_frame(
    image_bgr: NDArray[np.uint8], frame: Frame, *, threshold: float = DEFAULT_THRESHOLD
) -> NDArray[np.uint8]:
    """Draw every face's number, box and verdict.

    Args:
        image_bgr: uint8 ``(H, W, 3)``, BGRA or grey, the picture that was analysed, as it was given
            to the analysis; not changed. It may be smaller or larger: boxes are scaled from
            ``frame.size_wh``.
        frame: What was found in it.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.

    Returns:
        uint8 ``(H, W, 3)``, a copy with the drawing, turned where the analysis turned it.

    Raises:
        TypeError: The picture is no array.
        ValueError: The picture has another shape or type, or no pixels; or ``threshold`` is not
            within 0 to 1.
    """
    drawn = turn_picture(to_bgr(image_bgr).copy(), frame.turned_deg)
    height, width = drawn.shape[:2]
    unit = _unit(width, height)
    boxes = _scaled_boxes(frame.faces, frame.size_wh, (width, height))
    for face, box in zip(frame.faces, boxes, strict=True):
        _outline(drawn, box, bgr_color_of(face.verdict(threshold)), unit)
    # Captions last, so that no neighbour's box crosses them.
    for number, (face, box) in enumerate(zip(frame.faces, boxes, strict=True), start=1):
        _draw_caption(drawn, face, box, number, threshold, unit)
    return drawn


def draw_tracked(
    image_bgr: NDArray[np.uint8],
    tracked: TrackedFrame,
    *,
    names: Mapping[int, str] | None = None,
    bars: bool = False,
) -> NDArray[np.uint8]:
    """Draw every face's box in its person's colour, and the name and the verdict that holds.

    Args:
        image_bgr: uint8 ``(H, W, 3)``, BGRA or grey; not changed. It may be smaller or larger
            than the picture that was analysed: boxes are scaled from ``tracked.size_wh``.
        tracked: The persons in it.
        names: The persons' names; others are called by their number, as are those whose letters
            no font of this machine has.
        bars: Whether each face gets a small chart of its smoothed probabilities beside it.

    Returns:
        uint8 ``(H, W, 3)``, a copy with the drawing.

    Raises:
        ValueError: The picture has another shape or type, or no pixels.
    """
    drawn = to_bgr(image_bgr).copy()
    height, width = drawn.shape[:2]
    unit = _unit(width, height)
    boxes = _scaled_boxes(tracked.faces, tracked.size_wh, (width, height))
    for face, box in zip(tracked.faces, boxes, strict=True):
        _outline(drawn, box, hex_to_bgr(person_color(face.person)), unit)
    # Captions and charts keep clear of all faces, and of each other, as far as there is room.
    taken = list(boxes)
    captions = []
    for face, box in zip(tracked.faces, boxes, strict=True):
        captions.append(_caption_place(face, box, names, unit, taken, (width, height)))
        taken.append(captions[-1][1])
    for face, box in zip(tracked.faces, boxes, strict=True) if bars else ():
        taken.append(_chart_place(face, box, unit, taken, (width, height)))
        _draw_chart(drawn, face, taken[-1], unit)
    for face, (text, area) in zip(tracked.faces, captions, strict=True):
        _write(drawn, text, area[:2], face.verdict, unit)
    return drawn


def _scaled_boxes(
    faces: Sequence[FaceReading | TrackedFace],
    found_in_wh: tuple[int, int],
    size_wh: tuple[int, int],
) -> list[_Area]:
    """Return faces' boxes in the pixels of a picture of another size."""
    scale_xyxy = np.tile(size_wh, 2) / np.tile(found_in_wh, 2)
    boxes = []
    for face in faces:
        x1, y1, x2, y2 = np.rint(face.box.xyxy * scale_xyxy).astype(int).tolist()
        boxes.append((x1, y1, x2, y2))
    return boxes


def _unit(width: int, height: int) -> float:
    """Return how much larger than usual lines and letters are in a large picture."""
    return max(1.0, max(width, height) / 640)


def _outline(
    drawn: NDArray[np.uint8], box: _Area, color: tuple[int, int, int], unit: float
) -> None:
    cv2.rectangle(drawn, box[:2], box[2:], (255, 255, 255), round(4 * unit), cv2.LINE_AA)
    cv2.rectangle(drawn, box[:2], box[2:], color, round(2 * unit), cv2.LINE_AA)


def _draw_caption(
    drawn: NDArray[np.uint8],
    face: FaceReading,
    box: _Area,
    number: int,
    threshold: float,
    unit: float,
) -> None:
    """Write a face's caption, in place, above its box or inside where there is no room."""
    verdict = face.verdict(threshold)
    text = f"{number}  {verdict} {face.confidence:.0%}"
    if _text_size(text, unit)[0] - 2 * round(4 * unit) > _MAX_CAPTION * (box[2] - box[0]):
        # In a crowd long captions would hide the neighbours; the number leads to the card.
        text = str(number)
    width, height = _text_size(text, unit)
    x, y = int(np.clip(box[0], 0, max(0, drawn.shape[1] - width))), box[1]
    _write(drawn, text, (x, y - height if y >= height else y), verdict, unit)


def _text_size(text: str, unit: float) -> tuple[int, int]:
    """Return width and height in pixels of a caption with its margin."""
    height, width = text_mask(text, round(_CAPTION_PIXELS * unit)).shape
    pad = round(4 * unit)
    return width + 2 * pad, height + pad


def _write(
    drawn: NDArray[np.uint8],
    text: str,
    corner_xy: tuple[int, int],
    verdict: str,
    unit: float,
) -> None:
    """Write a caption on a ground of its verdict's colour, in place, from its upper left corner.

    The ground of "uncertain" is hatched, so that it is told by more than its colour.
    """
    x, y = corner_xy
    color, size_wh = bgr_color_of(verdict), _text_size(text, unit)
    ink(drawn, _rounded(size_wh, unit), corner_xy, color)
    if verdict == UNCERTAIN:
        ink(drawn, _stripes(size_wh, unit), corner_xy, (255, 255, 255))
    pad = round(4 * unit)
    mask = text_mask(text, round(_CAPTION_PIXELS * unit))
    ink(drawn, mask, (x + pad, y + pad // 2), _readable_on(color))


@lru_cache(maxsize=256)
def _rounded(size_wh: tuple[int, int], unit: float, opacity: float = 1.0) -> NDArray[np.uint8]:
    """Return the mask of an area with rounded corners, uint8 ``(H, W)``; not to be changed."""
    width, height = size_wh
    radius = min(round(_RADIUS * unit), (min(size_wh) - 1) // 2)
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - 1 - radius, height - 1), 255, cv2.FILLED)
    cv2.rectangle(mask, (0, radius), (width - 1, height - 1 - radius), 255, cv2.FILLED)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, 255, cv2.FILLED, cv2.LINE_AA)
    faded = np.asarray(np.rint(mask * opacity), np.uint8)
    faded.flags.writeable = False
    return faded


@lru_cache(maxsize=256)
def _stripes(size_wh: tuple[int, int], unit: float) -> NDArray[np.uint8]:
    """Return the mask of light stripes that hatch such an area; dark letters stay readable."""
    rows, columns = np.indices(size_wh[::-1])
    stripe = np.floor((rows + columns) / (_STRIPE * unit)) % 2 == 1
    mask = np.where(stripe, np.minimum(_rounded(size_wh, unit), 140), 0).astype(np.uint8)
    mask.flags.writeable = False
    return mask


def _caption_place(
    face: TrackedFace,
    box: _Area,
    names: Mapping[int, str] | None,
    unit: float,
    taken: list[_Area],
    size_wh: tuple[int, int],
) -> tuple[str, _Area]:
    """Return the longest caption that has room, and where."""
    name = _shortened(drawable(person_name(face.person, names))) or str(face.person)
    said = f"{name}  {face.verdict}"
    texts = (f"{said} {face.confidence:.0%}", said, name, str(face.person))
    others = [area for area in taken if area is not box]
    for text in texts:
        width, height = _text_size(text, unit)
        if others and text is not texts[-1] and width > _MAX_CAPTION * (box[2] - box[0]):
            continue  # among several it would not be clear whose caption it is
        x = int(np.clip(box[0], 0, max(0, size_wh[0] - width)))
        inside = (box[1], box[3] - height) if width <= box[2] - box[0] else ()
        for y in (box[1] - height, box[3], *inside):
            area = (x, y, x + width, y + height)
            if 0 <= y <= size_wh[1] - height and not any(_overlap(area, a) for a in others):
                return text, area
    text = texts[0] if not others else texts[-1]
    width, height = _text_size(text, unit)
    return text, _inside((box[0], box[1] - height), (width, height), size_wh)


def _chart_place(
    face: TrackedFace, box: _Area, unit: float, taken: list[_Area], size_wh: tuple[int, int]
) -> _Area:
    """Return where beside its box a face's chart hides the least."""
    width, height = _chart_size(face.smoothed.labels, unit)
    gap = round(4 * unit)
    x1, y1, x2, y2 = box
    corners = [(x2 + gap, y1), (x1 - gap - width, y1), (x2 - width, y2 + gap), (x2 - width, y1)]
    areas = [_inside(corner, (width, height), size_wh) for corner in corners]
    return min(areas, key=lambda area: sum(_overlap(area, other) for other in taken))


def _chart_size(labels: tuple[str, ...], unit: float) -> tuple[int, int]:
    return round((_LABELS + _BAR + 4) * unit), round((_ROW * len(labels) + 6) * unit)


def _draw_chart(drawn: NDArray[np.uint8], face: TrackedFace, area: _Area, unit: float) -> None:
    """Draw a bar for each emotion on darkened ground, in place."""
    x1, y1, x2, y2 = area
    ink(drawn, _rounded((x2 - x1, y2 - y1), unit, _HIDDEN), (x1, y1), (0, 0, 0))
    for k, (label, probability) in enumerate(face.smoothed.items()):
        y = y1 + round((_ROW * k + 4) * unit)
        mask = text_mask(label, round(_CHART_PIXELS * unit))
        ink(drawn, mask, (x1 + round(5 * unit), y - round(2 * unit)), (255, 255, 255))
        left = x1 + round(_LABELS * unit)
        right = left + round(_BAR * unit * probability)
        cv2.rectangle(
            drawn, (left, y + 1), (right, y + round(10 * unit)), bgr_color_of(label), cv2.FILLED
        )


def _inside(
    corner_xy: tuple[int, int], area_wh: tuple[int, int], size_wh: tuple[int, int]
) -> _Area:
    """Return an area of that size, moved into the picture."""
    x, y = (
        max(0, min(corner, limit - side))
        for corner, side, limit in zip(corner_xy, area_wh, size_wh, strict=True)
    )
    return x, y, x + area_wh[0], y + area_wh[1]


def _overlap(one: _Area, other: _Area) -> int:
    """Return the pixels that two areas share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 2]}.."


def _readable_on(color_bgr: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever has more contrast (WCAG 2's relative luminance)."""
    channels = np.array(color_bgr[::-1]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    white_wins = 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05
    return (255, 255, 255) if white_wins else (0, 0, 0)
