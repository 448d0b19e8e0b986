"""What the page asks of an index: how many faces by day and folder, and which to show."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fer_core.batch.schema import KINDS, PHOTO
from ui.archive.index import Index

Answer = TypeVar("Answer")

# What pictures can be ordered by. Each ends with the row's number, so that pages do not overlap.
ORDERS = {
    "stored": ("As they are stored", "n"),
    "sure": ("Surest first", "confidence DESC, n"),
    "unsure": ("Least sure first", "confidence, n"),
    "new": ("Newest first", "day DESC NULLS LAST, n"),
    "old": ("Oldest first", "day NULLS LAST, n"),
}
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Selection:
    """Which faces to look at; what is empty or None lets all through.

    Attributes:
        kind: Photos or videos.
        verdicts: What they are read as.
        least: The lowest confidence, in per cent.
        most: The highest.
        folder: A part of the folder's name.
        first: The first day.
        last: The last day.
    """

    kind: str = PHOTO
    verdicts: tuple[str, ...] = ()
    least: int = 0
    most: int = 100
    folder: str = ""
    first: date | None = None
    last: date | None = None

    def whatever_the_verdict(self) -> Selection:
        """Return the same, of all emotions."""
        return replace(self, verdicts=())


@dataclass(frozen=True, slots=True)
class Days:
    """How many faces there are by day and verdict, N of these.

    Attributes:
        day: int64 ``(N,)``, days since 1970.
        dated: bool ``(N,)``, whether there is a day.
        verdict: int64 ``(N,)``, the verdict's number.
        count: int64 ``(N,)``.
    """

    day: NDArray[np.int64]
    dated: NDArray[np.bool_]
    verdict: NDArray[np.int64]
    count: NDArray[np.int64]

    def by_verdict(self, verdicts: tuple[str, ...]) -> dict[str, int]:
        """Return how many faces have each verdict, the most frequent first, without those of 0."""
        counts = np.bincount(self.verdict, self.count, len(verdicts)).astype(np.int64).tolist()
        pairs = sorted(zip(verdicts, counts, strict=True), key=lambda pair: -pair[1])
        return {verdict: count for verdict, count in pairs if count}

    def span(self) -> tuple[date, date] | None:
        """Return the first day and the last, or None without any."""
        if not self.dated.any():
            return None
        first, last = self.day[self.dated].min(), self.day[self.dated].max()
        return _date(first), _date(last)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders with the most faces.

    Attributes:
        counts: By folder and verdict, the largest folder first.
        folders: How many there are in all.
        faces: How many faces are in all of them.
    """

    counts: Mapping[str, Mapping[str, int]]
    folders: int
    faces: int


@dataclass(frozen=True, slots=True)
class Video:
    """A video to choose."""

    part: str
    path: str
    folder: str
    seconds: float | None
    faces: int
    persons: int


def days_of(index: Index, selection: Selection) -> Days:
    """Count faces by day and verdict, whatever the verdicts chosen."""
    where, values = _where(index, selection.whatever_the_verdict())

    def ask() -> Days:
        found = index.columns(
            f"SELECT day, verdict, count(*) AS number FROM faces WHERE {where} "
            "GROUP BY day, verdict ORDER BY day, verdict",
            values,
        )
        day = np.ma.asarray(found["day"])
        dated = ~(np.ma.getmaskarray(day) | np.isnat(np.ma.getdata(day)))
        return Days(
            np.where(dated, np.ma.getdata(day), np.datetime64(0, "D"))
            .astype("datetime64[D]")
            .astype(np.int64),
            dated,
            np.ma.getdata(found["verdict"]).astype(np.int64),
            np.ma.getdata(found["number"]).astype(np.int64),
        )

    return remembered(index, ("days", selection.whatever_the_verdict()), ask)


def folders_of(index: Index, selection: Selection, most: int) -> Folders:
    """Return the folders with the most faces, whatever the verdicts chosen."""
    where, values = _where(index, selection.whatever_the_verdict())
    query = f"""
        WITH counted AS MATERIALIZED (
            SELECT folder, verdict, count(*) AS number FROM faces WHERE {where}
            GROUP BY folder, verdict
        ), totals AS (
            SELECT folder, sum(number) AS total FROM counted GROUP BY folder
        ), largest AS (SELECT * FROM totals ORDER BY total DESC, folder LIMIT ?)
        SELECT label, verdict, number, (SELECT count(*) FROM totals),
            (SELECT sum(number) FROM counted)
        FROM counted JOIN largest USING (folder) JOIN folders ON folders.id = folder
        ORDER BY total DESC, folder, verdict
    """

    def ask() -> Folders:
        counts: dict[str, dict[str, int]] = {}
        rows = index.rows(query, [*values, most])
        for label, verdict, number, _, _ in rows:
            own = counts.setdefault(label, {})
            own[index.verdicts[verdict]] = own.get(index.verdicts[verdict], 0) + number
        folders, faces = rows[0][3:] if rows else (0, 0)
        return Folders(counts, folders, int(faces))

    return remembered(index, ("folders", selection.whatever_the_verdict(), most), ask)


def shown_of(index: Index, selection: Selection) -> int:
    """Return how many faces there are to show, of all pages together."""
    where, values = _where(index, selection)
    query = f"SELECT count(*) FROM {_shown(selection, where)}"
    return remembered(index, ("shown", selection), lambda: int(index.rows(query, values)[0][0]))


