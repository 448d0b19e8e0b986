"""Naming, merging and hiding the persons of a video."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from fer_core.persons import person_name
from fer_core.timeline import PersonEdits
from ui.common.layout import plain
from ui.video.runs import VideoRun

_LONGEST_NAME = 40


def edit_person(run: VideoRun, person: int, others: Sequence[int], key: str) -> None:
    """Draw the button behind which a person is named, merged or hidden.

    Args:
        run: The analysis; its edits change.
        person: Who.
        others: With whom the person may be merged.
        key: Unique on the page.
    """
    names = run.edits.names
    with st.popover("Edit", icon=":material/edit:"):
        st.text_input(
            "Name",
            names.get(person, ""),
            max_chars=_LONGEST_NAME,
            placeholder=f"Person {person}",
            key=f"{key}-name",
            on_change=_on_input(run, f"{key}-name", name_person, person),
        )
        if others:
            other = st.selectbox(
                "The same person as",
                others,
                None,
                format_func=lambda other: title_of(other, names),
                placeholder="nobody else",
                key=f"{key}-merge",
                on_change=_on_input(run, f"{key}-merge", merge_if_none_is_lost, person),
                help="Somebody who comes back after a cut or a long absence is taken for somebody "
                "new; here the two become one again.",
            )
            if other is not None and (lost := _cost(run, person, other)):
                _ask_to_merge(run, person, other, lost, key)
        st.button(
            "Hide this person",
            icon=":material/visibility_off:",
            key=f"{key}-hide",
            on_click=hide_person,
            args=(run, person),
        )


def take_drop(run: VideoRun, dropped: tuple[int, int] | None) -> None:
    """Make the persons one of whom the visitor has dragged one onto the other, or ask first.

    Args:
        run: The analysis; its edits change.
        dropped: Who, and onto whom; None when nobody was dragged.
    """
    key = f"{run.key}-dropped"
    if dropped is not None:
        merge_if_none_is_lost(run, *dropped)
        st.session_state[key] = dropped
        if dropped[0] in run.edits.merged:
            st.rerun()
    if key not in st.session_state:
        return
    person, other = st.session_state[key]
    if {person, other} & run.edits.merged.keys() or not (lost := _cost(run, person, other)):
        del st.session_state[key]
        return
    _ask_to_merge(run, person, other, lost, key)
    st.button("Leave them two", key=f"{key}-not", on_click=st.session_state.pop, args=(key,))


def show_undo(run: VideoRun) -> None:
    """Draw what was merged and hidden, and the buttons that undo it."""
    edits = run.edits
    if not edits.merged and not edits.hidden:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if edits.hidden:
            hidden = ", ".join(title_of(person, edits.names) for person in sorted(edits.hidden))
            st.caption(plain(f"Hidden: {hidden}"), width="content")
            st.button(
                "Show them again",
                key="unhide",
                on_click=lambda: _change(run, hidden=frozenset()),
            )
        if edits.merged:
            merged = ", ".join(
                f"{title_of(person, edits.names)} into {title_of(into, edits.names)}"
                for person, into in sorted(edits.merged.items())
            )
            lost = doubles(run, edits)
            if lost:
                merged += f" ({_readings(lost)} left out, of frames in which both were seen)"
            st.caption(plain(f"Merged: {merged}"), width="content")
            st.button("Part them again", key="unmerge", on_click=lambda: _change(run, merged={}))


def title_of(person: int, names: Mapping[int, str] | None = None) -> str:
    """Return a person's name, or "Person 2" where there is none."""
    name = person_name(person, names)
    return f"Person {name}" if name == str(person) else name


def name_person(run: VideoRun, person: int, name: str) -> None:
    """Give a person a name; an empty one takes it away."""
    names = {other: known for other, known in run.edits.names.items() if other != person}
    if name.strip():
        names[person] = name.strip()
    _change(run, names=names)


def merge_person(run: VideoRun, person: int, into: int) -> None:
    """Make two persons one; where both are seen at once, the surer face stays."""
    run.edits = _merged(run, person, into)


def merge_if_none_is_lost(run: VideoRun, person: int, into: int | None) -> None:
    """Make two persons one, unless that costs readings; None changes nothing."""
    if into is not None and not _cost(run, person, into):
        merge_person(run, person, into)


def doubles(run: VideoRun, edits: PersonEdits) -> int:
    """Return how many readings are left out because persons were merged who are seen at once."""
    return 0 if run.job.result is None else edits.doubles(run.job.result.result.timeline)


def hide_person(run: VideoRun, person: int) -> None:
    """Leave a person out of everything that is shown and taken away."""
    _change(run, hidden=run.edits.hidden | {person})


def _change(run: VideoRun, **changes: Any) -> None:
    run.edits = replace(run.edits, **changes)


def _ask_to_merge(run: VideoRun, person: int, other: int, lost: int, key: str) -> None:
    """Say what it costs to make two persons one, and draw the button that does so all the same."""
    names = run.edits.names
    st.warning(
        plain(
            f"{title_of(person, names)} and {title_of(other, names)} are seen at the same time. As "
            f"one person they would have one face in each frame, the surer one: "
            f"{_readings(lost)} would be left out of everything."
        ),
        icon=":material/group:",
    )
    st.button(
        f"Merge them, without {_readings(lost)}",
        key=f"{key}-merge-anyway",
        on_click=merge_person,
        args=(run, person, other),
    )


def _merged(run: VideoRun, person: int, into: int) -> PersonEdits:
    return replace(run.edits, merged={**run.edits.merged, person: into})


def _cost(run: VideoRun, person: int, into: int) -> int:
    """Return how many more readings are left out when a person becomes another one."""
    return doubles(run, _merged(run, person, into)) - doubles(run, run.edits)


def _readings(count: int) -> str:
    return f"{count:,} reading{'s' * (count != 1)}"


def _on_input(
    run: VideoRun, key: str, change: Callable[..., None], person: int
) -> Callable[[], None]:
    """Return what hands a widget's new value on."""
    return lambda: change(run, person, st.session_state[key])
