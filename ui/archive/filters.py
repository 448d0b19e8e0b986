"""Which faces are looked at: what the visitor sets, and what the page's address remembers of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import streamlit as st

from fer_core.batch.schema import KINDS, PHOTO, VIDEO
from ui.archive.door import PAGE
from ui.archive.faces import first_page
from ui.archive.index import Index
from ui.archive.queries import Selection
from ui.common.address import keep_in_address

KIND, VERDICTS, CONFIDENCE = "archive-kind", "archive-verdicts", "archive-confidence"
FOLDER, FIRST, LAST = "archive-folder", "archive-first", "archive-last"
_READ_KEY, _ROUND_KEY = "archive-address-read", "archive-round"
_KIND_NAMES = {PHOTO: "Photos", VIDEO: "Videos"}
_MOST_CHARS = 200


def choose(index: Index) -> Selection:
    """Return what the filters let through, before they are drawn: first comes what that is."""
    _begin(index)
    state = st.session_state
    least, most = state[_now(CONFIDENCE)]
    selection = Selection(
        state[KIND],
        tuple(state[_now(VERDICTS)]),
        int(least),
        int(most),
        (state[_now(FOLDER)] or "").strip(),
        state[_now(FIRST)],
        state[_now(LAST)],
    )
    _remember(index, selection)
    return selection


def show_filters(index: Index) -> None:
    """Draw the filters."""
    with st.container(border=True, key="archive-filters"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if len(index.kinds()) > 1:
                _changing(
                    st.segmented_control,
                    "In",
                    index.kinds(),
                    format_func=_KIND_NAMES.__getitem__,
                    required=True,
                    key=KIND,
                )
            _changing(
                st.pills,
                "Read as",
                index.verdicts,
                format_func=str.capitalize,
                selection_mode="multi",
                wrap=True,
                key=_now(VERDICTS),
            )
        sure, folder, first, last, again = st.columns(
            [2.6, 2.6, 2.4, 2.4, 1.5], vertical_alignment="bottom"
        )
        with sure:
            _changing(st.slider, "Confidence, in per cent", 0, 100, step=5, key=_now(CONFIDENCE))
        with folder:
            _changing(
                st.text_input,
                "Folder has in its name",
                max_chars=_MOST_CHARS,
                placeholder="All folders",
                key=_now(FOLDER),
            )
        for column, label, key in ((first, "From", FIRST), (last, "To", LAST)):
            with column:
                _changing(
                    st.date_input,
                    label,
                    None,
                    min_value=date(1, 1, 1),
                    max_value=date(9999, 12, 31),
                    key=_now(key),
                )
        again.button("Reset", icon=":material/filter_alt_off:", on_click=reset)


def reset() -> None:
    """Let all faces through again.

    With fresh widgets: what the browser says of the old ones, in a message that is on its way,
    would set them again.
    """
    for key in (VERDICTS, CONFIDENCE, FOLDER, FIRST, LAST):
        st.session_state.pop(_now(key), None)
    st.session_state[_ROUND_KEY] = st.session_state.get(_ROUND_KEY, 0) + 1
    first_page()


def _now(key: str) -> str:
    """Return the key of a widget since the last reset."""
    return f"{key}-{st.session_state.get(_ROUND_KEY, 0)}"


def _changing(widget: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Draw a widget whose value outlives a change of page, and begins the list anew."""
    widget(*arguments, persist_state="session", on_change=first_page, **options)


def _begin(index: Index) -> None:
    """Set the filters: at first as the page's address says, as far as that can be."""
    state = st.session_state
    asked: dict[str, str] = {}
    if not state.get(_READ_KEY):
        state[_READ_KEY] = True
        asked = {name: st.query_params.get(name, "") for name in _NAMES}
    kinds = index.kinds() or [PHOTO]
    if asked.get("kind") in KINDS:
        state[KIND] = asked["kind"]
    if state.get(KIND) not in kinds:
        state[KIND] = kinds[0]
    chosen = (
        asked["emotion"].split(",") if asked.get("emotion") else state.get(_now(VERDICTS)) or []
    )
    known = [one for one in chosen if one in index.verdicts]
    # Another data set may have other emotions. What is set here takes the place of what was clicked
    # meanwhile, so only what has to be is.
    if _now(VERDICTS) not in state or known != state[_now(VERDICTS)]:
        state[_now(VERDICTS)] = known
    bounds = [_percent(asked.get("least"), 0), _percent(asked.get("most"), 100)]
    state.setdefault(_now(CONFIDENCE), (min(bounds), max(bounds)))
    state.setdefault(_now(FOLDER), asked.get("folder", "")[:_MOST_CHARS])
    for key, name in ((FIRST, "from"), (LAST, "to")):
        day = None
        with suppress(ValueError):
            day = date.fromisoformat(asked.get(name, ""))
        state.setdefault(_now(key), day)


_NAMES = ("kind", "emotion", "least", "most", "folder", "from", "to")


def _remember(index: Index, selection: Selection) -> None:
    """Have the page's address say what is not as at first."""
    first_kind = next(iter(index.kinds()), PHOTO)
    said = {
        "kind": "" if selection.kind == first_kind else selection.kind,
        "emotion": ",".join(selection.verdicts),
        "least": str(selection.least or ""),
        "most": "" if selection.most == 100 else str(selection.most),
        "folder": selection.folder,
        "from": selection.first.isoformat() if selection.first else "",
        "to": selection.last.isoformat() if selection.last else "",
    }
    for name in _NAMES:
        keep_in_address(name, said[name], page=PAGE)


def _percent(text: str | None, otherwise: int) -> int:
    """Return a multiple of five from 0 to 100."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 3:
        return otherwise
    return min(100, 5 * round(int(text) / 5))
