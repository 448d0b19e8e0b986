"""What is known of the data set without its pictures, and then the question where these are."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.labels import FER7
from train.data.fer2013 import EXPECTED_COUNTS
from train.evaluation.records import AuditSummary
from ui.common.charts import CHART_CONFIG
from ui.dataset.audit import summary_tiles
from ui.dataset.rows import class_counts
from ui.dataset.source import show_source
from ui.dataset.state import Collection
from ui.dataset.tiles import SPLIT_NAMES

_SPLIT_COLORS = {"Training": "#0072B2", "PublicTest": "#E69F00", "PrivateTest": "#A0A9B5"}


def show_overview(found: Collection) -> None:
    """Draw the figures of the audit and the balance of the classes, and ask for the pictures."""
    if found.audit is not None:
        st.markdown(audit_said(found.audit.summary))
        summary_tiles(found.audit.summary)
    _balance(found)
    show_source(found)


def audit_said(summary: AuditSummary) -> str:
    """Return what the audit comes to in a sentence, as Markdown."""
    leaked = (
        f"{summary.leaked:,} test pictures are in Training too, so that a network knows them "
        f"already, and {summary.no_face:,} pictures show no face, or hardly."
    )
    if not summary.voted:
        return f"**FER-2013 is not clean**: {leaked}"
    return (
        f"**{100 * summary.crowd_doubts / summary.voted:.0f} of a hundred labels are disputed**: "
        f"for {summary.crowd_doubts:,} of the {summary.voted:,} pictures that ten people labelled "
        f"again, most of them chose another emotion. {leaked}"
    )


def _balance(found: Collection) -> None:
    st.header("How many there are of each emotion", anchor=False)
    rows, counts = found.rows, {split: np.array(n) for split, n in EXPECTED_COUNTS.items()}
    if len(rows):
        counts = {
            split: class_counts(rows.splits, rows.emotions, FER7.labels, split) for split in counts
        }
    shares = st.toggle(
        "As shares of each split", value=True, key="balance-shares", persist_state="session"
    )
    st.plotly_chart(
        balance_chart(counts, shares=shares),
        key="balance",
        config=CHART_CONFIG,
        alt="Pictures of each emotion in each split; the table below has the same figures",
    )
    training = counts["Training"]
    if training.all():
        most, least = int(training.argmax()), int(training.argmin())
        st.caption(
            f"Training has {training[most] / training[least]:.0f} times as many "
            f"{FER7.labels[most]} as {FER7.labels[least]} pictures."
        )
    st.dataframe(
        {
            "Emotion": [*(label.capitalize() for label in FER7.labels), "All"],
            **{SPLIT_NAMES[split]: [*n.tolist(), int(n.sum())] for split, n in counts.items()},
        },
        hide_index=True,
        width="content",
        column_config={
            SPLIT_NAMES[split]: st.column_config.NumberColumn(format="localized")
            for split in counts
        },
    )


def balance_chart(counts: dict[str, np.ndarray], *, shares: bool) -> go.Figure:
    """Draw the number of pictures of each emotion, split by split.

    Args:
        counts: int64 ``(7,)`` of each split.
        shares: Whether each split is taken for 100 %.
    """
    figure = go.Figure()
    for split, own in counts.items():
        values = own / max(1, own.sum()) if shares else own
        figure.add_bar(
            x=[label.capitalize() for label in FER7.labels],
            y=values,
            name=SPLIT_NAMES[split],
            marker_color=_SPLIT_COLORS[split],
            customdata=own,
            hovertemplate="%{x}: %{customdata:,} pictures<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        barmode="group",
        bargap=0.25,
        legend={"orientation": "h", "y": -0.15, "yanchor": "top"},
        xaxis={"fixedrange": True},
        yaxis={"fixedrange": True, "tickformat": ".0%" if shares else ",d"},
    )
    return figure
