"""Emotions over the days, months or years of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from fer_core.labels import UNCERTAIN, color_of
from ui.archive.queries import Days

# More bars than this would be too narrow to tell apart.
_MOST_BINS = 180
# Of fewer faces a share says little; so many should be in a bar of the usual height.
_ENOUGH = 25
# What NumPy, Plotly and people call each unit of time.
UNITS = {"D": (86_400_000, "%-d %B %Y"), "M": ("M1", "%B %Y"), "Y": ("M12", "%Y")}
# Up to here each bar has its own label.
_FEW_BINS = 12
_HEIGHT = 330


@dataclass(frozen=True, slots=True)
class Bins:
    """How many faces there are in each of B stretches of time.

    Attributes:
        unit: "D", "M" or "Y".
        starts: The first day of each that has any.
        counts: int64 ``(B, V)``, by verdict.
    """

    unit: str
    starts: tuple[date, ...]
    counts: NDArray[np.int64]

    def called(self, number: int) -> str:
        """Return what people call a stretch of time."""
        return self.starts[number].strftime(UNITS[self.unit][1])


def binned(days: Days, verdicts: int) -> Bins | None:
    """Put days into bins of the finest unit that leaves enough in them; None without any.

    Args:
        days: From ``days_of``.
        verdicts: How many verdicts there are.
    """
    if not days.dated.any():
        return None
    day, total = days.day[days.dated].astype("datetime64[D]"), days.count[days.dated].sum()
    for unit in UNITS:
        units = day.astype(f"datetime64[{unit}]")
        length = int((units.max() - units.min()).astype(np.int64)) + 1
        starts, places = np.unique(units, return_inverse=True)
        if length == 1 or (length <= _MOST_BINS and total / len(starts) >= _ENOUGH):
            break
    counts = np.zeros((len(starts), verdicts), np.int64)
    np.add.at(counts, (places, days.verdict[days.dated]), days.count[days.dated])
    firsts = tuple(starts.astype("datetime64[D]").astype(date).tolist())
    return Bins(unit, firsts, counts)


def time_chart(bins: Bins, verdicts: tuple[str, ...], chosen: tuple[str, ...]) -> go.Figure:
    """Draw the shares of verdicts over time, and below how many faces they are of.

    Args:
        bins: From ``binned``.
        verdicts: All of them, in the order of the counts.
        chosen: Those to draw; all when empty.
    """
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.8, 0.2], vertical_spacing=0.06
    )
    totals = bins.counts.sum(axis=1)
    period, words = UNITS[bins.unit]
    few = len(bins.starts) <= _FEW_BINS
    when = (
        {"x": [bins.called(number) for number in range(len(bins.starts))]}
        if few
        else {"x": bins.starts, "xperiod": period, "xperiodalignment": "middle"}
    )
    called = "%{x}" if few else f"%{{x|{words}}}"
    for k, verdict in enumerate(verdicts):
        if (chosen and verdict not in chosen) or not bins.counts[:, k].any():
            continue
        figure.add_bar(
            **when,
            y=bins.counts[:, k] / totals,
            name=verdict.capitalize(),
            marker={
                "color": color_of(verdict),
                "line_width": 0,
                "pattern": {"shape": "/" if verdict == UNCERTAIN else "", "size": 4},
            },
            customdata=bins.counts[:, k],
            hovertemplate=f"{called}: %{{y:.0%}} (%{{customdata:,}})"
            "<extra>%{fullData.name}</extra>",
            row=1,
            col=1,
        )
    figure.add_bar(
        **when,
        y=totals,
        marker={"color": "#8794A3", "line_width": 0},
        hovertemplate=f"{called}: %{{y:,}} in all<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    figure.update_layout(
        barmode="stack",
        bargap=0.08,
        height=_HEIGHT,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "traceorder": "normal"},
    )
    figure.update_xaxes(fixedrange=True, type="category" if few else "date")
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", row=1, col=1)
    if not chosen:
        figure.update_yaxes(range=[0, 1], dtick=0.25, row=1, col=1)
    figure.update_yaxes(nticks=3, tickformat="~s", row=2, col=1)
    return figure
