"""A time line as tables, a summary, captions, bands to draw, and its strongest moments.

Nothing is rounded but the times of captions, to the milliseconds that WebVTT has.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import DEFAULT_THRESHOLD, UNCERTAIN
from fer_core.persons import person_name
from fer_core.records import csv_cell
from fer_core.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

# A frame stands for the time until the next one, but for no longer than this: when a camera or
# a machine stood still, nobody knows what was there.
_MAX_HOLD_S = 1.0
# Shorter captions cannot be read.
_MIN_CAPTION_S = 0.5
_THEN = " → "
# More columns of a band cannot be told apart on paper.
MOST_COLUMNS = 240


def timeline_table(
    timeline: Timeline,
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
    names: Mapping[int, str] | None = None,
) -> pd.DataFrame:
    """Return a row for each analysed frame and person, and one for each frame without a face.

    Args:
        timeline: F frames with N faces.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        verdicts: str ``(N,)`` from there.
        names: The persons' names; others are called by their number.

    Returns:
        The columns "frame", "seconds", "person", "name", "x1", "y1", "x2", "y2", "score",
        "verdict", "confidence" (of the leader, smoothed), then each label for its probability as
        read in the frame alone, then each with "_smoothed". Numbers are float64 and exactly those
        of the time line; what a frame without a face does not have is missing.
    """
    import pandas as pd

    empty = np.setdiff1d(np.arange(len(timeline.time_s)), timeline.row)
    order = np.argsort(np.concatenate([timeline.row, empty]), kind="stable")
    rows = np.concatenate([timeline.row, empty])[order]

    def column(values: Any, kind: str) -> pd.Series:
        """Put the faces' values in the order of the rows, and nothing for empty frames."""
        return pd.Series(values, dtype=kind).reindex(order).reset_index(drop=True)

    def floats(values: NDArray[np.float32]) -> list[pd.Series]:
        return [column(values[:, k], "float64") for k in range(values.shape[1])]

    smoothed_labels = [f"{label}_smoothed" for label in timeline.labels]
    called = {person: person_name(person, names) for person in timeline.persons()}
    columns = {
        "frame": pd.Series(timeline.frame_index[rows], dtype="int64"),
        "seconds": pd.Series(timeline.time_s[rows], dtype="float64"),
        "person": column(timeline.person, "Int64"),
        "name": column([called[person] for person in timeline.person.tolist()], "str"),
        **dict(zip(("x1", "y1", "x2", "y2"), floats(timeline.boxes_xyxy), strict=True)),
        "score": column(timeline.score, "float64"),
        "verdict": column(verdicts.tolist(), "str"),
        "confidence": column(smoothed.max(axis=1, initial=0), "float64"),
        **dict(zip(timeline.labels, floats(timeline.probabilities), strict=True)),
        **dict(zip(smoothed_labels, floats(smoothed), strict=True)),
    }
    return pd.DataFrame(columns)


def table_to_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in UTF-8; digits suffice to read the same numbers back.

    Names are written as by ``fer_core.records.csv_cell``, so that none is taken for a formula.
    """
    names = table["name"].map(csv_cell)
    text: str = table.assign(name=names).to_csv(index=False, lineterminator="\n")
    return text.encode()


def table_to_parquet(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet."""
    file = io.BytesIO()
    table.to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()


