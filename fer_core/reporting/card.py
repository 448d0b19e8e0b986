"""A picture card of one face, to share: the face, its verdict, every emotion, and a caution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.images import encode_png
from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN, bgr_color_of, check_threshold
from fer_core.lettering import ink, text_mask
from fer_core.reporting.words import meaning
from fer_core.types import FaceReading

# What networks of people show of a link, so that nothing is cut off.
_SIZE_WH = (1200, 630)
_MARGIN, _FACE_SIDE, _TEXT_LEFT = 50, 450, 550
_GROUND, _TEXT, _QUIET, _TRACK = (255, 255, 255), (40, 32, 26), (110, 96, 85), (238, 235, 232)
_BAR_LEFT, _BAR_RIGHT, _BAR_TOP = 690, 1060, 250
_CAUTION = "An expression, not a feeling, and a network's guess. Made with facial-emotions."


def picture_card(
    face_bgr: NDArray[np.uint8],
    face: FaceReading,
    *,
    reading: str | None = None,
    threshold: float = DEFAULT_THRESHOLD,
) -> bytes:
    """Draw a card of a face.

    Args:
        face_bgr: uint8 ``(h, w, 3)``, the face as ``crop_face`` cuts it out; not changed.
        face: What was read in it.
        reading: What the probabilities are, one of ``fer_core.readings.READINGS``; None where that
            is not known.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.

    Returns:
        A PNG of 1200 x 630 pixels, which says nothing of the file that the face is from.

    Raises:
        ValueError: Nothing is left of the face, or ``threshold`` is not within 0 to 1.
    """
    check_threshold(threshold)
    if not face_bgr.size:
        raise ValueError("There is nothing of the face to show.")
    width, height = _SIZE_WH
    card = np.full((height, width, 3), _GROUND, np.uint8)
    top = (height - _FACE_SIDE) // 2
    card[top : top + _FACE_SIDE, _MARGIN : _MARGIN + _FACE_SIDE] = _square(face_bgr)
    verdict = face.verdict(threshold)
    _mark(card, verdict)
    _write(card, verdict.capitalize(), (_TEXT_LEFT + 52, 76), 52, _TEXT)
    said = meaning(face.emotion, face.confidence, reading, threshold)
    for number, line in enumerate(_lines(said, 26, width - _TEXT_LEFT - _MARGIN)):
        _write(card, line, (_TEXT_LEFT, 152 + 36 * number), 26, _TEXT)
    _bars(card, face)
    _write(card, _CAUTION, (_MARGIN, height - 56), 22, _QUIET)
    return encode_png(card)


def _mark(card: NDArray[np.uint8], verdict: str) -> None:
    """Draw a verdict's colour before its name, in place; "uncertain" is hatched."""
    place = card[92:127, _TEXT_LEFT : _TEXT_LEFT + 35]
    place[:] = bgr_color_of(verdict)
    if verdict == UNCERTAIN:
        y, x = np.indices(place.shape[:2])
        place[(x + y) % 10 < 5] = _TRACK


def _bars(card: NDArray[np.uint8], face: FaceReading) -> None:
    """Draw a bar for each emotion, in place."""
    step = min(44, (_SIZE_WH[1] - 100 - _BAR_TOP) // len(face.probabilities))
    for number, (label, probability) in enumerate(face.probabilities.items()):
        y = _BAR_TOP + step * number
        strong = label == face.emotion
        ink_color = _TEXT if strong else _QUIET
        _write(card, label.capitalize(), (_TEXT_LEFT, y), 24, ink_color)
        ground = (_BAR_LEFT, y + 4), (_BAR_RIGHT, y + step - 14)
        cv2.rectangle(card, *ground, _TRACK, cv2.FILLED)
        reach = _BAR_LEFT + round((_BAR_RIGHT - _BAR_LEFT) * probability)
        if reach > _BAR_LEFT:
            cv2.rectangle(card, ground[0], (reach, y + step - 14), bgr_color_of(label), cv2.FILLED)
        _write(card, f"{probability:.0%}", (_BAR_RIGHT + 18, y), 24, ink_color)


def _square(face_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the middle of a face, as a square of the card's size."""
    height, width = face_bgr.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = face_bgr[top : top + side, left : left + side]
    way = cv2.INTER_AREA if side > _FACE_SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (_FACE_SIDE, _FACE_SIDE), interpolation=way), np.uint8)


def _lines(text: str, pixels: int, most: int) -> list[str]:
    """Return a text in lines that are no wider than so many pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_mask(longer, pixels).shape[1] > most and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(
    card: NDArray[np.uint8],
    text: str,
    corner_xy: tuple[int, int],
    pixels: int,
    color: tuple[int, int, int],
) -> None:
    ink(card, text_mask(text, pixels), corner_xy, color)
