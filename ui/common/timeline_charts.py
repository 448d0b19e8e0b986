"""Plotly charts of emotions over time, for videos and for the camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from streamlit.elements.plotly_chart import PlotlyState

from fer_core.labels import UNCERTAIN, color_of
from ui.common.bars import dot

TIMELINE_CONFIG = {"displayModeBar": False, "doubleClick": "reset", "showTips": False}
# A chart is rarely wider than 1,000 pixels; twice as many points leave some to zoom into.
MOST_POINTS = 2000
_HEIGHT = 230
# The strip of verdicts lies below the probabilities.
_STRIP_Y = -0.075
_LOWEST_Y = -0.15
# Plotly would take a number from 1,000 to 9,999 on a date axis for a year: times begin on day two.
_FIRST_MS = 86_400_000.0
# Grey on white is seen on every emotion's colour, and grey alone, in the legend, in both themes.
_CUT_LINES = ((4, "#FFFFFF"), (1.5, "#6F7680"))
_TICK_FORMATS = (
    {"dtickrange": [None, 999], "value": "%-M:%S.%1f"},
    {"dtickrange": [1000, 3_599_999], "value": "%-M:%S"},
    {"dtickrange": [3_600_000, None], "value": "%-H:%M:%S"},
)


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read in one person, over time.

    Attributes:
        time_s: float ``(N,)``, in seconds, rising.
        probabilities: float ``(N, K)``, each row summing to 1.
        verdicts: str ``(N,)``, emotions or "uncertain".
        continues: bool ``(N,)``, whether the person was also seen in the frame right before.
    """

    time_s: NDArray[np.float64]
    probabilities: NDArray[np.floating[Any]]
    verdicts: NDArray[np.str_]
    continues: NDArray[np.bool_]


def thin_out(readings: Readings, most: int = MOST_POINTS) -> tuple[Readings, float | None]:
    """Choose some, where there are more readings than a chart can show.

    They are not averaged: a verdict would not fit the mean of what was read around it.

    Args:
        readings: N readings.
        most: As many points may remain.

    Returns:
        The readings to draw: of each equal stretch of time the one in its middle. And a stretch's
        length in seconds, None when all remain.
    """
    time_s = readings.time_s
    if len(time_s) <= most:
        return readings, None
    stretch_s = max(float(time_s[-1] - time_s[0]), 1e-6) / most
    stretches = np.minimum(((time_s - time_s[0]) / stretch_s).astype(np.int64), most - 1)
    starts = np.flatnonzero(np.diff(stretches, prepend=-1))
    counts = np.diff(starts, append=len(time_s))
    middles = starts + counts // 2
    thinned = Readings(
        time_s[middles],
        readings.probabilities[middles],
        readings.verdicts[middles],
        readings.continues[starts],
    )
    return thinned, stretch_s


def emotion_timeline(
    labels: Sequence[str],
    readings: Readings,
    *,
    span_s: tuple[float, float],
    stacked: bool = True,
    raw: bool = False,
    cuts_s: Sequence[float] = (),
) -> go.Figure:
    """Draw one person's emotions over time, with a strip of verdicts that can be clicked.

    Times without the person stay empty. Each point's ``customdata`` begins with its time in
    seconds, for whoever evaluates a click.

    Args:
        labels: K emotions.
        readings: What was read; may be empty.
        span_s: The first and last time to show, in seconds.
        stacked: Areas that fill up to 100 %, or lines.
        raw: Whether the probabilities are not smoothed, and the verdicts are.
        cuts_s: Where the video cuts to another scene, in seconds.
    """
    figure = go.Figure()
    start_s, end_s = span_s[0], max(span_s[1], span_s[0] + 0.1)
    time_s, rows = _with_gaps(readings)
    values = np.vstack([readings.probabilities, np.zeros((1, len(labels)))])[rows]
    if not stacked:
        values[rows == -1] = np.nan
    for label, column in zip(labels, values.T, strict=True):
        figure.add_scatter(
            x=_to_axis(time_s),
            y=column,
            name=label.capitalize(),
            mode="lines",
            line={"color": color_of(label), "width": 0 if stacked else 1.5},
            fillcolor=color_of(label),
            stackgroup="emotions" if stacked else None,
            hoverinfo="skip",
        )
    _add_cuts(figure, [time for time in cuts_s if start_s < time < end_s])
    _add_verdicts(figure, labels, readings, " (smoothed)" if raw else "")
    _lay_out(figure, start_s, end_s)
    return figure


def clicked_s(event: PlotlyState) -> float | None:
    """Return the time in seconds that a click on a time line selects, or None."""
    for point in event.selection.points:
        # The browser turns rows of numbers into objects with the positions for keys.
        data = point["customdata"]
        return float(data["0"] if isinstance(data, Mapping) else data[0])
    return None


