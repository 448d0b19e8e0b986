"""A photo with its faces' boxes, which point at the faces' cards and are pointed at by them."""

from __future__ import annotations

from typing import Any

from fer_core.images import turn_picture
from fer_core.labels import UNCERTAIN, color_of
from fer_core.types import FaceReading, Frame
from ui.common.component import component
from ui.common.images import as_image, as_jpeg, data_url, decoded_jpeg

_boxes = component("fer_face_boxes", __file__, '<div class="picture"><img alt=""></div>')


def face_boxes(
    key: str, name: str, shown: bytes, frame: Frame, threshold: float, card: str
) -> None:
    """Draw a photo with a box around each face.

    Args:
        key: Unique on the page.
        name: What the photo is called.
        shown: The photo as a JPEG, as it was before ``frame`` says that it was turned.
        frame: What was read in it.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        card: What the keys of the faces' cards begin with, before their positions.
    """
    _boxes(key=key, data=boxes_data(name, shown, frame, threshold, card))


def boxes_data(
    name: str, shown: bytes, frame: Frame, threshold: float, card: str
) -> dict[str, Any]:
    """Return what the browser draws a photo and its boxes from; as ``face_boxes``."""
    if frame.turned_deg:
        upright_bgr = turn_picture(decoded_jpeg(shown), frame.turned_deg)
        shown = as_jpeg(as_image(upright_bgr))
    count = len(frame.faces)
    return {
        "image": data_url(shown),
        "alt": f"{name}: {count} face{'s' * (count != 1)}" if count else f"{name}: no face found",
        "width": frame.size_wh[0],
        "height": frame.size_wh[1],
        "card": card,
        "faces": [_face(face, frame.size_wh, threshold) for face in frame.faces],
    }


def _face(face: FaceReading, size_wh: tuple[int, int], threshold: float) -> dict[str, Any]:
    verdict = face.verdict(threshold)
    x1, y1, x2, y2 = (
        min(1.0, max(0.0, value / side))
        for value, side in zip(face.box.xyxy, (*size_wh, *size_wh), strict=True)
    )
    sure = "" if verdict == UNCERTAIN else f" {face.confidence:.0%}"
    return {
        "said": verdict.capitalize() + sure,
        "color": color_of(verdict),
        "hatched": verdict == UNCERTAIN,
        "place": {"left": x1, "top": y1, "width": x2 - x1, "height": y2 - y1},
    }
