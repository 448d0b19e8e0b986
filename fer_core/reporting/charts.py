"""Charts as inline SVG and small tables: no script, readable in both themes and on paper.

Widths are per cent of the chart, so that lines and hatching keep their size in any window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from fer_core.labels import UNCERTAIN, UNCERTAIN_COLOR, color_of
from fer_core.reporting.words import clock, title_of
from fer_core.tables import Band

# "Uncertain" is told by more than its colour, wherever it is drawn.
HATCHING = f"""\
<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><rect class="ground" width="6" height="6"/>\
<rect width="3" height="6" fill="{UNCERTAIN_COLOR}"/></pattern>
</defs></svg>"""
# Seconds between marks on an axis, the smallest of which leaves the most room that is needed.
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_MARKS = 6
_WIDTH, _HEIGHT = 1000, 100


def swatch(verdict: str) -> str:
    """Return a small square of an emotion's colour, or a hatched one for "uncertain"."""
    return (
        '<svg class="swatch" width="12" height="12" aria-hidden="true">'
        f'<rect width="12" height="12" rx="3" fill="{_fill(verdict)}"/></svg>'
    )


def legend(said: Mapping[str, str]) -> str:
    """Return a list that tells colours apart.

    Args:
        said: HTML that follows the name, by verdict; "" for nothing.
    """
    items = "".join(
        f"<li>{swatch(verdict)} {title_of(verdict)}{more}</li>" for verdict, more in said.items()
    )
    return f'<ul class="legend">{items}</ul>'


def bars(probabilities: Mapping[str, float], threshold: float, caption: str) -> str:
    """Return a table with a bar for each emotion, and a mark where "uncertain" ends.

    Args:
        probabilities: By emotion, 0 to 1.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        caption: HTML that screen readers say of the table.
    """
    mark = f'<line x1="{_percent(threshold)}" x2="{_percent(threshold)}" y1="0" y2="100%"/>'
    rows = "".join(
        f'<tr><th scope="row">{title_of(label)}</th><td class="bar"><svg aria-hidden="true">'
        f'<rect width="{_percent(value)}" height="100%" rx="2" fill="{_fill(label)}"/>{mark}'
        f"</svg></td><td>{value:.0%}</td></tr>\n"
        for label, value in probabilities.items()
    )
    return f'<table class="bars"><caption class="unseen">{caption}</caption>\n{rows}</table>'


def shares(share: Mapping[str, float], caption: str) -> str:
    """Return one bar divided by shares, and a legend with their figures, largest first.

    Args:
        share: Of each verdict, 0 to 1, summing to 1; those of 0 are left out.
        caption: Plain text that says what is divided.
    """
    ordered = sorted(share.items(), key=lambda item: -item[1])
    present = {verdict: value for verdict, value in ordered if value > 0}
    left, parts = 0.0, []
    for verdict, value in present.items():
        parts.append(
            f'<rect x="{_percent(left)}" width="{_percent(value)}" height="100%" '
            f'fill="{_fill(verdict)}"/>'
        )
        left += value
    said = "; ".join(f"{verdict} {value:.0%}" for verdict, value in present.items())
    return (
        f'<svg class="shares" role="img" aria-label="{escape(f"{caption}: {said}")}">'
        f"{''.join(parts)}</svg>\n"
        + legend({verdict: f" {value:.0%}" for verdict, value in present.items()})
    )


def strip(band: Band, span_s: tuple[float, float], caption: str) -> str:
    """Return a line of a person's verdicts over time.

    Args:
        band: What was read in the person.
        span_s: The first and last time of the line, in seconds.
        caption: Plain text that says what it shows.
    """
    parts: list[tuple[float, float, str]] = []
    for begin_s, end_s, verdict in zip(
        band.begin_s.tolist(), band.end_s.tolist(), band.verdicts.tolist(), strict=True
    ):
        if parts and parts[-1][1] == begin_s and parts[-1][2] == verdict:
            parts[-1] = (parts[-1][0], end_s, verdict)
        else:
            parts.append((begin_s, end_s, verdict))
    # Who was seen for a moment only is still to be seen.
    rects = "".join(
        f'<rect x="{_percent(_place(begin_s, span_s))}" '
        f'width="{_percent(max(0.002, _place(end_s, span_s) - _place(begin_s, span_s)))}" '
        f'height="100%" fill="{_fill(verdict)}"/>'
        for begin_s, end_s, verdict in parts
    )
    return f'<svg class="strip" role="img" aria-label="{escape(caption)}">{rects}</svg>'


def areas(labels: Sequence[str], band: Band, span_s: tuple[float, float], caption: str) -> str:
    """Return a person's emotions over time as areas that fill up to 100 %.

    Args:
        labels: K emotions.
        band: What was read in the person.
        span_s: The first and last time of the chart, in seconds.
        caption: Plain text that says what it shows.
    """
    heights = np.cumsum(band.probabilities, axis=1)
    x1 = [_WIDTH * _place(time_s, span_s) for time_s in band.begin_s.tolist()]
    x2 = [_WIDTH * _place(time_s, span_s) for time_s in band.end_s.tolist()]
    breaks = np.flatnonzero(band.begin_s[1:] != band.end_s[:-1]) + 1
    runs = list(pairwise([0, *breaks.tolist(), len(x1)])) if x1 else []
    paths = []
    # From the whole down to the first emotion, each over the one before.
    for k in reversed(range(len(labels))):
        ways = []
        for first, end in runs:
            tops = [_HEIGHT * (1 - min(1.0, height)) for height in heights[first:end, k].tolist()]
            middles = [(x1[n] + x2[n]) / 2 for n in range(first, end)]
            last_x = max(x2[end - 1], x1[first] + 2)
            points = [
                (x1[first], tops[0]), *zip(middles, tops, strict=True), (last_x, tops[-1])
            ]  # fmt: skip
            way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            ways.append(f"M{x1[first]:.1f} {_HEIGHT}L{way}L{last_x:.1f} {_HEIGHT}Z")
        paths.append(f'<path fill="{_fill(labels[k])}" d="{"".join(ways)}"/>')
    return (
        f'<svg class="areas" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(caption)}">{"".join(paths)}</svg>'
    )


def axis(span_s: tuple[float, float]) -> str:
    """Return the times below a time line; pictures for the eye only."""
    length_s = span_s[1] - span_s[0]
    step_s = next((s for s in _STEPS_S if length_s / s <= _MOST_MARKS), length_s / _MOST_MARKS)
    first = int(np.ceil(span_s[0] / step_s - 1e-9))
    last = int(np.floor(span_s[1] / step_s + 1e-9))
    marks = []
    for number in range(first, last + 1):
        place = _place(number * step_s, span_s)
        said = clock(number * step_s)
        said = said.removesuffix(".0") if step_s >= 1 else said
        side = " first" if place < 0.04 else " last" if place > 0.96 else ""
        marks.append(f'<span class="mark{side}" style="left:{_percent(place)}">{said}</span>')
    return f'<div class="axis" aria-hidden="true">{"".join(marks)}</div>'


def _fill(verdict: str) -> str:
    return "url(#hatch)" if verdict == UNCERTAIN else color_of(verdict)


def _place(time_s: float, span_s: tuple[float, float]) -> float:
    """Return where in a span a time is, 0 to 1."""
    return (time_s - span_s[0]) / (span_s[1] - span_s[0])


def _percent(value: float) -> str:
    return f"{100 * value:.4g}%"
