"""The confusion matrix, whose cells open their pictures, and the pairs most confused."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from train.evaluation.metrics import confusion_matrix, most_confused
from train.evaluation.records import Verdicts
from ui.common.charts import CHART_CONFIG
from ui.common.layout import is_dark
from ui.metrics.charts import BY_ROW, NORMALISATIONS, confusion_chart
from ui.metrics.choice import Choice, verdicts_of
from ui.metrics.pictures import show_pictures

_PAIRS = 10
# Quick clicks on two cells are two clicks; Plotly would take them for a double one.
_CLICKS = {**CHART_CONFIG, "doubleClickDelay": 1}


@st.fragment
def confusion_section(choice: Choice) -> None:
    """Draw the confusion matrix of a model and the pictures of the chosen cell."""
    verdicts = verdicts_of(choice)
    if verdicts is not None:
        st.header(f"What is taken for what: {choice.title}")
        confusion_browser(verdicts, "confusion")


def confusion_browser(
    verdicts: Verdicts, key: str, faces_gray: NDArray[np.uint8] | None = None
) -> None:
    """Draw a confusion matrix, its worst pairs, and the pictures of a cell.

    Args:
        verdicts: What a model says of N pictures.
        key: Unique on the page.
        faces_gray: uint8 ``(N, 48, 48)``; None for those of FER-2013.
    """
    size = len(verdicts.emotions)
    confusion = confusion_matrix(verdicts.labels, verdicts.predicted, size)
    true_key, predicted_key = f"{key}-true", f"{key}-predicted"
    # So wide that the matrix has its names in full above it.
    left, right = st.columns([4, 3], gap="large")
    with right:
        true, predicted = _choose_cell(verdicts.emotions, true_key, predicted_key)
    chosen = None
    if true is not None and predicted is not None:
        chosen = verdicts.emotions.index(true), verdicts.emotions.index(predicted)
    with left:
        how = st.segmented_control(
            "Show", list(NORMALISATIONS), default=BY_ROW, required=True, key=f"{key}-how"
        )
        st.caption(f"{NORMALISATIONS[how or BY_ROW]} Click a cell to see its pictures.")
        st.plotly_chart(
            confusion_chart(confusion, verdicts.emotions, how or BY_ROW, chosen, dark=is_dark()),
            key=f"{key}-matrix",
            on_select=lambda: _take_click(
                f"{key}-matrix", verdicts.emotions, true_key, predicted_key
            ),
            selection_mode="points",
            config=_CLICKS,
            alt=_spoken(confusion, verdicts.emotions),
        )
    with right if chosen is None else left:
        _worst_pairs(confusion, verdicts.emotions)
    if chosen is None:
        return
    with right:
        rows = np.flatnonzero((verdicts.labels == chosen[0]) & (verdicts.predicted == chosen[1]))
        st.markdown(
            f"**{len(rows):,}** of *{true}* taken for *{predicted}*, the most confident first"
        )
        show_pictures(
            verdicts.where(rows), f"{key}-cell", None if faces_gray is None else faces_gray[rows]
        )


def _choose_cell(
    emotions: tuple[str, ...], true_key: str, predicted_key: str
) -> tuple[str | None, str | None]:
    """Draw the choice of a cell by its names; a click on the matrix sets it too."""
    names = []
    for column, title, widget in zip(
        st.columns(2), ("True", "Taken for"), (true_key, predicted_key), strict=True
    ):
        # Another model may not know the emotion that was chosen.
        if st.session_state.get(widget) not in emotions:
            st.session_state.pop(widget, None)
        names.append(
            column.selectbox(
                title,
                emotions,
                index=None,
                key=widget,
                format_func=str.capitalize,
                placeholder="click a cell",
            )
        )
    return names[0], names[1]


def _take_click(chart: str, emotions: tuple[str, ...], true_key: str, predicted_key: str) -> None:
    """Put the clicked cell into the two choices; a second click on it changes nothing."""
    points = st.session_state[chart].selection.points
    if points:
        st.session_state[true_key] = emotions[int(points[0]["y"])]
        st.session_state[predicted_key] = emotions[int(points[0]["x"])]


def _worst_pairs(confusion: NDArray[np.int64], emotions: tuple[str, ...]) -> None:
    pairs = most_confused(confusion, _PAIRS)
    st.markdown("**Most often confused**")
    if not pairs:
        st.caption("Nothing is confused.")
        return
    st.dataframe(
        {
            "true": [emotions[pair.true] for pair in pairs],
            "taken for": [emotions[pair.predicted] for pair in pairs],
            "pictures": [pair.count for pair in pairs],
            "of the true": [100 * pair.share for pair in pairs],
        },
        hide_index=True,
        column_config={
            "of the true": st.column_config.NumberColumn(
                format="%.1f %%", help="Share of the true emotion's pictures."
            )
        },
    )


def _spoken(confusion: NDArray[np.int64], emotions: tuple[str, ...]) -> str:
    """Return what the matrix shows as a sentence, for screen readers."""
    worst = [
        f"{emotions[pair.true]} for {emotions[pair.predicted]} {pair.count} times"
        for pair in most_confused(confusion, 3)
    ]
    return f"Confusion matrix; most often {', '.join(worst)}." if worst else "Confusion matrix."
