"""The picture of FER-2013 whose own page is open; other pages open one, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

_OPEN_KEY = "dataset-open"


@dataclass(frozen=True, slots=True)
class Opened:
    """The picture whose own page is shown, and the list that it was opened from, by their ids."""

    picture: str
    others: tuple[str, ...] = ()


def opened() -> Opened | None:
    """Return the picture that the visitor has opened, or None."""
    found: Opened | None = st.session_state.get(_OPEN_KEY)
    return found


def open_picture(picture: str, others: Sequence[str] = ()) -> None:
    """Turn to a picture's own page, from where one can leaf through ``others``; all by id."""
    st.session_state[_OPEN_KEY] = Opened(picture, tuple(others))


def close_picture() -> None:
    """Turn back to the page that a picture was opened from."""
    st.session_state.pop(_OPEN_KEY, None)
