"""What a page's address remembers, so that a reload does not lose it.

The browser writes it, by ``address.js``, into the entry of the history that the page is in. With
``st.query_params`` every change would be an entry of its own, and at a change of page the values
could end up in the address of the page that is being left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from ui.common.component import component

# What the address says of a switch that is on.
_ON = "yes"

_address = component("fer_address", __file__, "<span></span>")


def keep_in_address(name: str, value: str, *, page: str = "") -> None:
    """Have the address say a value for as long as the page is shown.

    Args:
        name: Its name there.
        value: The value; with "" the name is taken out.
        page: The only page whose address may say it, as the address calls it; any with "".
    """
    with st.sidebar:
        _address(key=f"address-{name}", data={"name": name, "value": value, "page": page})


def kept_slider(
    label: str,
    least: float,
    most: float,
    default: float,
    step: float,
    *,
    key: str,
    name: str,
    shown: bool = True,
    **options: Any,
) -> Any:
    """Draw a slider whose value outlives a change of page and a reload.

    Args:
        label: What it sets.
        least: Its smallest value, of the same type as the next three.
        most: Its largest.
        default: Where it stands when the page's address says nothing that it could be.
        step: The distance between two values.
        key: What it is called in the session.
        name: What it is called in the address.
        shown: Whether to draw it; without, its value is kept all the same.
        **options: More for ``st.slider``.

    Returns:
        The value, of the type of ``default``.
    """
    kept = f"{key}-kept"
    if kept not in st.session_state:
        st.session_state[kept] = default
        with suppress(ValueError):
            asked = float(st.query_params.get(name, default))
            if least <= asked <= most:
                st.session_state[kept] = type(default)(asked)
    # Streamlit's own persist_state forgets a value that the visitor did not set, such as this.
    if shown:
        st.session_state[kept] = st.slider(
            label, least, most, st.session_state[kept], step, key=key, **options
        )
    value = st.session_state[kept]
    keep_in_address(name, "" if value == default else f"{value:g}")
    return value


def kept_value(options: Sequence[str], default: str, *, key: str, name: str) -> str:
    """Return what is chosen: in this session, else by the page's address, else the default.

    Args:
        options: What can be chosen.
        default: What holds when neither says anything that can be.
        key: What the choice is called in the session.
        name: What it is called in the address.
    """
    kept = f"{key}-kept"
    if st.session_state.get(kept) not in options:
        asked = st.query_params.get(name)
        st.session_state[kept] = asked if asked in options else default
    value: str = st.session_state[kept]
    return value


def set_kept_value(value: str, *, key: str) -> None:
    """Choose, as a visitor would, what ``kept_value`` returns."""
    st.session_state[f"{key}-kept"] = value


def kept_choice(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[str],
    default: str,
    *,
    key: str,
    name: str,
    page: str = "",
    shown: bool = True,
    on_change: Callable[[], object] | None = None,
    **more: Any,
) -> str:
    """Draw a choice that outlives a change of page and a reload.

    Args:
        draw: What draws it, such as ``st.selectbox``.
        label: What it chooses.
        options: What can be chosen.
        default: What is chosen at first, when the page's address says nothing that can be.
        key: What it is called in the session.
        name: What it is called in the address.
        page: The only page whose address may say it; any with "".
        shown: Whether to draw it; without, its value is kept all the same.
        on_change: Called when the visitor chooses another.
        **more: More for ``draw``.
    """
    _catch_up(key, on_change)
    value = kept_value(options, default, key=key, name=name)
    if shown:
        draw_kept(draw, label, options, value, key=key, on_change=on_change, **more)
    keep_in_address(name, "" if value == default else value, page=page)
    return value


def draw_kept(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[str],
    value: str,
    *,
    key: str,
    on_change: Callable[[], object] | None = None,
    **more: Any,
) -> None:
    """Draw a choice that ``kept_choice`` keeps, and did not draw itself on this page.

    Args:
        draw: What draws it, such as ``st.selectbox``.
        label: What it chooses.
        options: What can be chosen.
        value: What ``kept_choice`` returned.
        key: What it is called in the session.
        on_change: Called when the visitor chooses another.
        **more: More for ``draw``.
    """
    st.session_state[key] = st.session_state[_drawn(key)] = value
    draw(label, options, key=key, on_change=_keep, args=(key, on_change), **more)


def kept_toggle(label: str, *, key: str, name: str, shown: bool = True, **more: Any) -> bool:
    """Draw a switch, off at first, that outlives a change of page and a reload.

    Args:
        label: What it switches on.
        key: What it is called in the session.
        name: What it is called in the address.
        shown: Whether to draw it; without, it stays as it was.
        **more: More for ``st.toggle``.
    """
    _catch_up(key)
    value = kept_value(("", _ON), "", key=key, name=name)
    if shown:
        st.session_state[key] = st.session_state[_drawn(key)] = value == _ON
        st.toggle(label, key=key, on_change=_keep, args=(key,), **more)
    keep_in_address(name, value)
    return value == _ON


def _catch_up(key: str, on_change: Callable[[], object] | None = None) -> None:
    """Keep what the visitor chose where the next run cut the callback short that would have."""
    drawn = st.session_state.get(_drawn(key))
    if drawn is not None and st.session_state.get(key, drawn) != drawn:
        _keep(key, on_change)


def _drawn(key: str) -> str:
    """Return the session's name for what a widget showed when it was drawn last."""
    return f"{key}-drawn"


def _keep(key: str, on_change: Callable[[], object] | None = None) -> None:
    value = st.session_state[_drawn(key)] = st.session_state[key]
    if isinstance(value, bool):
        value = _ON if value else ""
    set_kept_value(value, key=key)
    if on_change is not None:
        on_change()