def summary_record(
    timeline: Timeline,
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
    *,
    names: Mapping[int, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    threshold: float = DEFAULT_THRESHOLD,
) -> dict[str, Any]:
    """Return what a time line comes to, JSON-ready.

    A frame counts for the time until the next analysed one, as a rule for a second at most.

    Args:
        timeline: F frames with N faces.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        verdicts: str ``(N,)`` from there.
        names: The persons' names; others are called by their number.
        facts: What is known of the video, taken over under "video".
        threshold: Least probability of a strongest moment, 0 to 1.

    Returns:
        "video", "labels", "frames_analyzed", "frames_without_faces", "seconds_analyzed" (the
        sum of what the frames count for), "cuts" (times in seconds) and "persons": for each
        "person", "name", "frames", "first_s", "last_s", "seconds_seen", "share" (of the seconds
        seen, by verdict, "uncertain" included, summing to 1), "mean_probabilities" (smoothed,
        weighted by time) and "strongest_moments" (frame, seconds, label, probability).
    """
    hold_s = _hold_s(timeline)
    return {
        "video": dict(facts or {}),
        "labels": list(timeline.labels),
        "frames_analyzed": len(timeline.time_s),
        "frames_without_faces": len(timeline.time_s) - len(np.unique(timeline.row)),
        "seconds_analyzed": float(hold_s.sum()),
        "cuts": timeline.time_s[timeline.cut].tolist(),
        "persons": [
            _person_record(timeline, smoothed, verdicts, hold_s, person, names, threshold)
            for person in timeline.persons()
        ],
    }


def _person_record(
    timeline: Timeline,
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
    hold_s: NDArray[np.float64],
    person: int,
    names: Mapping[int, str] | None,
    threshold: float,
) -> dict[str, Any]:
    own = np.flatnonzero(timeline.person == person)
    times_s, seen_s = timeline.time_s[timeline.row[own]], hold_s[timeline.row[own]]
    # All frames at the same time, such as a single one, count alike.
    weights = seen_s / seen_s.sum() if seen_s.any() else np.full(len(own), 1 / len(own))
    means = (weights @ smoothed[own]).tolist()
    moments = strongest_moments(timeline, smoothed, person, threshold=threshold)
    return {
        "person": person,
        "name": person_name(person, names),
        "frames": len(own),
        "first_s": float(times_s[0]),
        "last_s": float(times_s[-1]),
        "seconds_seen": float(seen_s.sum()),
        "share": {
            verdict: float(weights[verdicts[own] == verdict].sum())
            for verdict in (*timeline.labels, UNCERTAIN)
        },
        "mean_probabilities": dict(zip(timeline.labels, means, strict=True)),
        "strongest_moments": [
            {
                "frame": int(timeline.frame_index[timeline.row[n]]),
                "seconds": float(timeline.time_s[timeline.row[n]]),
                "label": label,
                "probability": probability,
            }
            for n, label, probability in moments
        ],
    }


def strongest_moments(
    timeline: Timeline,
    smoothed: NDArray[np.float32],
    person: int,
    *,
    count: int = 5,
    apart_s: float = 1.0,
    threshold: float = DEFAULT_THRESHOLD,
) -> list[tuple[int, str, float]]:
    """Find the moments at which a person's emotions were most probable.

    Each emotion that led comes with its best moment before any comes with its second best, or
    a person who is neutral most of the time would have no other moments.

    Args:
        timeline: N faces.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        person: The person.
        count: How many moments at most.
        apart_s: Seconds that moments lie apart at least.
        threshold: Least probability of a moment, 0 to 1.

    Returns:
        The position among the N faces, the leading emotion and its probability, the most
        probable first. Empty when the person is not in the time line.
    """
    own = np.flatnonzero(timeline.person == person)
    leaders, heights = smoothed[own].argmax(axis=1), smoothed[own].max(axis=1, initial=0)
    own, leaders, heights = (values[heights >= threshold] for values in (own, leaders, heights))
    found: list[tuple[int, str, float]] = []
    times_s = timeline.time_s[timeline.row[own]]
    free = np.ones(len(own), bool)
    while free.any() and len(found) < count:
        for leader in _by_height(leaders[free], heights[free])[: count - len(found)]:
            candidates = np.flatnonzero(free & (leaders == leader))
            if len(candidates):
                best = candidates[heights[candidates].argmax()]
                found.append((int(own[best]), timeline.labels[leader], float(heights[best])))
                free &= np.abs(times_s - times_s[best]) >= apart_s
    return sorted(found, key=lambda moment: -moment[2])


def _by_height(leaders: NDArray[np.intp], heights: NDArray[np.float32]) -> list[int]:
    """Return each leader once, the one with the greatest height first."""
    return list(dict.fromkeys(leaders[np.argsort(-heights, kind="stable")].tolist()))


def captions_vtt(
    timeline: Timeline,
    verdicts: NDArray[np.str_],
    names: Mapping[int, str] | None = None,
    *,
    start_s: float = 0.0,
) -> str:
    """Return WebVTT captions: who shows which emotion from when to when.

    Args:
        timeline: N faces.
        verdicts: str ``(N,)`` from ``Timeline.smoothed``.
        names: The persons' names; others are called by their number.
        start_s: The time in the analysed video at which the captioned one begins, in seconds.

    Returns:
        A cue for each span of a person's unchanged verdict. A verdict that holds for less than
        half a second has no time to be read: its cue lasts so long all the same, and names what
        comes next as well, as in "1: happy → sad". Without faces there are no cues.
    """
    hold_s = _hold_s(timeline)
    cues = []
    for person in timeline.persons():
        own = np.flatnonzero(timeline.person == person)
        begins_s = timeline.time_s[timeline.row[own]] - start_s
        ends_s = begins_s + hold_s[timeline.row[own]]
        name = escape(person_name(person, names), quote=False)
        for begin_s, end_s, said in _readable(_spans(begins_s, ends_s, verdicts[own])):
            begin_ms = round(1000 * begin_s)
            end_ms = max(begin_ms + 1, round(1000 * end_s))
            cues.append((begin_ms, end_ms, f"{name}: {_THEN.join(said)}"))
    blocks = [f"{_clock(begin)} --> {_clock(end)}\n{text}" for begin, end, text in sorted(cues)]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


def _spans(
    begins_s: NDArray[np.float64], ends_s: NDArray[np.float64], verdicts: NDArray[np.str_]
) -> list[tuple[float, float, str]]:
    """Join a person's frames that are alike into (begin, end, verdict)."""
    found: list[tuple[float, float, str]] = []
    for begin_s, end_s, verdict in zip(
        begins_s.tolist(), ends_s.tolist(), verdicts.tolist(), strict=True
    ):
        if found and verdict == found[-1][2] and begin_s - found[-1][1] <= _MAX_HOLD_S:
            found[-1] = (found[-1][0], end_s, verdict)
        else:
            found.append((begin_s, end_s, verdict))
    return found


def _readable(spans: list[tuple[float, float, str]]) -> list[tuple[float, float, list[str]]]:
    """Give what is short a part of what follows, as far as the person is there; none is lost."""
    cues: list[tuple[float, float, list[str]]] = []
    for begin_s, end_s, verdict in spans:
        first_s, until_s, said = cues[-1] if cues else (-inf, -inf, [])
        enough_s = first_s + _MIN_CAPTION_S
        if max(until_s, begin_s) >= enough_s:
            cues.append((begin_s, end_s, [verdict]))
        elif end_s < enough_s + _MIN_CAPTION_S:
            # What would be left of it is too short itself.
            cues[-1] = (first_s, end_s, [*said, verdict])
        else:
            cues[-1] = (first_s, enough_s, [*said, verdict])
            cues.append((enough_s, end_s, [verdict]))
    return cues


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


@dataclass(frozen=True, slots=True)
class Band:
    """A person's emotions over time, or everybody's, in no more columns than can be drawn.

    Attributes:
        begin_s: float64 ``(C,)``, rising, when each column begins, in seconds.
        end_s: float64 ``(C,)``, when it ends: where the next one begins, unless nobody was seen in
            between.
        probabilities: float64 ``(C, K)``, smoothed, the mean by time; each row sums to 1.
        verdicts: str ``(C,)``, what held longest.
    """

    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    verdicts: NDArray[np.str_]


def emotion_band(
    timeline: Timeline,
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
    person: int | None,
    *,
    most: int = MOST_COLUMNS,
) -> Band:
    """Return what was read in a person, as columns of about equally many frames.

    Args:
        timeline: F frames with N faces.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        verdicts: str ``(N,)`` from there.
        person: The person; None for all together, each face counting alike.
        most: Columns at most for the whole time line; those without a face are left out.
    """
    frames, hold_s = len(timeline.time_s), _hold_s(timeline)
    count = min(most, frames)
    column_of = np.arange(frames) * count // max(1, frames)
    last = np.flatnonzero(np.diff(column_of, append=count))
    begin_s = timeline.time_s[np.append(0, last[:-1] + 1)] if frames else np.empty(0)
    mine = np.ones(len(timeline.person), bool) if person is None else timeline.person == person
    own = np.flatnonzero(mine)
    columns = column_of[timeline.row[own]]
    # Frames at the same time count too, such as a single one.
    weights = np.maximum(hold_s[timeline.row[own]], 1e-6)
    sums = np.zeros((count, len(timeline.labels)))
    np.add.at(sums, columns, weights[:, None] * smoothed[own])
    said = np.array([*timeline.labels, UNCERTAIN], np.str_)
    held_s = np.stack(
        [np.bincount(columns, weights * (verdicts[own] == name), count) for name in said]
    )
    seen = np.flatnonzero(held_s.any(axis=0))
    return Band(
        begin_s[seen],
        (timeline.time_s + hold_s)[last[seen]],
        sums[seen] / sums[seen].sum(axis=1, keepdims=True),
        said[held_s[:, seen].argmax(axis=0)],
    )


def _hold_s(timeline: Timeline) -> NDArray[np.float64]:
    """Return float64 ``(F,)``: the seconds that each analysed frame stands for."""
    if len(timeline.time_s) < 2:
        return np.zeros(len(timeline.time_s))
    spacing_s = np.maximum(0, np.diff(timeline.time_s))
    usual_s = float(np.median(spacing_s))
    hold_s: NDArray[np.float64] = np.append(spacing_s, usual_s)
    return np.minimum(hold_s, max(_MAX_HOLD_S, 1.5 * usual_s))
