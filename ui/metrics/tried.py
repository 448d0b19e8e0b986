"""What was tried: what each change gives, and accuracy against multiply-adds of all networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.errors import ModelError
from fer_core.tta import ONE_VIEW
from train.data.fer2013 import PUBLIC_TEST
from train.errors import CardError
from train.evaluation.records import Architecture
from train.evaluation.trials import (
    BASELINE,
    TRIALS_DIR,
    Trial,
    as_table,
    by_change,
    gains_of,
    read_trials,
)
from ui.common.charts import CHART_CONFIG
from ui.common.explorer_data import metrics_of, model_names, model_title, stored
from ui.common.public import without_paths
from ui.metrics.charts import BLUE, GRAY, ORANGE


@dataclass(frozen=True, slots=True)
class Network:
    """A network that was trained and measured on PublicTest, one view.

    Attributes:
        name: What is said of it.
        multiply_adds: For one picture.
        accuracy: Mean over its seeds, 0 to 1.
        spread: Standard deviation over them; 0 for one.
        note: What else is to be said of it.
    """

    name: str
    multiply_adds: int
    accuracy: float
    spread: float
    note: str


def tried_section() -> None:
    """Draw the trials of all plans beside the shipped networks; nothing where there are none."""
    try:
        plans = {file.stem: read_trials(file) for file in sorted(TRIALS_DIR.glob("*.json"))}
    except CardError as error:
        st.warning(without_paths(str(error)), icon=":material/warning:")
        return
    if plans:
        st.header("What was tried")
    for plan, trials in plans.items():
        st.caption(
            f"Plan “{plan}”: short runs, one change at a time. Every point is a network on "
            "PublicTest, one view; bars are the spread over the seeds. Points are gained, or lost, "
            "against the baseline."
        )
        st.plotly_chart(
            gains_chart(trials),
            key=f"gains-{plan}",
            config=CHART_CONFIG,
            alt=f"What each change of plan “{plan}” gives; “The figures” below has them all",
        )
        st.plotly_chart(
            tried_chart(networks_of(trials), shipped_networks()),
            key=f"tried-{plan}",
            config=CHART_CONFIG,
            alt="Accuracy against multiply-adds, of these short runs and of the shipped networks",
        )
        with st.expander("The figures"):
            st.markdown(as_table(trials))


def networks_of(trials: list[Trial]) -> list[Network]:
    """Return the networks of a plan, its seeds together."""
    networks = []
    for change, runs in by_change(trials).items():
        first, *_ = runs.values()
        accuracies = [run.accuracy for run in runs.values()]
        networks.append(
            Network(
                change,
                first.multiply_adds,
                float(np.mean(accuracies)),
                _deviation(accuracies),
                f"mean of {len(runs)} runs of {first.pictures_seen:,} pictures",
            )
        )
    return networks


def shipped_networks() -> list[Network]:
    """Return the app's networks; what is not measured is left out."""
    networks = []
    for name in model_names():
        try:
            figures = metrics_of(name)[PUBLIC_TEST][ONE_VIEW]
            networks.append(
                Network(
                    model_title(name),
                    stored(Architecture, name).multiply_adds,
                    float(figures["accuracy"]),
                    0.0,
                    f"measured on {figures['pictures']:,} pictures",
                )
            )
        except (ModelError, KeyError, TypeError):
            # The section of the figures says what is wrong.
            continue
    return networks


def tried_chart(tried: list[Network], shipped: list[Network]) -> go.Figure:
    """Draw accuracy against multiply-adds, on a logarithmic scale."""
    figure = go.Figure()
    for networks, name, color, symbol in (
        (tried, "Short runs", BLUE, "circle"),
        (shipped, "Shipped", ORANGE, "star"),
    ):
        figure.add_scatter(
            x=[network.multiply_adds / 1e6 for network in networks],
            y=[network.accuracy for network in networks],
            error_y={"array": [network.spread for network in networks], "thickness": 1},
            text=[network.name for network in networks],
            customdata=[network.note for network in networks],
            mode="markers",
            name=name,
            marker={"color": color, "size": 11, "symbol": symbol},
            hovertemplate="<b>%{text}</b><br>%{y:.2%} with %{x:.1f} M multiply-adds"
            "<br>%{customdata}<extra></extra>",
        )
    return figure.update_layout(_LAYOUT)


def gains_chart(trials: list[Trial]) -> go.Figure:
    """Draw what each change gives against the baseline, the best at the top."""
    gains = {
        change: found for change, found in gains_of(trials).items() if change != BASELINE and found
    }
    ordered = sorted(gains, key=lambda change: float(np.mean(gains[change])))
    figure = go.Figure()
    figure.add_scatter(
        x=[float(np.mean(gains[change])) for change in ordered],
        y=ordered,
        error_x={"array": [_deviation(gains[change]) for change in ordered], "thickness": 1},
        mode="markers",
        marker={"color": BLUE, "size": 11},
        hovertemplate="<b>%{y}</b><br>%{x:+.2f} points<extra></extra>",
    )
    figure.add_vline(0, line_dash="dot", line_color=GRAY, line_width=1)
    return figure.update_layout(
        height=120 + 28 * len(ordered),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        # On a telephone there is room for no more beside the changes' names.
        xaxis={"title": "Points gained", "fixedrange": True},
        yaxis={"automargin": True, "fixedrange": True},
    )


def _deviation(values: list[float]) -> float:
    """Return the standard deviation over the seeds; 0 for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


_LAYOUT: dict[str, Any] = {
    "height": 420,
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    "xaxis": {
        "title": "Multiply-adds for one face, millions",
        "type": "log",
        "tickvals": [2, 5, 10, 20, 50, 100, 200, 500],
        "fixedrange": True,
    },
    "yaxis": {"title": "Accuracy", "tickformat": ".0%", "fixedrange": True},
}