def numbers_of(index: Index, selection: Selection, order: str, start: int, count: int) -> list[int]:
    """Return the numbers of faces to show, in an order of ``ORDERS``.

    Of a photo that is every face, of a video the surest reading of each person.

    Args:
        index: The data set.
        selection: Which of them.
        order: A key of ``ORDERS``.
        start: How many to pass over.
        count: How many to return at most.
    """
    where, values = _where(index, selection)
    rows = _shown(selection, where)
    query = f"SELECT n FROM {rows} ORDER BY {ORDERS[order][1]} LIMIT ? OFFSET ?"
    return remembered(
        index,
        ("numbers", selection, order, start, count),
        lambda: [int(n) for (n,) in index.rows(query, [*values, count, start])],
    )


def _shown(selection: Selection, where: str) -> str:
    """Return the rows that are shown: of a video, the surest reading of each person."""
    if selection.kind == PHOTO:
        return f"faces WHERE {where}"
    return (
        "(SELECT arg_max(n, confidence) AS n, max(confidence) AS confidence, min(day) AS day "
        f"FROM faces WHERE {where} GROUP BY video, person)"
    )


def all_numbers(index: Index, selection: Selection, most: int) -> NDArray[np.int64]:
    """Return the numbers of the selected faces, rising, as many as there may be at most."""
    where, values = _where(index, selection)
    query = f"SELECT n FROM faces WHERE {where} ORDER BY n LIMIT ?"
    return np.ma.getdata(index.columns(query, [*values, most])["n"]).astype(np.int64)


def videos_of(index: Index, selection: Selection, most: int) -> list[Video]:
    """Return the videos of the selected folders, those with the most faces first."""
    where, values = "true", []
    if selection.folder:
        where, values = _IN_FOLDER, [selection.folder]
    rows = index.rows(
        "SELECT part, path, label, seconds, faces, persons FROM videos "
        f"JOIN folders ON folders.id = folder WHERE {where} AND faces > 0 "
        "ORDER BY faces DESC, path LIMIT ?",
        [*values, most],
    )
    return [Video(*row) for row in rows]


def failures_of(index: Index, most: int) -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
    """Return the kinds of failures with their numbers, and some paths with their sentences."""
    kinds = index.rows(
        "SELECT coalesce(error, 'unknown'), count(*) AS number FROM failures GROUP BY 1 "
        "ORDER BY number DESC, 1 LIMIT 20",
        [],
    )
    some = index.rows(
        "SELECT path, coalesce(message, '') FROM failures ORDER BY error, path LIMIT ?", [most]
    )
    return [(error, int(count)) for error, count in kinds], [(a, b) for a, b in some]


_IN_FOLDER = "folder IN (SELECT id FROM folders WHERE contains(lower(label), lower(?)))"


def _where(index: Index, selection: Selection) -> tuple[str, list[Any]]:
    """Return what a selection demands, and the values for its question marks."""
    parts: list[str] = ["kind = ?"]
    values: list[Any] = [KINDS.index(selection.kind)]
    chosen = [index.verdicts.index(one) for one in selection.verdicts if one in index.verdicts]
    if chosen:
        parts.append(f"verdict IN ({', '.join('?' * len(chosen))})")
        values += chosen
    if selection.least > 0:
        parts.append("confidence >= ?::REAL")
        values.append(selection.least / 100)
    if selection.most < 100:
        parts.append("confidence <= ?::REAL")
        values.append(selection.most / 100)
    if selection.folder:
        parts.append(_IN_FOLDER)
        values.append(selection.folder)
    if selection.first is not None:
        parts.append("day >= ?")
        values.append(selection.first)
    if selection.last is not None:
        parts.append("day <= ?")
        values.append(selection.last)
    return " AND ".join(parts), values


def sql_of(index: Index, selection: Selection, place: str) -> str:
    """Return the selection for DuckDB's own command line, to take away what is too much here.

    Args:
        index: The data set.
        selection: Which faces.
        place: What the data set's folder is called there.
    """
    parts: list[str] = [f"kind = {_quoted(selection.kind)}"]
    if selection.verdicts:
        parts.append(f"verdict IN ({', '.join(map(_quoted, selection.verdicts))})")
    if selection.least > 0:
        parts.append(f"confidence >= {selection.least / 100}::REAL")
    if selection.most < 100:
        parts.append(f"confidence <= {selection.most / 100}::REAL")
    if selection.folder:
        named = f"lower(folder[{len(index.root) + 1}:])"
        parts.append(f"contains({named}, lower({_quoted(selection.folder)}))")
    for sign, day in ((">=", selection.first), ("<=", selection.last)):
        if day is not None:
            parts.append(f"moment::DATE {sign} {_quoted(day.isoformat())}")
    where = "\n  AND ".join(parts)
    faces = _quoted(f"{place}/faces/*/*.parquet")
    return f"COPY (SELECT * FROM {faces}\nWHERE {where})\nTO 'selection.parquet';"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_answers: WeakKeyDictionary[Index, OrderedDict[Any, Any]] = WeakKeyDictionary()
_lock = Lock()


def remembered(index: Index, question: Any, ask: Callable[[], Answer]) -> Answer:
    """Return an answer, asked for once as long as it is one of the last questions."""
    with _lock:
        answers = _answers.setdefault(index, OrderedDict())
        if question in answers:
            answers.move_to_end(question)
            known: Answer = answers[question]
            return known
    answer = ask()
    with _lock:
        answers[question] = answer
        while len(answers) > _REMEMBERED:
            answers.popitem(last=False)
    return answer


def _date(day: Any) -> date:
    found: date = np.datetime64(int(day), "D").astype(date)
    return found
