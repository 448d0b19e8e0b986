"""Boxes and verdicts drawn over a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.images import to_bgr
from fer_core.labels import bgr_of
from fer_core.types import FaceEmotion, Frame

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Width of a caption in widths of its box.
_MAX_CAPTION = 2.5


def draw_frame(image_bgr: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """Draws every face's number, box and verdict.

    Args:
        image_bgr: uint8 ``(H, W, 3)``, BGRA or grey, the picture that was analysed; not changed.
        frame: What was found in it.

    Returns:
        uint8 ``(H, W, 3)``, a copy with the drawing.

    Raises:
        ValueError: The picture has another shape or type, or no pixels.
    """
    drawn = to_bgr(image_bgr).copy()
    unit = max(1.0, max(frame.size_wh) / 800)
    for face in frame.faces:
        x1, y1, x2, y2 = (round(v) for v in face.face.box.xyxy)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), (255, 255, 255), round(4 * unit), cv2.LINE_AA)
        color = bgr_of(face.verdict)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), color, round(2 * unit), cv2.LINE_AA)
    # Captions last, so that no neighbour's box crosses them.
    for number, face in enumerate(frame.faces, start=1):
        _draw_caption(drawn, face, number, unit)
    return drawn


def _draw_caption(drawn: NDArray[np.uint8], face: FaceEmotion, number: int, unit: float) -> None:
    """Writes a face's caption, in place, above its box or inside where there is no room."""
    text = f"{number}  {face.verdict} {face.confidence:.0%}"
    scale, thickness = 0.5 * unit, max(1, round(unit))
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    if width > _MAX_CAPTION * face.face.box.width:
        # In a crowd long captions would hide the neighbours; the number leads to the card.
        text = str(number)
        (width, height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    pad = round(4 * unit)
    x, y = round(face.face.box.x1), round(face.face.box.y1)
    x = int(np.clip(x, 0, max(0, drawn.shape[1] - width - 2 * pad)))
    bottom = y if y >= height + baseline + 2 * pad else y + height + baseline + 2 * pad
    color = bgr_of(face.verdict)
    top_left = (x, bottom - height - baseline - 2 * pad)
    cv2.rectangle(drawn, top_left, (x + width + 2 * pad, bottom), color, cv2.FILLED)
    cv2.putText(
        drawn,
        text,
        (x + pad, bottom - baseline - pad),
        _FONT,
        scale,
        _readable_on(color),
        thickness,
        cv2.LINE_AA,
    )


def _readable_on(color_bgr: tuple[int, int, int]) -> tuple[int, int, int]:
    """Returns black or white, whichever has more contrast (WCAG 2's relative luminance)."""
    channels = np.array(color_bgr[::-1]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    white_wins = 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05
    return (255, 255, 255) if white_wins else (0, 0, 0)
