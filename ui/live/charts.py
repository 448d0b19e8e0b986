"""The figures and charts beside the live video, drawn anew twice a second.

They are a component of its own, ``charts.js``, and not Plotly: twice a second Plotly took a
quarter of a core in the browser's main thread, which also shows the video, and this takes a
twentieth (docs/BENCHMARKS.md), from numbers that are a fifth of what a Plotly figure sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import color_of
from fer_core.live.state import LiveReading
from fer_core.persons import person_color
from fer_core.types import TrackedFace
from ui.common.component import component

# Persons with a chart of their own; the picture shows all.
MOST_PERSONS = 4
# Points a second and emotion; a chart of 60 s is some 400 pixels wide.
_POINTS_PER_S = 4
# What stands on top, from left to right.
FIGURES = ("Video", "Read", "Latency", "Skipped", "Network")
_HTML = """
<div class="figures"></div>
<div class="bars"></div>
<div class="rows"></div>
"""
_charts = component("fer_live_charts", __file__, _HTML)


def draw_charts(data: dict[str, Any]) -> None:
    """Draw what ``charts_data`` returned."""
    _charts(key="live-charts", data=data)


def charts_data(
    figures: Sequence[tuple[str, str, str]],
    faces: Sequence[TrackedFace],
    threshold: float,
    history: Sequence[LiveReading],
    now_s: float,
    span_s: float,
) -> dict[str, Any]:
    """Return what the component draws, as plain numbers and texts.

    Args:
        figures: Name, value and explanation of each figure on top.
        faces: The persons in the picture; the first few get bars.
        threshold: Where "uncertain" ends, 0 to 1.
        history: The readings of the last seconds, the oldest first.
        now_s: The right end of the time line, on the clock of the readings.
        span_s: How much of it to show, in seconds.
    """
    shown = sorted(faces, key=lambda face: face.person)[:MOST_PERSONS]
    labels = history[-1].labels if history else shown[0].smoothed.labels if shown else ()
    rows = []
    for person in recent_persons(history, [face.person for face in shown]):
        seconds, values = person_history(history, person, len(labels))
        rows.append(
            {
                "person": person,
                "color": person_color(person),
                "seconds": (seconds - now_s).round(2).tolist(),
                # Thousandths: a pixel is more than that, and whole numbers are short.
                "values": (1000 * values).round().astype(int).tolist(),
            }
        )
    return {
        "figures": [list(figure) for figure in figures],
        "labels": [label.capitalize() for label in labels],
        "colors": [color_of(label) for label in labels],
        "threshold": threshold,
        "faces": [
            {
                "heading": f"{face.person} · {face.verdict} {face.confidence:.0%}",
                "color": person_color(face.person),
                "values": face.smoothed.vector.round(3).tolist(),
            }
            for face in shown
        ],
        "rows": rows,
        "span": span_s,
    }


def empty_charts(labels: Sequence[str], threshold: float, span_s: float) -> dict[str, Any]:
    """Return charts in their places that show nothing yet, for a page that waits for a start.

    Args:
        labels: K emotions.
        threshold: Where "uncertain" ends, 0 to 1.
        span_s: How much of time the line will show, in seconds.
    """
    return {
        "figures": [[name, "–", ""] for name in FIGURES],
        "labels": [label.capitalize() for label in labels],
        "colors": [color_of(label) for label in labels],
        "threshold": threshold,
        "faces": [
            {"heading": "Nobody yet", "color": "transparent", "values": [None] * len(labels)}
        ],
        "rows": [{"person": 1, "color": "", "seconds": [], "values": []}],
        "span": span_s,
    }


def person_history(
    readings: Sequence[LiveReading], person: int, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return a person's readings, thinned out, with zeros where the person was away.

    Args:
        readings: The readings, the oldest first.
        person: The person's number.
        classes: How many emotions there are.

    Returns:
        Times in seconds ``(N,)`` and probabilities float32 ``(N, classes)``.
    """
    times: list[float] = []
    rows: list[NDArray[np.float32]] = []
    away = np.zeros(classes, np.float32)
    there = False
    for reading in readings:
        if person in reading.persons:
            if there and reading.time_s - times[-1] < 1 / _POINTS_PER_S:
                continue
            if not there:
                times.append(reading.time_s)
                rows.append(away)
            times.append(reading.time_s)
            rows.append(reading.probabilities[reading.persons.index(person)])
            there = True
        elif there:
            times.append(times[-1] + 1e-3)
            rows.append(away)
            there = False
    return np.array(times), np.array(rows, np.float32).reshape(-1, classes)


def recent_persons(readings: Sequence[LiveReading], present: Sequence[int]) -> list[int]:
    """Return the persons to draw: those in the picture, then those seen last."""
    order = dict.fromkeys(present)
    for reading in reversed(readings):
        order.update(dict.fromkeys(reading.persons))
    return sorted(list(order)[:MOST_PERSONS])
