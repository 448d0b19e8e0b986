"""The faces of a selection as pictures, and one face's own page."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from fer_core.batch.schema import VIDEO
from fer_core.drawing import draw_frame
from fer_core.reporting.words import clock, count_of, listed
from fer_core.types import DetectedFace, FaceReading, Frame, Probabilities
from ui.archive.index import ArchiveFault, Index
from ui.archive.pictures import (
    OF_MANY,
    Thumbnail,
    Unshown,
    box_in,
    cut_out,
    kept_thumbnails,
    picture_of,
    shown_bgr,
)
from ui.archive.places import shown_place
from ui.archive.queries import ORDERS, Selection, numbers_of, remembered, shown_of
from ui.archive.rows import FaceRow, face_rows
from ui.common.bars import emotion_bars, swatch
from ui.common.images import as_image, as_jpeg
from ui.common.layout import plain
from ui.common.pager import pager
from ui.common.picture_buttons import PictureButton, picture_buttons

PER_PAGE = 24
# So far an order is looked through; filters lead further.
MOST_PAGES = 400
_PAGE_KEY, _ORDER_KEY, _OPEN_KEY = "archive-page", "archive-order", "archive-open"
# For so long a page waits for pictures before it shows what there is.
_MOST_S, _EVERY_S = 0.25, 0.3


def first_page() -> None:
    """Turn back to the first pictures, as when the selection changes."""
    st.session_state[_PAGE_KEY] = 1


def opened_face(index: Index) -> int | None:
    """Return the number of the face whose own page is shown, or None."""
    token, number = st.session_state.get(_OPEN_KEY, (None, None))
    # Another data set, or the same opened anew, has other numbers.
    return number if token == index.token else None


def open_face(index: Index, number: int) -> None:
    """Show a face's own page from the next run on."""
    # Not the index itself, whose database would stay for as long as the visitor's page is open.
    st.session_state[_OPEN_KEY] = index.token, number


def show_faces(index: Index, selection: Selection) -> None:
    """Draw the selected faces page by page; a click opens one."""
    total = shown_of(index, selection)
    if not total:
        return
    within = min(total, MOST_PAGES * PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=lambda key: ORDERS[key][0],
            key=_ORDER_KEY,
            persist_state="session",
            on_change=first_page,
            width=240,
        )
        with st.container(width="content"):
            start, end = pager(within, PER_PAGE, key=_PAGE_KEY)
    if selection.kind == VIDEO:
        st.caption("Of each person in a video, the moment that was read most surely.")
    numbers = numbers_of(index, selection, order, start, end - start)
    try:
        rows = remembered(index, ("rows", *numbers), lambda: face_rows(index, numbers))
    except ArchiveFault as error:
        st.warning(plain(str(error)), icon=":material/refresh:")
        return
    _cut_some(index, rows)
    left = len(numbers) > len(kept_thumbnails(index, numbers))
    st.fragment(_grid, run_every=_EVERY_S if left else None)(index, rows, left)
    if total > within:
        st.caption(
            f"{within:,} of {total:,} can be leafed through in this order; the filters lead to the "
            "others."
        )


def _grid(index: Index, rows: Sequence[FaceRow], left: bool) -> None:
    """Draw pictures, as far as they are there, and go on with the others."""
    numbers = [row.number for row in rows]
    if left:
        _cut_some(index, rows)
    made = kept_thumbnails(index, numbers)
    if left and len(made) == len(rows):
        st.rerun()
    buttons = [_button(row, made.get(row.number)) for row in rows]
    with st.container(key="pictures-room" if len(rows) == PER_PAGE else None):
        picked = picture_buttons("archive-faces", buttons)
    faults = Counter(
        (made[row.number].fault, row.path)
        for row in rows
        if row.number in made and made[row.number].fault
    )
    if len(made) < len(rows):
        st.caption(f"Reading pictures: {len(made)} of {len(rows)} …")
    elif faults:
        st.caption(plain(faults_said([fault for fault, _ in faults])))
    if picked is not None and picked < len(rows):
        open_face(index, rows[picked].number)
        st.rerun()


