"""Plotly charts in the emotions' colours, readable in both themes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer_core.labels import color_of

CHART_CONFIG = {"displayModeBar": False}
_FEW = 3


def bars_in_words(labels: Sequence[str], probabilities: NDArray[np.float32]) -> str:
    """Return the highest bars in words, such as "happy 83%, sad 10%, fear 4%".

    Args:
        labels: K emotions.
        probabilities: ``(K,)``, 0 to 1.
    """
    highest = np.argsort(-probabilities, kind="stable")[:_FEW]
    return ", ".join(f"{labels[k]} {probabilities[k]:.0%}" for k in highest)


def probability_bars(
    labels: Sequence[str], probabilities: NDArray[np.float32], threshold: float | None = None
) -> go.Figure:
    """Draw one bar per emotion.

    Args:
        labels: K emotions.
        probabilities: ``(K,)``, 0 to 1.
        threshold: Where to mark the end of "uncertain", 0 to 1; None for no mark.
    """
    figure = go.Figure(
        go.Bar(
            x=probabilities,
            y=[label.capitalize() for label in labels],
            orientation="h",
            marker_color=[color_of(label) for label in labels],
            text=[f"{value:.0%}" for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    if threshold is not None:
        figure.add_vline(threshold, line_dash="dot", line_color="#888888", line_width=1)
    figure.update_layout(
        height=34 * len(labels) + 40,
        margin={"l": 0, "r": 34, "t": 4, "b": 24},
        xaxis={"range": [0, 1], "tickformat": ".0%", "dtick": 0.25, "fixedrange": True},
        yaxis={"autorange": "reversed", "fixedrange": True, "ticksuffix": "  "},
        bargap=0.3,
        showlegend=False,
    )
    return figure
