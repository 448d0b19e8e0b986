"""Many small pictures to look at and to click, sent to the browser as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.images import encode_png
from ui.common.component import component
from ui.common.images import data_url

_COLUMNS = 12
# As Streamlit's own elements, every thumbnail would be a message, a file and a button.
_grid = component("fer_picture_grid", __file__, '<div class="grid"></div>')


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture in a grid.

    Attributes:
        title: What it is, in full; shown when it is pointed at.
        lines: What stands under it.
        color: Of its upper edge, as ``#RRGGBB``.
    """

    title: str
    lines: tuple[str, ...]
    color: str


@dataclass(frozen=True, slots=True)
class TileGroup:
    """Pictures that belong together, under a title or ""."""

    title: str
    tiles: Sequence[Tile]


def picture_grid(
    key: str, groups: Sequence[TileGroup], faces_gray: NDArray[np.uint8] | None
) -> int | None:
    """Draw pictures in groups.

    Args:
        key: Unique on the page.
        groups: N pictures in all.
        faces_gray: uint8 ``(N, 48, 48)``, in the order of the groups; None where there are no
            pictures, and the tiles are text alone.

    Returns:
        The number of the picture that has just been clicked, counted through all groups, or None.
    """
    result = _grid(key=key, data=grid_data(groups, faces_gray), on_picked_change=lambda: None)
    picked = result.get("picked")
    return None if picked is None else int(picked)


def grid_data(groups: Sequence[TileGroup], faces_gray: NDArray[np.uint8] | None) -> dict[str, Any]:
    """Return what the browser draws a grid from."""
    return {
        "groups": [
            {
                "title": group.title,
                "tiles": [
                    {"title": tile.title, "lines": tile.lines, "color": tile.color}
                    for tile in group.tiles
                ],
            }
            for group in groups
        ],
        "atlas": "" if faces_gray is None or not len(faces_gray) else _url_of(faces_gray),
        "columns": _COLUMNS,
    }


def atlas(faces_gray: NDArray[np.uint8], columns: int = _COLUMNS) -> NDArray[np.uint8]:
    """Lay pictures out row by row in one; what is left of the last row is black.

    Args:
        faces_gray: uint8 ``(N, H, W)``, N at least 1.
        columns: Pictures in a row.

    Returns:
        uint8 ``(rows * H, columns * W)``.
    """
    count, height, width = faces_gray.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width), np.uint8)
    cells[:count] = faces_gray
    ordered = cells.reshape(rows, columns, height, width).swapaxes(1, 2)
    return np.ascontiguousarray(ordered).reshape(rows * height, columns * width)


def _url_of(faces_gray: NDArray[np.uint8]) -> str:
    return data_url(encode_png(atlas(faces_gray)), "png")
