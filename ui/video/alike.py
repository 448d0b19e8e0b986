"""Persons who may be the same: counted anew after a cut, alike, and never seen at once."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.reporting.words import clock
from ui.common.images import decoded_jpeg
from ui.common.layout import plain
from ui.video.edits import merge_person, title_of
from ui.video.faces import faces_of, surest_row
from ui.video.runs import VideoRun, View
from ui.video.shelf import Video

# How alike two pictures are in their light and shade, and in their colours, 0 to 1. It tells a
# shot that comes back, and no faces: the visitor sees both and decides.
_SHAPES, _COLORS = 0.45, 0.88
_SIDE = 24
_FACE_WIDTH = 56
# Fewer readings are somebody who passed by.
_LEAST_READINGS = 5
_MOST_PERSONS = 20


def suggest_merger(video: Video, run: VideoRun, view: View) -> None:
    """Ask whether two persons who look alike are the same, and say what merging them does."""
    refused = st.session_state.setdefault(f"{run.key}-apart", set())
    found = alike(video, view, refused)
    if found is None:
        return
    timeline, names = view.timeline, run.edits.names
    # Whoever was seen longer gives the name.
    person, into = sorted(found, key=lambda one: int((timeline.person == one).sum()))
    time_s = timeline.time_s[timeline.row[np.isin(timeline.person, found)]]
    best = {one: surest_row(view, one) for one in (person, into)}
    faces = faces_of(video, view, best.values())
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="same-person"):
        for one in (person, into):
            if best[one] in faces:
                name = title_of(one, names)
                st.image(faces[best[one]], width=_FACE_WIDTH, alt=f"Face of {name}")
        st.markdown(
            f"Are **{plain(title_of(person, names))}** and **{plain(title_of(into, names))}** the "
            "same? They look alike and are never seen at the same time. As one they have "
            f"{len(time_s):,} readings from {clock(float(time_s.min()))} to "
            f"{clock(float(time_s.max()))}, and none is lost.",
            width="stretch",
        )
        st.button("Merge them", key="same-yes", on_click=merge_person, args=(run, person, into))
        st.button("They are two", key="same-no", on_click=refused.add, args=(found,))


def alike(video: Video, view: View, refused: set[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the two persons who look most alike and are never seen at once, or None.

    Args:
        video: The video.
        view: The readings.
        refused: Pairs that were said to be two persons.
    """
    timeline = view.timeline
    persons, counts = np.unique(timeline.person, return_counts=True)
    often = persons[np.argsort(-counts, kind="stable")][: min(_MOST_PERSONS, len(persons))]
    several = [int(one) for one in often if (timeline.person == one).sum() >= _LEAST_READINGS]
    if len(several) < 2 or not timeline.cut.any():
        return None
    rows = {one: _rows(view, one) for one in sorted(several)}
    faces = faces_of(video, view, [row for own in rows.values() for row in own])
    looks = {one: [_look(faces[row]) for row in own if row in faces] for one, own in rows.items()}
    frames = {one: set(timeline.row[timeline.person == one].tolist()) for one in rows}
    pairs = {
        (one, other): likeness(looks[one], looks[other])
        for one in rows
        for other in rows
        if one < other and not frames[one] & frames[other] and (one, other) not in refused
    }
    best = max(pairs, key=pairs.__getitem__, default=None)
    return best if best is not None and pairs[best] > 0 else None


def likeness(
    some: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    others: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> float:
    """Return how alike the most alike of some pictures and others are; 0 unless they are."""
    found = 0.0
    for shapes, colors in some:
        for other_shapes, other_colors in others:
            shape, color = float(shapes @ other_shapes), float(colors @ other_colors)
            if shape >= _SHAPES and color >= _COLORS:
                found = max(found, shape + color)
    return found


def _rows(view: View, person: int) -> tuple[int, int, int]:
    """Return a person's surest reading, the first and the last: a cut is near one of them."""
    own = np.flatnonzero(view.timeline.person == person)
    return surest_row(view, person), int(own[0]), int(own[-1])


def _look(jpeg: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a picture's light and shade, and its colours, as vectors of length 1."""
    lab = cv2.cvtColor(decoded_jpeg(jpeg), cv2.COLOR_BGR2LAB)
    gray = cv2.resize(lab, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)[..., 0].astype(np.float32)
    shades = gray.ravel() - gray.mean()
    colors = cv2.calcHist([lab], [0, 1, 2], None, [6, 8, 8], [0, 256, 96, 176, 96, 176]).ravel()
    return shades / (np.linalg.norm(shades) + 1e-6), np.sqrt(colors / (colors.sum() + 1e-6))
