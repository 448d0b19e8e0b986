"""The picture of FER-2013 whose own page is open; other pages open one, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

# A picture's name and label; the name alone comes twice.
PictureKey = tuple[str, str]
_OPEN_KEY = "dataset-open"


@dataclass(frozen=True, slots=True)
class Opened:
    """The picture whose own page is shown, and the list that it was opened from."""

    key: PictureKey
    others: tuple[PictureKey, ...] = ()


def opened() -> Opened | None:
    """Returns the picture that the visitor has opened, or None."""
    found: Opened | None = st.session_state.get(_OPEN_KEY)
    return found


def open_picture(key: PictureKey, others: Sequence[PictureKey] = ()) -> None:
    """Turns to a picture's own page, from where one can leaf through ``others``."""
    st.session_state[_OPEN_KEY] = Opened(key, tuple(others))


def close_picture() -> None:
    """Turns back to the page that a picture was opened from."""
    st.session_state.pop(_OPEN_KEY, None)
