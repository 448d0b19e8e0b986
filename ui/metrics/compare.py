"""Two models side by side on the same pictures; and what leaving disgust out gains and costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.readings import LABELS, PEOPLE
from train.data.picture_ids import PictureIndex
from train.evaluation.metrics import McNemar, confusion_matrix, mcnemar
from train.evaluation.records import Verdicts
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import model_names
from ui.common.layout import is_dark
from ui.metrics.charts import BY_ROW, difference_chart, normalized
from ui.metrics.choice import VIEW_NAMES, Choice, titled, verdicts_of
from ui.metrics.pictures import show_pictures
from ui.metrics.tradeoff import tradeoff


@st.fragment
def compare_section(choice: Choice) -> None:
    """Draw the chosen model against another one, or against itself with other views.

    Both are held against the same: the labels, or the crowd.
    """
    others = [
        (model, views)
        for model in model_names()
        for views in ((choice.views,) if choice.reading == PEOPLE else VIEW_NAMES)
        if (model, views) != (choice.model, choice.views)
    ]
    others.sort(key=lambda other: (other[0] == choice.model, other[1] != choice.views))
    st.header(f"{choice.title}, against another")
    model, views = st.selectbox(
        "Against",
        others,
        format_func=lambda other: titled(Choice(other[0], views=other[1])),
        key=f"compare-{choice.model}-{choice.reading}-{choice.views}",
        width=320,
    )
    first = verdicts_of(choice)
    other = replace(choice, model=model, views=views)
    second = verdicts_of(other)
    if first is None or second is None:
        return
    names = (titled(choice), titled(other))
    common = on_common(first, second)
    _duel(*common, names)
    by_size = sorted(
        [(choice.model, first), (model, second)], key=lambda pair: -len(pair[1].emotions)
    )
    # The crowd decides for disgust so rarely that leaving it out neither gains nor costs.
    if choice.reading == LABELS and set(by_size[0][1].emotions) > set(by_size[1][1].emotions):
        tradeoff(*by_size)
    _only_one_right(*common, names)


def on_common(first: Verdicts, second: Verdicts) -> tuple[Verdicts, Verdicts]:
    """Return what two models say of the pictures that both know, in the same order."""
    positions = PictureIndex(second.ids).positions_of(first.ids)
    return first.where(positions >= 0), second.where(positions[positions >= 0])


def _duel(first: Verdicts, second: Verdicts, names: tuple[str, str]) -> None:
    """Draw the test, and the difference of the matrices."""
    result = mcnemar(first.correct, second.correct)
    left, right = names
    st.markdown(verdict_of(result, names))
    table, matrix = st.columns([2, 3], gap="large")
    with table:
        st.markdown(
            f"| Right | pictures |\n|---|---:|\n| both | {result.both_right:,} |\n"
            f"| {left} alone | {result.only_first:,} |\n"
            f"| {right} alone | {result.only_second:,} |\n| neither | {result.both_wrong:,} |"
        )
        st.caption(
            "McNemar's exact test (1947) looks at the pictures that only one of the two has right: "
            "were both equally good, each would win half of them."
        )
    with matrix:
        difference, columns = confusion_difference(first, second)
        st.markdown(f"**Confusion by row: {left} less {right}**, in percentage points")
        st.plotly_chart(
            difference_chart(difference, common_emotions(first, second), columns, dark=is_dark()),
            key="compare-difference",
            config=CHART_CONFIG,
            alt=_difference_in_words(difference, common_emotions(first, second), columns),
        )


def _difference_in_words(
    difference: NDArray[np.float64], rows: list[str], columns: list[str]
) -> str:
    if not difference.size:
        return "Difference of the confusion matrices: there is nothing that both know."
    row, column = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    return (
        f"Difference of the confusion matrices; the largest is that of {rows[row]} taken for "
        f"{columns[column]}, {100 * difference[row, column]:+.1f} percentage points"
    )


def _only_one_right(first: Verdicts, second: Verdicts, names: tuple[str, str]) -> None:
    """Draw the pictures that one of two models gets right and the other one wrong."""
    left, right = names
    st.header("What only one of them gets right")
    who = st.segmented_control(
        "Right by",
        [f"{left} alone", f"{right} alone"],
        default=f"{left} alone",
        required=True,
        key=f"compare-who-{left}-{right}",
    )
    winner, loser = (first, second) if who == f"{left} alone" else (second, first)
    rows = winner.correct & ~loser.correct
    st.markdown(
        f"**{int(rows.sum()):,}** pictures, with what the *other* one takes them for, and under it "
        "what it gives the true emotion"
    )
    show_pictures(loser.where(rows), "compare-pictures")


def verdict_of(result: McNemar, names: tuple[str, str]) -> str:
    """Return the outcome of the test in words."""
    first, second = names
    total = result.both_right + result.only_first + result.only_second + result.both_wrong
    shares = [
        (result.both_right + only) / total for only in (result.only_first, result.only_second)
    ]
    sentence = (
        f"On the {total:,} pictures that both know, **{first}** gets {shares[0]:.1%} right and "
        f"**{second}** {shares[1]:.1%}. "
    )
    chance = f"{result.p_value:.3f}" if result.p_value >= 0.001 else "less than 0.001"
    if result.p_value < 0.05:
        better = first if result.only_first > result.only_second else second
        return sentence + f"**{better}** is better, beyond chance (McNemar, p = {chance})."
    return sentence + f"The difference may well be chance (McNemar, p = {chance})."


def common_emotions(first: Verdicts, second: Verdicts) -> list[str]:
    """Return the emotions that both models know, in the first one's order."""
    return [label for label in first.emotions if label in second.emotions]


def confusion_difference(
    first: Verdicts, second: Verdicts
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the difference of two models' confusion by row, and the columns' emotions.

    An emotion that only one of them knows has a column, without which rows would not add up.

    Args:
        first: What a model says of N pictures.
        second: What another one says of the same.
    """
    columns = list(first.emotions)
    columns += [label for label in second.emotions if label not in columns]
    matrices = []
    for verdicts in (first, second):
        known = {label: index for index, label in enumerate(columns)}
        places = np.array([known[label] for label in verdicts.emotions])
        confusion = confusion_matrix(
            places[verdicts.labels], places[verdicts.predicted], len(columns)
        )
        matrices.append(normalized(confusion, BY_ROW))
    rows = [columns.index(label) for label in common_emotions(first, second)]
    return (matrices[0] - matrices[1])[rows], columns
