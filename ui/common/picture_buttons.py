"""Pictures that can be clicked, with a line or two under each: examples, and contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fer_core.labels import UNCERTAIN, color_of
from ui.common.component import component
from ui.common.images import data_url

# Of one row, in pixels, with a line for whom each is from.
EXAMPLES_HEIGHT = 186
_buttons = component("fer_picture_buttons", __file__, '<div class="pictures"></div>')


@dataclass(frozen=True, slots=True)
class PictureButton:
    """A picture to click.

    Attributes:
        jpeg: The picture, or b"" where there is none.
        title: What stands under it, and what it is called.
        verdicts: What was read in it, each with how often, such as ("happy", 2).
        note: A second line, or "".
        chosen: Whether it is the one that is looked at.
        film: Whether it stands for a video.
    """

    jpeg: bytes
    title: str
    verdicts: tuple[tuple[str, int], ...] = ()
    note: str = ""
    chosen: bool = False
    film: bool = False


def picture_buttons(
    key: str, buttons: Sequence[PictureButton], *, height: int | str = "content"
) -> int | None:
    """Draw pictures in rows, and return the position of the one that was just clicked, or None.

    Args:
        key: Unique on the page.
        buttons: The pictures.
        height: In pixels, for one row that moves nothing when it appears; or "content".
    """
    data = {"items": [_item(button) for button in buttons], "row": height != "content"}
    result = _buttons(key=key, data=data, height=height, on_picked_change=lambda: None)
    picked = result.get("picked")
    return None if picked is None else int(picked)


def _item(button: PictureButton) -> dict[str, Any]:
    return {
        "image": data_url(button.jpeg) if button.jpeg else "",
        "title": button.title,
        "verdicts": [
            {
                "text": verdict.capitalize() + (f" ×{count}" if count > 1 else ""),
                "color": color_of(verdict),
                "hatched": verdict == UNCERTAIN,
            }
            for verdict, count in button.verdicts
        ],
        "note": button.note,
        "chosen": button.chosen,
        "film": button.film,
    }
