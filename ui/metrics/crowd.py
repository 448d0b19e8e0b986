"""Agreement with FER+'s crowd: is the model wrong, or is the label?"""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from train.evaluation.records import Crowd
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import model_title
from ui.metrics.charts import LINE_COLORS
from ui.metrics.choice import Choice, stored_or_reason

_LINES = (
    ("model_label", "The reading of the labels and FER-2013's label"),
    ("model_crowd", "The reading of the labels and the crowd's majority"),
    ("crowd_label", "The crowd's majority and the label"),
    ("people_crowd", "The reading of the people and the crowd's majority"),
)


def crowd_section(choice: Choice) -> None:
    """Draw accuracy by how much the crowd agreed."""
    st.header(f"What ten people say: {model_title(choice.model)}")
    crowd = stored_or_reason(
        Crowd,
        choice.model,
        "FER+'s votes were not given when this model was measured; "
        f"`python -m train explore {choice.model} --data DATA --votes ferplus.csv --only "
        "crowd` adds them.",
    )
    if crowd is None:
        return
    st.markdown(
        "Ten people labelled each picture of FER-2013 again for FER+ (Barsoum et al., 2016). The "
        "more they agree, the more a picture has one expression to find; where they do not, even "
        "the label that the model is measured against is disputed."
    )
    st.plotly_chart(
        crowd_chart(crowd),
        key="crowd",
        config=CHART_CONFIG,
        alt="How often two agree, by how much the crowd does; the table below has the figures",
    )
    st.dataframe(
        {
            "the crowd agrees": [_range(row.low, row.high) for row in crowd.rows],
            "pictures": [row.pictures for row in crowd.rows],
            **{
                title: [100 * getattr(row, field) for row in crowd.rows]
                for field, title in lines_of(crowd)
            },
        },
        hide_index=True,
        column_config={
            title: st.column_config.NumberColumn(format="%.1f %%") for _, title in _LINES
        },
    )
    st.caption(
        f"{crowd.pictures:,} pictures of PublicTest and PrivateTest; the reading of the labels "
        "with one view, that of the people as in the app. "
        f"{crowd.without_votes:,} more have no votes in FER+, and of {crowd.undecided:,} no single "
        "emotion that the model knows has most votes."
    )


def lines_of(crowd: Crowd) -> list[tuple[str, str]]:
    """Return the pairs that were compared: the fields of ``CrowdRow``, with their titles."""
    return [
        (field, title)
        for field, title in _LINES
        if all(getattr(row, field) is not None for row in crowd.rows)
    ]


def crowd_chart(crowd: Crowd) -> go.Figure:
    """Draw one line per pair that may agree, by how much the crowd agrees."""
    figure = go.Figure()
    ranges = [_range(row.low, row.high) for row in crowd.rows]
    for (field, title), color in zip(lines_of(crowd), LINE_COLORS, strict=False):
        figure.add_scatter(
            x=ranges,
            y=[getattr(row, field) for row in crowd.rows],
            customdata=[row.pictures for row in crowd.rows],
            name=title,
            mode="lines+markers",
            line={"color": color, "width": 2},
            hovertemplate=f"{title}: %{{y:.1%}} of %{{customdata:,}}<extra></extra>",
        )
    return figure.update_layout(
        height=400,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": "Votes for the most chosen emotion", "fixedrange": True},
        yaxis={"tickformat": ".0%", "range": [0, 1], "fixedrange": True, "title": "They agree"},
    )


def _range(low: float, high: float) -> str:
    return f"{low:.0%} to {high:.0%}" if low else f"below {high:.0%}"