def faults_said(faults: Sequence[str]) -> str:
    """Return in a sentence why files are not shown.

    Args:
        faults: Of each such file one of ``OF_MANY``.
    """
    parts = [
        f"{count_of(count, 'file')} {fault if count == 1 else OF_MANY[fault]}"
        for fault, count in Counter(faults).items()
    ]
    return f"Without a picture: {listed(parts)}."


def _cut_some(index: Index, rows: Sequence[FaceRow]) -> None:
    """Cut out what is missing, for a moment."""
    until_s = time.monotonic() + _MOST_S
    there = kept_thumbnails(index, [row.number for row in rows])
    missing = [row for row in rows if row.number not in there]
    for _ in cut_out(index, missing) if missing else ():
        if time.monotonic() > until_s:
            return


def _button(row: FaceRow, thumbnail: Thumbnail | None) -> PictureButton:
    name = row.path.rstrip("/").rpartition("/")[2]
    return PictureButton(
        thumbnail.jpeg if thumbnail else b"",
        name,
        ((row.verdict, 1),),
        f"{row.confidence:.0%} · {_moment(row)}",
    )


def _moment(row: FaceRow) -> str:
    if row.kind == VIDEO and row.seconds is not None:
        return f"person {row.person}, {clock(row.seconds)}"
    return "no date" if row.moment is None else f"{row.moment:%Y-%m-%d}"


def show_face(index: Index, number: int) -> None:
    """Draw a face's own page: the picture that it is in, and all that was read."""
    st.button(
        "Back to all faces",
        icon=":material/arrow_back:",
        type="primary",
        on_click=st.session_state.pop,
        args=(_OPEN_KEY, None),
    )
    try:
        row = face_rows(index, [number], in_full=True)[0]
    except ArchiveFault as error:
        st.warning(plain(str(error)), icon=":material/refresh:")
        return
    st.header(plain(shown_place(row.path)), anchor=False)
    picture, facts = st.columns([3, 2], gap="large")
    with picture:
        _show_picture(index, row)
    with facts:
        verdict = f"{swatch(row.verdict)} **{row.verdict.capitalize()}** · {row.confidence:.0%}"
        st.markdown(verdict, unsafe_allow_html=True)
        probabilities = dict(zip(index.labels, row.probabilities.tolist(), strict=True))
        emotion_bars(probabilities, index.threshold, "Every emotion")
        st.caption(" · ".join(_facts(row)))


def _facts(row: FaceRow) -> list[str]:
    facts = [f"Face {row.face}"]
    if row.person is not None:
        facts.append(f"person {row.person}")
    if row.seconds is not None:
        facts.append(f"at {clock(row.seconds)}")
    if row.moment is not None:
        facts.append(f"{row.moment:%Y-%m-%d %H:%M}")
    facts.append(f"the detector is {row.score:.0%} sure of it")
    if row.kind == VIDEO:
        facts.append("smoothed over time")
    return facts


def _show_picture(index: Index, row: FaceRow) -> None:
    try:
        with st.spinner("Reading the picture …"), picture_of(row) as whole_bgr:
            image_bgr = shown_bgr(whole_bgr)
    except Unshown as error:
        said = plain(f"There is no picture: the file {error}.")
        st.info(said, icon=":material/image_not_supported:")
        return
    face = FaceReading(
        DetectedFace(box_in(row, image_bgr), row.score),
        Probabilities(index.labels, row.probabilities),
        np.zeros((0, 0), np.uint8),
    )
    frame = Frame(0, row.seconds or 0.0, (image_bgr.shape[1], image_bgr.shape[0]), (face,))
    drawn = draw_frame(image_bgr, frame, threshold=index.threshold)
    st.image(as_jpeg(as_image(drawn)), alt=f"The face, {row.verdict}")
