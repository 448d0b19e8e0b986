"""The report of a video: who was seen when, and every person's emotions over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.alignment import crop_face
from fer_core.labels import UNCERTAIN
from fer_core.persons import person_color
from fer_core.reporting.charts import areas, axis, legend, shares, strip, swatch
from fer_core.reporting.making import Making
from fer_core.reporting.page import facts, page
from fer_core.reporting.pictures import embedded_face
from fer_core.reporting.words import attribute, clock, count_of, plain, title_of
from fer_core.tables import MOST_COLUMNS, Band, emotion_band, strongest_moments, summary_record
from fer_core.timeline import Timeline
from fer_core.types import FaceBox

# Persons with a part of their own, those seen longest; then only rows in a table, then counted.
_MOST_PERSONS, _MOST_ROWS = 20, 200
_MOMENTS = 5
# Who was seen more shortly is in the table alone.
_SHORT_S = 0.5
_ROW_COLUMNS = 120


def video_report(
    name: str,
    timeline: Timeline,
    *,
    making: Making,
    smoothing_s: float,
    picture_at: Callable[[float], NDArray[np.uint8] | None] = lambda time_s: None,
    about: Mapping[str, str] | None = None,
    names: Mapping[int, str] | None = None,
    notes: Sequence[str] = (),
    source: str = "video",
) -> str:
    """Return the HTML of a video's report.

    Args:
        name: What the video is called.
        timeline: What was read in it.
        making: How the readings were made.
        smoothing_s: Time constant of the smoothing in seconds; 0 for none.
        picture_at: Returns the picture that is shown at a time in seconds, uint8 ``(H, W, 3)``, or
            None where it cannot be read; asked for rising times, once for each.
        about: Facts of the video by their names, such as "Length".
        names: The persons' names; others are called by their number.
        notes: Sentences that say what the readings lack.
        source: What it is, in a word.

    Raises:
        ValueError: The faces were read for other emotions than the report's.
    """
    if timeline.labels != making.labels:
        raise ValueError(
            f"The model {making.model!r} reads {', '.join(making.labels)}; these faces were read "
            f"for {', '.join(timeline.labels)}."
        )
    smoothed, verdicts = timeline.smoothed(smoothing_s, making.threshold)
    record = summary_record(timeline, smoothed, verdicts, names=names, threshold=making.threshold)
    persons = sorted(record["persons"], key=lambda person: -person["seconds_seen"])
    long = [person for person in persons if person["seconds_seen"] >= _SHORT_S] or persons
    drawn = _Drawing(timeline, smoothed, verdicts, making)
    body = [_overview(drawn, persons, len(long[:_MOST_PERSONS]))]
    if long:
        body.append(_persons(drawn, long[:_MOST_PERSONS], picture_at))
    length = {"Frames analysed": f"{record['frames_analyzed']:,}"}
    body.append(
        f"<section>\n<h2>The {source}</h2>\n{facts({**(about or {}), **length})}\n</section>"
    )
    title = f"Facial expressions in {name}"
    return page(title, _lead(record, notes), "\n".join(filter(None, body)), making)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A time line as it is drawn."""

    timeline: Timeline
    smoothed: NDArray[np.float32]
    verdicts: NDArray[np.str_]
    making: Making

    @property
    def span_s(self) -> tuple[float, float]:
        """The first and last time of every line, in seconds."""
        times_s = self.timeline.time_s
        if not len(times_s):
            return 0.0, 0.1
        return float(times_s[0]), max(float(times_s[-1]), float(times_s[0]) + 0.1)

    def band(self, person: int, most: int) -> Band:
        """Return a person's readings as columns, which end with the line."""
        band = emotion_band(self.timeline, self.smoothed, self.verdicts, person, most=most)
        return replace(band, end_s=np.minimum(band.end_s, self.span_s[1]))


def _lead(record: Mapping[str, Any], notes: Sequence[str]) -> str:
    frames, persons = record["frames_analyzed"], len(record["persons"])
    counted = f"{count_of(frames, 'analysed frame')}"
    if not frames:
        found = "No frame was analysed."
    elif not persons:
        found = f"No face was found in {counted}."
    else:
        found = f"{count_of(persons, 'person')} in {counted}"
        anew = persons > 1 and record["cuts"]
        found += " (counted anew after each cut)." if anew else "."
    return f'<p class="lead">{" ".join(map(plain, (found, *notes)))}</p>'


def _overview(drawn: _Drawing, persons: Sequence[Mapping[str, Any]], shown: int) -> str:
    """Return a table of all persons, each with a line of verdicts over the whole video."""
    if len(persons) < 2:
        return ""
    rows = []
    for person in persons[:_MOST_ROWS]:
        number = person["person"]
        label, share = max(person["share"].items(), key=lambda item: item[1])
        caption = f"Verdicts of {_called(person)} over time, mostly {label}"
        line = strip(drawn.band(number, _ROW_COLUMNS), drawn.span_s, caption)
        name = _name(person)
        rows.append(
            f'<tr><th scope="row">{name}</th><td class="number">{person["seconds_seen"]:.1f} s</td>'
            f'<td class="line">{line}</td>'
            f'<td><span class="verdict">{swatch(label)} {title_of(label)} {share:.0%}</span></td>'
            "</tr>\n"
        )
    notes = []
    if (rest := min(len(persons), _MOST_ROWS) - shown) > 0:
        notes.append(
            f"The {count_of(shown, 'person')} seen longest have a part of their own below; "
            f"{rest:,} more have rows in this table only."
        )
    if (rest := len(persons) - _MOST_ROWS) > 0:
        notes.append(f"{count_of(rest, 'person')} seen more shortly are left out.")
    note = f'<p class="note">{" ".join(notes)}</p>' if notes else ""
    return f"""\
<section>
<h2>Everybody</h2>
<table class="rows"><thead><tr><th scope="col">Person</th><th scope="col" class="number">Seen</th>\
<th scope="col">{clock(drawn.span_s[0])} to {clock(drawn.span_s[1])}</th>\
<th scope="col">Mostly</th></tr></thead>
<tbody>
{"".join(rows)}</tbody></table>
{note}
</section>"""


