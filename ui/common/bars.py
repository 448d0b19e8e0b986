"""Bars as HTML: they are there with the page, need no script, and read well in both themes.

"Uncertain" is hatched, so that it is told by more than its colour. The style is in ``look.css``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import streamlit as st

from fer_core.labels import UNCERTAIN, color_of

STRONGEST = 3
# Less than this is 0 % when it is said, and no strong emotion.
LEAST_SAID = 0.005


def swatch(verdict: str) -> str:
    """Return a small square of an emotion's colour, or a hatched one for "uncertain"."""
    return f'<span class="{_classes("swatch", verdict)}" style="{_color(verdict)}"></span>'


def dot(verdict: str) -> str:
    """Return a round mark of an emotion's colour, or a hollow one for "uncertain", for a text."""
    mark = "○" if verdict == UNCERTAIN else "●"
    return f'<span style="color:{color_of(verdict)}">{mark}</span>'


def dotted(verdict: str, said: str) -> str:
    """Return an emotion and what is said of it, after its mark and on one line."""
    text = f"{dot(verdict)} {verdict.capitalize()} {said}"
    return f'<span style="white-space:nowrap">{text}</span>'


def strongest(probabilities: Mapping[str, float], count: int = STRONGEST) -> list[str]:
    """Return the most probable emotions, the first one first."""
    return sorted(probabilities, key=lambda label: -probabilities[label])[:count]


def emotion_bars(probabilities: Mapping[str, float], threshold: float, caption: str) -> None:
    """Draw a bar for each emotion, the strongest in bold, and where "uncertain" ends.

    Args:
        probabilities: By emotion, 0 to 1.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
        caption: What screen readers say that it is.
    """
    first = [label for label in strongest(probabilities) if probabilities[label] >= LEAST_SAID]
    mark = f'<span class="mark" style="left:{threshold:.1%}"></span>'
    rows = (
        f'<tr{" class=strong" if label in first else ""}><th scope="row">{_title(label)}</th><td>'
        f'<div class="track">{_part(label, value)}{mark}</div></td>'
        f'<td class="number">{value:.0%}</td></tr>'
        for label, value in probabilities.items()
    )
    _table(rows, caption)


def divided_bars(rows: Mapping[str, Mapping[str, float]], caption: str) -> None:
    """Draw a bar of full width for each emotion, divided by shares; its own come first.

    Args:
        rows: By emotion the shares of what was said, 0 to 1, summing to 1.
        caption: What screen readers say that it is.
    """
    drawn = []
    for label, shares in rows.items():
        order = [label, *(other for other in strongest(shares, len(shares)) if other != label)]
        drawn.append(
            f'<tr><th scope="row">{_title(label)}</th>'
            f"<td>{_divided({other: shares[other] for other in order})}</td>"
            f'<td class="number">{shares[label]:.0%}</td></tr>'
        )
    _table(drawn, caption)


def named_bars(rows: Mapping[str, tuple[Mapping[str, float], str]], caption: str) -> None:
    """Draw a bar of full width for each of several things, divided by shares.

    Args:
        rows: By name the shares of verdicts, 0 to 1, summing to 1 at most, in the order in which
            they are drawn; and what stands at the end of the line.
        caption: What screen readers say that it is.
    """
    drawn = []
    for name, (shares, said) in rows.items():
        drawn.append(
            f'<tr><th scope="row" class="name" title="{escape(name)}">{escape(name)}</th>'
            f'<td>{_divided(shares)}</td><td class="number wide">{escape(said)}</td></tr>'
        )
    _table(drawn, caption)


def share_bar(shares: Mapping[str, float], caption: str) -> None:
    """Draw one bar divided by shares, and what each part is, largest first.

    Args:
        shares: Of each verdict, 0 to 1, summing to 1; those of 0 are left out.
        caption: What is divided.
    """
    present = [label for label in strongest(shares, len(shares)) if shares[label] > 0]
    said = ", ".join(f"{label} {shares[label]:.0%}" for label in present)
    parts = "".join(_part(label, shares[label]) for label in present)
    names = "".join(
        f"<span>{swatch(label)} {_title(label)} {shares[label]:.0%}</span>" for label in present
    )
    st.html(
        f'<div class="shares" role="img" aria-label="{escape(f"{caption}: {said}")}">{parts}</div>'
        f'<div class="legend">{names}</div>'
    )


def _table(rows: Iterable[str], caption: str) -> None:
    caption = f'<caption class="unseen">{escape(caption)}</caption>'
    st.html(f'<table class="bars">{caption}<tbody>{"".join(rows)}</tbody></table>')


def _divided(shares: Mapping[str, float]) -> str:
    """Return a bar divided by shares, which says what each part is: to a mouse, and without one."""
    said = {label: f"{_title(label)} {share:.0%}" for label, share in shares.items()}
    parts = "".join(_part(label, share, said[label]) for label, share in shares.items())
    told = ", ".join(said[label] for label, share in shares.items() if share >= LEAST_SAID)
    return f'<div class="track" role="img" aria-label="{told}">{parts}</div>'


def _part(verdict: str, share: float, title: str = "") -> str:
    said = f' title="{title}"' if title else ""
    classes = _classes("part", verdict)
    return f'<span class="{classes}" style="{_color(verdict)};width:{share:.2%}"{said}></span>'


def _classes(own: str, verdict: str) -> str:
    return f"{own} hatched" if verdict == UNCERTAIN else own


def _color(verdict: str) -> str:
    return f"--of:{color_of(verdict)}"


def _title(label: str) -> str:
    return escape(label.capitalize())
