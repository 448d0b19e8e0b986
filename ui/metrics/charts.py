"""Plotly charts of a classifier's measures, for the stored pictures and for a visitor's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer_core.labels import color_of
from train.evaluation.curves import Coverage, Curve, Reliability
from train.evaluation.records import Verdicts

# Seen on both backgrounds.
GRAY, BLUE, ORANGE = "#888888", "#2779B5", "#E17101"
LINE_COLORS = ("#2779B5", "#E17101", "#21705B", "#914C88", "#B83814", "#149FCF")
_SHARES = {"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2, "fixedrange": True}
_MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}
# What is nothing has nearly the colour of the page. Half-transparent colours would do that in both
# themes, but Plotly would then choose dark or light text as if they were full.
_NOTHING = {False: "#F2F5F8", True: "#1D242D"}
COUNTS, BY_ROW, BY_COLUMN = "Counts", "By row", "By column"
NORMALISATIONS = {
    COUNTS: "Number of pictures.",
    BY_ROW: "Share of the true emotion's pictures: the diagonal is recall.",
    BY_COLUMN: "Share of the predictions: the diagonal is precision.",
}


def normalized(confusion: NDArray[np.int64], how: str) -> NDArray[np.float64]:
    """Return a confusion matrix as counts, or as shares of its rows or columns; 0 for 0 / 0."""
    if how == COUNTS:
        return confusion.astype(np.float64)
    totals = confusion.sum(axis=1 if how == BY_ROW else 0, keepdims=True)
    return confusion / np.maximum(totals, 1)


def confusion_chart(
    confusion: NDArray[np.int64],
    labels: Sequence[str],
    how: str = COUNTS,
    chosen: tuple[int, int] | None = None,
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw a confusion matrix whose cells can be clicked.

    A point's y is the position of the true emotion, its x that of the predicted one.

    Args:
        confusion: int64 ``(K, K)``; rows are true emotions.
        labels: K emotions.
        how: One of ``NORMALISATIONS``.
        chosen: Row and column of the cell to frame.
        dark: Whether the page is dark.
    """
    values = normalized(confusion, how)
    text = [[f"{v:,.0f}" if how == COUNTS else f"{v:.0%}" for v in row] for row in values]
    shades = np.sqrt(values / max(float(values.max()), 1e-9))
    by_row, by_column = normalized(confusion, BY_ROW), normalized(confusion, BY_COLUMN)
    hover = [
        f"<b>{true.capitalize()}</b> taken for <b>{predicted}</b><br>{confusion[i, j]:,} pictures"
        f"<br>{by_row[i, j]:.1%} of {true}, {by_column[i, j]:.1%} of what is called {predicted}"
        for i, true in enumerate(labels)
        for j, predicted in enumerate(labels)
    ]
    scale = ((0.0, _NOTHING[dark]), (1.0, BLUE))
    return _matrix(shades, text, labels, hover, scale, (0, 1), chosen)


def difference_chart(
    difference: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw the difference of two confusion matrices by row.

    Args:
        difference: float64 ``(K, L)``, the first less the second, -1 to 1.
        rows: K true emotions.
        columns: L predicted ones.
        dark: Whether the page is dark.
    """
    text = [[f"{100 * v:+.1f}" for v in row] for row in difference]
    hover = [
        f"<b>{true.capitalize()}</b> taken for <b>{predicted}</b><br>"
        f"{100 * difference[i, j]:+.1f} percentage points"
        for i, true in enumerate(rows)
        for j, predicted in enumerate(columns)
    ]
    scale = ((0.0, "#B83814"), (0.5, _NOTHING[dark]), (1.0, BLUE))
    bound = max(float(np.abs(difference).max()), 1e-9)
    return _matrix(difference, text, columns, hover, scale, (-bound, bound), None, rows=rows)


def _matrix(
    shades: NDArray[np.float64],
    text: list[list[str]],
    labels: Sequence[str],
    hover: list[str],
    scale: Sequence[tuple[float, str]],
    bounds: tuple[float, float],
    chosen: tuple[int, int] | None,
    rows: Sequence[str] | None = None,
) -> go.Figure:
    height, width = shades.shape
    across, down = (side.ravel() for side in np.meshgrid(range(width), range(height)))
    figure = go.Figure(
        go.Heatmap(
            z=shades,
            zmin=bounds[0],
            zmax=bounds[1],
            text=text,
            texttemplate="%{text}",
            colorscale=scale,
            showscale=False,
            hoverinfo="skip",
            xgap=2,
            ygap=2,
        )
    )
    # A heat map cannot be selected from: an invisible point in each cell takes hover and click.
    figure.add_scatter(
        x=across,
        y=down,
        mode="markers",
        marker={"opacity": 0, "size": 30, "symbol": "square"},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        text=hover,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    if chosen is not None:
        row, column = chosen
        figure.add_shape(
            type="rect",
            x0=column - 0.48,
            x1=column + 0.48,
            y0=row - 0.48,
            y1=row + 0.48,
            line={"color": ORANGE, "width": 3},
        )
    names = [label.capitalize() for label in labels]
    down_names = [label.capitalize() for label in rows or labels]
    figure.update_layout(
        height=46 * height + 90,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hoverdistance=-1,
        hovermode="closest",
        xaxis={
            "tickvals": list(range(width)),
            "ticktext": names,
            "side": "top",
            "autotickangles": [0, -90],
            "title": "Predicted",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "range": [-0.5, width - 0.5],
        },
        yaxis={
            "tickvals": list(range(height)),
            "ticktext": down_names,
            "title": "True",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "range": [height - 0.5, -0.5],
        },
    )
    return figure


def curves_chart(curves: dict[str, Curve], *, roc: bool) -> go.Figure:
    """Draw ROC or precision-recall curves, one an emotion, with their areas in the legend."""
    figure = go.Figure()
    across, up = ("False-positive rate", "True-positive rate") if roc else ("Recall", "Precision")
    for label, curve in curves.items():
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            name=f"{label.capitalize()} {curve.area:.3f}",
            mode="lines",
            line={"color": color_of(label), "width": 2, "shape": "linear" if roc else "hv"},
            customdata=curve.thresholds,
            hovertemplate=f"{label.capitalize()} from %{{customdata:.2f}}: {across.lower()} "
            f"%{{x:.1%}}, {up.lower()} %{{y:.1%}}<extra></extra>",
        )
    if roc:
        figure.add_shape(
            type="line", x0=0, y0=0, x1=1, y1=1, line={"color": GRAY, "dash": "dot", "width": 1}
        )
    return _squared(figure, across, up)


def shares_chart(bins: Sequence[Mapping[str, float]]) -> go.Figure:
    """Draw actual against forecast shares of votes, with the line of perfect calibration.

    Args:
        bins: By rising share, each with "forecast", "actual" and "bars", as ``metrics.json`` has
            them.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[row["forecast"] for row in bins],
        y=[row["actual"] for row in bins],
        customdata=[row["bars"] for row in bins],
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        hovertemplate="said %{x:.1%}, counted %{y:.1%}; %{customdata:,} bars<extra></extra>",
    )
    figure.add_shape(
        type="line", x0=0, y0=0, x1=1, y1=1, line={"color": GRAY, "dash": "dot", "width": 1}
    )
    return _squared(figure, "Share that the app says", "Share of the votes")