def share_of_time(shares: Mapping[str, float]) -> go.Figure:
    """Draw one bar that is divided by shares.

    Args:
        shares: Share of each verdict, 0 to 1, summing to 1; verdicts without time are left out.
    """
    figure = go.Figure()
    for verdict, share in shares.items():
        if share <= 0:
            continue
        figure.add_bar(
            x=[share],
            y=[""],
            orientation="h",
            name=verdict.capitalize(),
            marker={
                "color": color_of(verdict),
                "line_width": 0,
                "pattern_shape": "/" if verdict == UNCERTAIN else "",
            },
            # Text that does not fit in a narrow part would be drawn on its side.
            text=f"{share:.0%}" if share >= 0.07 else "",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            hovertemplate=f"{verdict.capitalize()}: {share:.1%}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=44,
        margin={"l": 0, "r": 8, "t": 4, "b": 4},
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={"visible": False, "fixedrange": True},
        showlegend=False,
    )
    return figure


def _lay_out(figure: go.Figure, start_s: float, end_s: float) -> None:
    """Set axes, legend and what the mouse does."""
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        # Streamlit's own choices would only let the chart be moved about.
        dragmode="zoom",
        hovermode="x",
        hoverlabel_align="left",
        legend={"orientation": "h", "y": -0.16, "yanchor": "top", "traceorder": "normal"},
        xaxis={
            "type": "date",
            "range": [float(_to_axis(start_s)), float(_to_axis(end_s))],
            "tickformatstops": _TICK_FORMATS,
            "nticks": 8,
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "dot",
            "zeroline": False,
        },
        yaxis={
            "range": [_LOWEST_Y, 1],
            "tickvals": [0, 0.5, 1],
            "tickformat": ".0%",
            "fixedrange": True,
            "zeroline": False,
        },
    )


def _to_axis(time_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return seconds as places on a date axis, which labels them as clock times when zooming."""
    return np.asarray(time_s, np.float64) * 1000 + _FIRST_MS


def _with_gaps(readings: Readings) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the points of the areas: times, and the reading of each or -1 for nobody.

    A reading holds for a moment, so that also a lonely one is seen, and after the last before
    a gap two points keep the gap empty.
    """
    time_s = readings.time_s
    if not len(time_s):
        return np.empty(0), np.empty(0, np.int64)
    steps = np.diff(time_s)
    unbroken = steps[readings.continues[1:]]
    held_s = float(np.median(unbroken)) if len(unbroken) else float(min(steps, default=0.1))
    tiny_s = held_s / 1000
    ends = np.flatnonzero(np.append(~readings.continues[1:], True))
    following = np.append(time_s[1:], np.inf)[ends]
    stops = np.minimum(time_s[ends] + held_s, (time_s[ends] + following) / 2)
    times = np.concatenate([time_s, stops, stops + tiny_s, following[:-1] - tiny_s])
    nobody = np.full(2 * len(ends) - 1, -1)
    rows = np.concatenate([np.arange(len(time_s)), ends, nobody])
    order = np.argsort(times, kind="stable")
    return times[order], rows[order]


def _add_cuts(figure: go.Figure, cuts_s: Sequence[float]) -> None:
    """Add all cuts as one trace: a shape each would make a long video slow."""
    if not cuts_s:
        return
    times = np.repeat(_to_axis(np.asarray(cuts_s, np.float64)), 3)
    for (width, color), dash in zip(_CUT_LINES, ("solid", "dash"), strict=True):
        figure.add_scatter(
            x=times,
            y=np.tile([0.0, 1.0, np.nan], len(cuts_s)),
            name="Cut",
            mode="lines",
            line={"color": color, "width": width, "dash": dash},
            hoverinfo="skip",
            legendgroup="Cut",
            showlegend=dash == "dash",
        )


def _add_verdicts(figure: go.Figure, labels: Sequence[str], readings: Readings, note: str) -> None:
    """Add the strip of verdicts, which carries what the mouse shows and what a click selects."""
    details = "<br>".join(
        f"{dot(label)} {label.capitalize()} %{{customdata[{number}]:.0%}}"
        for number, label in enumerate(labels, start=1)
    )
    uncertain = readings.verdicts == UNCERTAIN
    figure.add_scatter(
        x=_to_axis(readings.time_s),
        y=np.full(len(readings.time_s), _STRIP_Y),
        name="Verdict",
        mode="markers",
        marker={
            # Hollow where nothing is certain, so that it is not the colour alone that says so.
            "symbol": np.where(uncertain, "square-open", "square"),
            "size": 9,
            "color": [color_of(verdict) for verdict in readings.verdicts],
            "line_width": np.where(uncertain, 1.5, 0),
        },
        text=[verdict.capitalize() for verdict in readings.verdicts],
        customdata=np.column_stack([readings.time_s, readings.probabilities]),
        hovertemplate=f"%{{x|%-M:%S.%2f}} · <b>%{{text}}</b>{note}<br>{details}<extra></extra>",
        # A click selects one point; the others must not fade.
        selected={"marker": {"size": 13, "opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=False,
    )
