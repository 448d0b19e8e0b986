"""Pictures of the data set in grids that open a picture's own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from fer_core.labels import color_of
from train.data.picture_ids import name_and_label
from ui.common.grid import Tile, TileGroup, picture_grid
from ui.common.opened_picture import open_picture
from ui.dataset.state import Collection

# Said where verdicts of all pictures are shown, which are stored.
AS_STORED = (
    "What the network says is stored: read as FER-2013 is labelled, whatever is chosen elsewhere, "
    "and without the mirror image that the app reads with each face."
)
SPLIT_NAMES = {"Training": "Training", "PublicTest": "Public test", "PrivateTest": "Private test"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture to show, by its id, and what to say of it besides its label."""

    picture: str
    lines: tuple[str, ...] = ()


def show_tiles(
    found: Collection, groups: Sequence[tuple[str, Sequence[Shown]]], *, key: str
) -> None:
    """Draw pictures under titles; a click opens one.

    Args:
        found: Where the pictures are.
        groups: Titles, or "", with their pictures.
        key: Unique on the page.
    """
    ids = [shown.picture for _, pictures in groups for shown in pictures]
    if not ids:
        return
    faces = found.faces_of(ids)
    tiles = [
        TileGroup(title, [_tile(shown, named=faces is None) for shown in pictures])
        for title, pictures in groups
    ]
    picked = picture_grid(key, tiles, faces)
    if picked is not None and picked < len(ids):
        open_picture(ids[picked], ids)
        st.rerun()


def said_of(found: Collection, picture: str, model: str | None) -> str:
    """Return what a model says of a picture, such as "→ sad 63 %", or ""."""
    opinion, row = found.rows.opinions.get(model or ""), found.rows.index.position_of(picture)
    if opinion is None or row < 0 or not opinion.said[row]:
        return ""
    return f"→ {opinion.said[row]} {opinion.confidence[row]:.0%}"


def _tile(shown: Shown, *, named: bool) -> Tile:
    name, emotion = name_and_label(shown.picture)
    lines = [emotion, *(line for line in shown.lines if line)]
    if named:
        lines.insert(0, name)
    return Tile(f"{name} · {emotion}", tuple(lines), color_of(emotion))