def reliability_chart(bins: Reliability) -> go.Figure:
    """Draw accuracy against confidence, as bars with the line of perfect calibration."""
    centres = (bins.edges[:-1] + bins.edges[1:]) / 2
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=bins.accuracy,
            width=np.diff(bins.edges) * 0.92,
            marker_color=BLUE,
            customdata=np.stack([bins.confidence, bins.counts], axis=1),
            hovertemplate="Confidence %{customdata[0]:.1%}, accuracy %{y:.1%}, "
            "%{customdata[1]:,} pictures<extra></extra>",
            name="Accuracy",
        )
    )
    figure.add_scatter(
        x=bins.confidence,
        y=bins.confidence,
        mode="lines+markers",
        line={"color": ORANGE, "width": 2},
        marker={"size": 5},
        name="Confidence",
        hoverinfo="skip",
    )
    return _squared(figure, "Confidence", "Accuracy")


def confidence_histogram(verdicts: Verdicts, threshold: float) -> go.Figure:
    """Draw how many pictures there are by confidence; what is "uncertain" is hatched.

    Args:
        verdicts: What a model says of N pictures.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    # As wide as a step of the threshold, so that no bar is half uncertain.
    edges = np.linspace(0, 1, 21)
    confidence = verdicts.probabilities.max(axis=1)
    uncertain = edges[1:] <= threshold + 1e-9
    figure = go.Figure()
    for name, correct, color in (("Right", True, BLUE), ("Wrong", False, ORANGE)):
        counts = np.histogram(confidence[verdicts.correct == correct], edges)[0]
        for said, rows, pattern in (("", ~uncertain, ""), (", but uncertain", uncertain, "/")):
            if not rows.any():
                continue
            figure.add_bar(
                x=((edges[:-1] + edges[1:]) / 2)[rows],
                y=counts[rows],
                width=0.045,
                marker={"color": color, "pattern": {"shape": pattern, "fillmode": "replace"}},
                name=name + said,
                hovertemplate=f"{name}{said}: %{{y:,}} pictures<extra></extra>",
            )
    figure.add_vline(threshold, line_dash="dot", line_color=GRAY)
    figure.update_layout(
        barmode="stack",
        height=300,
        margin=_MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={**_SHARES, "title": "Confidence"},
        yaxis={"title": "Pictures", "fixedrange": True},
    )
    return figure


def coverage_chart(coverage: Coverage, threshold: float) -> go.Figure:
    """Draw accuracy against the share of pictures that get a verdict, and mark a threshold."""
    figure = go.Figure(
        go.Scatter(
            x=coverage.coverage,
            y=coverage.accuracy,
            mode="lines",
            line={"color": BLUE, "width": 2},
            customdata=coverage.thresholds,
            hovertemplate="From %{customdata:.0%}: %{x:.1%} get a verdict, of which %{y:.1%} are "
            "right<extra></extra>",
        )
    )
    at = int(np.searchsorted(coverage.thresholds, threshold - 1e-9))
    figure.add_scatter(
        x=coverage.coverage[at : at + 1],
        y=coverage.accuracy[at : at + 1],
        mode="markers",
        marker={"size": 12, "color": ORANGE},
        hoverinfo="skip",
    )
    return _squared(figure, "Pictures that get a verdict", "Accuracy of these").update_layout(
        showlegend=False, yaxis={"range": [min(0.6, float(np.nanmin(coverage.accuracy))), 1.01]}
    )


def _squared(figure: go.Figure, across: str, up: str) -> go.Figure:
    return figure.update_layout(
        height=400,
        margin=_MARGIN,
        legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
        xaxis={**_SHARES, "title": across},
        yaxis={**_SHARES, "title": up},
    )
