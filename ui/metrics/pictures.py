"""The pictures behind a figure, with what the model says of each."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.labels import color_of
from fer_core.records import csv_cell
from train.evaluation.records import Verdicts
from ui.common.charts import CHART_CONFIG, bars_in_words, probability_bars
from ui.common.explorer_data import pictures_note, pictures_of
from ui.common.grid import Tile, TileGroup, picture_grid
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.opened_picture import open_picture

DATA_PAGE = "pages/5_Data_set.py"
# The id of FER-2013's picture that was clicked last.
PICKED_KEY = "metrics-picked"
_PAGE = 60
_SHOWN_SIDE = 192


def show_pictures(
    verdicts: Verdicts, key: str, faces_gray: NDArray[np.uint8] | None = None
) -> None:
    """Draw pictures with their probabilities, the most confident first, page by page.

    Without the data set, names and probabilities as a table, and what is needed for more.

    Args:
        verdicts: What a model says of N pictures.
        key: Unique on the page.
        faces_gray: uint8 ``(N, 48, 48)``; None for those of FER-2013.
    """
    if not len(verdicts):
        st.caption("There are no such pictures.")
        return
    order = np.argsort(-verdicts.probabilities.max(axis=1), kind="stable")
    verdicts = verdicts.where(order)
    note = pictures_note() if faces_gray is None else ""
    if note:
        st.info(note, icon=":material/image_not_supported:")
        probability_table(verdicts, key)
        return
    page = _choose_page(len(verdicts), key)
    shown = verdicts.where(np.arange(len(verdicts))[page])
    faces, missing = _faces_of(shown) if faces_gray is None else (faces_gray[order][page], 0)
    if missing:
        st.caption(f"{missing} of these pictures are not in the data set that is given.")
    place = st.container()
    tiles = [_tile(shown, index) for index in range(len(shown))]
    picked = picture_grid(f"{key}-grid", [TileGroup("", tiles)], faces)
    ids = shown.ids.tolist()
    if picked is not None and picked < len(shown):
        st.session_state[f"{key}-picked"] = ids[picked]
        if faces_gray is None:
            st.session_state[PICKED_KEY] = ids[picked]
    if st.session_state.get(f"{key}-picked") in ids:
        index = ids.index(st.session_state[f"{key}-picked"])
        with place:
            _show_one(shown, index, faces[index], key)
            if faces_gray is None:
                _go_on(ids, index, key)
    with st.expander("As a table"):
        probability_table(verdicts, key)


def probability_table(verdicts: Verdicts, key: str) -> None:
    """Draw names, labels and probabilities as a table."""
    columns = {
        "picture": [csv_cell(name) for name in verdicts.names.tolist()],
        "label": verdicts.words,
        "predicted": verdicts.said,
        "confidence": verdicts.probabilities.max(axis=1),
        **{label: verdicts.probabilities[:, k] for k, label in enumerate(verdicts.emotions)},
    }
    st.dataframe(
        columns,
        key=f"{key}-table",
        hide_index=True,
        height=min(38 + 35 * len(verdicts), 420),
        column_config={
            name: st.column_config.NumberColumn(format="percent")
            for name in ("confidence", *verdicts.emotions)
        },
    )


def _faces_of(verdicts: Verdicts) -> tuple[NDArray[np.uint8], int]:
    """Return FER-2013's pictures, and how many of them are missing."""
    found = pictures_of(verdicts.ids)
    if found is None:
        raise ValueError("There is no data set.")
    return found[0], int((~found[1]).sum())


def _show_one(verdicts: Verdicts, index: int, face_gray: NDArray[np.uint8], key: str) -> None:
    """Draw one picture large, with its probabilities."""
    picture, bars = st.columns([2, 3], vertical_alignment="center")
    label = verdicts.words[index]
    picture.image(
        enlarged(face_gray, _SHOWN_SIDE),
        plain(f"{verdicts.names[index]}, labelled {label}"),
        width="stretch",
        alt=f"The face, labelled {label}",
    )
    bars.plotly_chart(
        probability_bars(verdicts.emotions, verdicts.probabilities[index]),
        key=f"{key}-one",
        config=CHART_CONFIG,
        alt=f"Probabilities: {bars_in_words(verdicts.emotions, verdicts.probabilities[index])}",
    )


def _go_on(ids: list[str], index: int, key: str) -> None:
    """Draw the way to the picture's own page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        opened = st.button(
            "All about this picture", key=f"{key}-open", icon=":material/open_in_new:"
        )
        st.caption("*Spoilt pictures* and *Why it says so* begin with it, too.")
    if opened:
        open_picture(ids[index], ids)
        st.switch_page(DATA_PAGE)


def _choose_page(count: int, key: str) -> slice:
    """Draw the choice of a page where there is more than one."""
    pages = -(-count // _PAGE)
    if pages == 1:
        return slice(0, count)
    number = st.number_input(f"Page of {pages}", 1, pages, key=f"{key}-page-{count}", width=160)
    return slice((number - 1) * _PAGE, number * _PAGE)


def _tile(verdicts: Verdicts, index: int) -> Tile:
    row = verdicts.probabilities[index]
    label, predicted = int(verdicts.labels[index]), int(row.argmax())
    said = verdicts.emotions[predicted]
    lines = [f"{said} {row[predicted]:.0%}"]
    if predicted != label:
        lines.append(f"{verdicts.emotions[label]} {row[label]:.0%}")
    pairs = zip(verdicts.emotions, row, strict=True)
    everything = ", ".join(f"{emotion} {value:.1%}" for emotion, value in pairs)
    name = str(verdicts.names[index])
    title = f"{name}, labelled {verdicts.emotions[label]}: {everything}"
    return Tile(title, tuple(lines), color_of(said))
