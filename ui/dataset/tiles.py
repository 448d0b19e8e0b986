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


def pager(total: int, per_page: int, *, key: str) -> tuple[int, int]:
    """Draw what turns the pages of a long list, and return where the page starts and ends.

    Args:
        total: Length of the list.
        per_page: Entries a page.
        key: Of the page's number in the session; a shorter list turns back to its last page.
    """
    pages = max(1, -(-total // per_page))
    page = min(max(1, int(st.session_state.get(key, 1))), pages)
    if pages > 1:
        st.session_state[key] = page
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                f"Page, of {pages:,}", 1, pages, key=key, persist_state="session", width=150
            )
            for label, icon, target in (
                ("Previous page", ":material/chevron_left:", page - 1),
                ("Next page", ":material/chevron_right:", page + 1),
            ):
                st.button(
                    label,
                    key=f"{key}-{label}",
                    icon=icon,
                    disabled=not 1 <= target <= pages,
                    on_click=_turn,
                    args=(key, target),
                )
    return (page - 1) * per_page, min(page * per_page, total)


def _turn(key: str, page: int) -> None:
    st.session_state[key] = page


def _tile(shown: Shown, *, named: bool) -> Tile:
    name, emotion = name_and_label(shown.picture)
    lines = [emotion, *(line for line in shown.lines if line)]
    if named:
        lines.insert(0, name)
    return Tile(f"{name} · {emotion}", tuple(lines), color_of(emotion))