def _persons(
    drawn: _Drawing,
    persons: Sequence[Mapping[str, Any]],
    picture_at: Callable[[float], NDArray[np.uint8] | None],
) -> str:
    timeline = drawn.timeline
    best, moments = {}, {}
    for person in persons:
        number = person["person"]
        own = np.flatnonzero(timeline.person == number)
        best[number] = int(own[timeline.score[own].argmax()])
        moments[number] = strongest_moments(
            timeline, drawn.smoothed, number, count=_MOMENTS, threshold=drawn.making.threshold
        )
    rows = {*best.values(), *(row for found in moments.values() for row, _, _ in found)}
    faces = _cut_out(timeline, rows, picture_at)
    parts = "".join(
        _person(drawn, person, best[person["person"]], moments[person["person"]], faces)
        for person in persons
    )
    heading = "Person by person" if len(persons) > 1 else "What was read"
    return f"""\
<section>
<h2>{heading}</h2>
<p class="note">Areas are the smoothed probabilities of all emotions, the line below them is the \
verdict. Where there is neither, the person was not seen.</p>
{legend(dict.fromkeys((*timeline.labels, UNCERTAIN), ""))}
{parts}</section>"""


def _cut_out(
    timeline: Timeline,
    rows: Iterable[int],
    picture_at: Callable[[float], NDArray[np.uint8] | None],
) -> dict[int, str]:
    """Return the addresses that show the faces of rows, without those that cannot be read."""
    faces = {}
    for position, together in groupby(sorted(rows), key=lambda row: int(timeline.row[row])):
        # One picture at a time, whoever is in it.
        image_bgr = picture_at(float(timeline.time_s[position]))
        if image_bgr is not None:
            for row in together:
                box = FaceBox(*timeline.boxes_xyxy[row].tolist())
                faces[row] = embedded_face(crop_face(image_bgr, box))
    return {row: face for row, face in faces.items() if face}


def _person(
    drawn: _Drawing,
    person: Mapping[str, Any],
    best: int,
    moments: Sequence[tuple[int, str, float]],
    faces: Mapping[int, str],
) -> str:
    called, span_s = _called(person), drawn.span_s
    band = drawn.band(person["person"], MOST_COLUMNS)
    portrait = ""
    if best in faces:
        portrait = f'<img src="{faces[best]}" alt="Face of {attribute(called)}">'
    seen = (
        f"Seen for {person['seconds_seen']:.1f} s, "
        f"{clock(person['first_s'])} to {clock(person['last_s'])}"
    )
    told = "; ".join(f"{label} {value:.0%}" for label, value in person["share"].items() if value)
    return f"""\
<article class="box person">
<div class="who">{portrait}<div>
<h3>{_name(person)}</h3>
<p class="note">{seen}</p>
{shares(person["share"], f"Share of the time in which {called} was seen")}
</div></div>
<div class="time">
{areas(drawn.timeline.labels, band, span_s, f"Emotions of {called} over time: {told}")}
{strip(band, span_s, f"Verdicts of {called} over time: {told}")}
{axis(span_s)}
</div>
{_moments(drawn, called, moments, faces)}</article>
"""


def _moments(
    drawn: _Drawing,
    called: str,
    moments: Sequence[tuple[int, str, float]],
    faces: Mapping[int, str],
) -> str:
    if not moments:
        return ""
    items = []
    for row, label, probability in moments:
        at = clock(float(drawn.timeline.time_s[drawn.timeline.row[row]]))
        face = ""
        if row in faces:
            face = f'<img src="{faces[row]}" alt="{attribute(called)} at {at}">'
        said = f"{swatch(label)} {title_of(label)} {probability:.0%}"
        items.append(f'<li>{face}<span class="verdict">{said}</span><br>at {at}</li>')
    return f"""\
<h4 class="subhead">Strongest moments</h4>
<ul class="moments">{"".join(items)}</ul>
"""


def _called(person: Mapping[str, Any]) -> str:
    """Return what a person is called, as plain text."""
    name = str(person["name"])
    return f"Person {name}" if name == str(person["person"]) else name


def _name(person: Mapping[str, Any]) -> str:
    """Return it as HTML, with the colour that the person has in the annotated video."""
    color = person_color(person["person"])
    return (
        '<svg class="swatch" width="12" height="12" aria-hidden="true">'
        f'<circle cx="6" cy="6" r="6" fill="{color}"/></svg> {plain(_called(person))}'
    )
