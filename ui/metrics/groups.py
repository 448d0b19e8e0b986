"""Groups of a visitor's own pictures: for whom, or in which light, a model is better or worse."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from fer_core.records import csv_cell
from train.evaluation.custom_dataset import Measurement
from train.evaluation.groups import GroupRecall, recall_by_group
from train.evaluation.records import Recall
from ui.common.charts import CHART_CONFIG
from ui.common.layout import plain
from ui.metrics.charts import LINE_COLORS

ALL = "all"
# Told apart by more than their colours.
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")
_ROW_PX, _GROUP_PX = 16, 15


def groups_of(measurement: Measurement) -> dict[str, list[GroupRecall]]:
    """Return the groups that each column of an archive's table makes; columns without two left out.

    Args:
        measurement: Of N pictures.
    """
    found = {
        column: recall_by_group(measurement.verdicts, values)
        for column, values in measurement.said.items()
    }
    return {column: groups for column, groups in found.items() if groups}


def group_browser(found: dict[str, list[GroupRecall]], key: str) -> None:
    """Draw the recall of the groups that a chosen column makes.

    Args:
        found: As ``groups_of`` returns it, with one column at least.
        key: Unique on the page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox(
            "By", list(found), format_func=str.capitalize, key=f"{key}-column", width=220
        )
        st.download_button(
            "All groups (CSV)",
            groups_csv(found),
            "by-group.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    groups = found[column]
    st.markdown(plain(compared(column, groups)))
    st.plotly_chart(
        groups_chart(groups),
        key=f"{key}-chart",
        config=CHART_CONFIG,
        alt=f"Recall by {column}, with intervals; the table below has the same figures.",
    )
    st.dataframe(group_rows(column, groups), hide_index=True)
    st.caption(
        "Each cell: the share that is read as labelled, its 95 % interval (Wilson, 1927), and of "
        f"how many pictures. “{ALL.capitalize()}” depends on which emotions a group has pictures "
        "of; compare emotion by emotion before you call it a difference between people."
    )


def compared(column: str, groups: Sequence[GroupRecall]) -> str:
    """Return which group is read best and worst, and whether that may be chance, in a sentence."""
    worst, best = (pick(groups, key=lambda group: group.everything.recall) for pick in (min, max))
    apart = worst.everything.interval[1] < best.everything.interval[0]
    chance = "their intervals do not meet" if apart else "their intervals meet, so it may be chance"
    return (
        f"By {column}, it is right most often for “{best.group}”, {_cell(best.everything)}, and "
        f"least often for “{worst.group}”, {_cell(worst.everything)}: {chance}."
    )


def group_rows(column: str, groups: Sequence[GroupRecall]) -> list[dict[str, str]]:
    """Return one row per group, with what ``compared`` compares and the recall of each emotion."""
    emotions = _emotions(groups)
    return [
        {
            column: csv_cell(group.group),
            ALL: _cell(group.everything),
            **{
                emotion: _cell(group.by_emotion[emotion]) if emotion in group.by_emotion else ""
                for emotion in emotions
            },
        }
        for group in groups
    ]


def groups_chart(groups: Sequence[GroupRecall]) -> go.Figure:
    """Draw recall as dots with intervals: one row per emotion, in it one dot per group."""
    rows = [ALL, *_emotions(groups)]
    figure = go.Figure()
    for number, group in enumerate(groups):
        values = {ALL: group.everything, **group.by_emotion}
        found = [(place, values[row]) for place, row in enumerate(rows) if row in values]
        shift = (number - (len(groups) - 1) / 2) * 0.7 / len(groups)
        figure.add_scatter(
            x=[value.recall for _, value in found],
            y=[place + shift for place, _ in found],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [value.interval[1] - value.recall for _, value in found],
                "arrayminus": [value.recall - value.interval[0] for _, value in found],
                "thickness": 1.5,
                "width": 3,
            },
            mode="markers",
            name=escape(group.group),
            marker={
                "size": 9,
                "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                "color": LINE_COLORS[number % len(LINE_COLORS)],
            },
            text=[f"{rows[place]}: {_cell(value)}" for place, value in found],
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
    return figure.update_layout(
        height=len(rows) * (_ROW_PX + _GROUP_PX * len(groups)) + 110,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={
            "range": [-0.02, 1.02],
            "tickformat": ".0%",
            "dtick": 0.2,
            "fixedrange": True,
            "title": "Read as labelled",
        },
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [row.capitalize() for row in rows],
            "range": [len(rows) - 0.4, -0.6],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )


def groups_csv(found: dict[str, list[GroupRecall]]) -> str:
    """Return one row per group and emotion of all columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["column", "group", "emotion", "pictures", "recall", "low", "high"])
    for column, groups in found.items():
        for group in groups:
            for emotion, row in {ALL: group.everything, **group.by_emotion}.items():
                shares = (f"{share:.6f}" for share in (row.recall, *row.interval))
                names = csv_cell(column), csv_cell(group.group)
                writer.writerow([*names, emotion, row.pictures, *shares])
    return text.getvalue()


def _emotions(groups: Sequence[GroupRecall]) -> list[str]:
    """Return the emotions of which any group has pictures, in the first one's order."""
    return list(dict.fromkeys(emotion for group in groups for emotion in group.by_emotion))


def _cell(row: Recall) -> str:
    low, high = row.interval
    return f"{row.recall:.0%} ({low:.0%} to {high:.0%}) of {row.pictures:,}"
