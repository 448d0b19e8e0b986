"""The page around a report: what it says of itself, of how sure it is, and of its limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fer_core._version import __version__
from fer_core.labels import UNCERTAIN
from fer_core.limits import LIMITS
from fer_core.readings import LABELS, PEOPLE
from fer_core.reporting.charts import HATCHING, swatch
from fer_core.reporting.making import Making
from fer_core.reporting.style import STYLE
from fer_core.reporting.words import attribute, listed, plain

# Whatever a name may hold, a browser loads nothing, runs nothing and sends nothing.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_READINGS = {PEOPLE: "as people would say", LABELS: "as FER-2013 is labelled"}
_BARS = {
    PEOPLE: "A bar, and the height of an area, is the share of people who would choose that "
    "emotion: at 60%, about six of ten people would call the face so, and four would call it "
    "something else.",
    LABELS: "A bar, and the height of an area, is how probable the emotion is as the label that "
    "FER-2013 would give the face: at 60%, about six of ten such faces have that label there. "
    "FER-2013 calls many faces angry or sad that most people call neutral.",
}


def page(title: str, lead: str, body: str, making: Making) -> str:
    """Return the HTML of a whole report.

    Args:
        title: Plain text: the heading of the page.
        lead: HTML that says what was found, below the heading.
        body: HTML with what was read; its headings begin with ``h2``.
        making: How the readings were made.
    """
    today = datetime.now().astimezone()
    made = {
        "Reading": _READINGS.get(making.reading or "", "the reader's own"),
        "“Uncertain” below": f"{making.threshold:.0%}",
        "Emotions": listed(making.labels),
        "Model": making.model,
        "Face detector": making.detector,
        **making.settings,
        "Made on": today.isoformat(" ", "minutes"),
        "Made by": f"facial-emotions {__version__}",
        **{f"SHA-256 of {name}": checksum for name, checksum in making.checksums.items()},
    }
    limits = "".join(f"<li>{plain(sentence)}</li>\n" for sentence in LIMITS)
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="facial-emotions {__version__}">
<title>{attribute(title)}</title>
<link rel="icon" href="data:,">
<style>
{STYLE}</style>
</head>
<body>
{HATCHING}
<header>
<p class="above">Report of {today:%Y-%m-%d} · facial-emotions {__version__}</p>
<h1>{plain(title)}</h1>
{lead}
</header>
<main>
{body}
<section>
<h2>How sure this is</h2>
{_how_sure(making)}
</section>
<section>
<h2>What it must not be used for</h2>
<ul class="limits">
{limits}</ul>
</section>
<section>
<h2>How it was made</h2>
{facts(made)}
</section>
</main>
<footer><p>All of this page is in this one file: it asks no network for anything. Keep it as you
would keep the pictures.</p></footer>
</body>
</html>
"""


def facts(rows: Mapping[str, str]) -> str:
    """Return a table of facts, as HTML, from plain texts."""
    lines = "".join(
        f'<tr><th scope="row">{plain(name)}</th><td>{plain(value)}</td></tr>\n'
        for name, value in rows.items()
    )
    return f'<table class="rows facts"><tbody>\n{lines}</tbody></table>'


def _how_sure(making: Making) -> str:
    means = _BARS.get(
        making.reading or "",
        f"A bar, and the height of an area, is the probability that {plain(making.model)} "
        "gives the emotion.",
    )
    disagree = "; people would disagree about it" if making.reading == PEOPLE else ""
    return f"""\
<p>{means}</p>
<p>A face is called “uncertain” {swatch(UNCERTAIN)} when no emotion reaches \
{making.threshold:.0%}{disagree}. It is hatched wherever it is drawn, and a dotted line marks \
that bound in the bars.</p>
<p>Faces that are small, blurred, dark, covered, turned aside or cut off are read wrongly more \
often. The model card of facial-emotions tells how often it is wrong, and for whom.</p>"""
