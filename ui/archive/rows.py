"""All that a data set says of some faces, read from its Parquet files when they are shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fer_core.batch.schema import FACES, FILES, VIDEO
from fer_core.types import FaceBox
from ui.archive.index import ArchiveFault, FacePart, Index

CHANGED = "The data set has changed since it was opened; read it again."
_FILE_COLUMNS = ["path", "bytes", "modified", "width", "height", "turned_deg"]


@dataclass(frozen=True, slots=True)
class FileRow:
    """What is known of a file.

    Attributes:
        size_bytes: Its size when it was read; 0 where that is not known.
        modified: When it had been changed, in UTC; None where that is not known.
        size_wh: Size of the picture that the boxes are in.
        turned_deg: By how much it was turned to stand upright, clockwise.
    """

    size_bytes: int
    modified: datetime | None
    size_wh: tuple[int, int]
    turned_deg: int


@dataclass(frozen=True, slots=True)
class FaceRow:
    """What is known of a face.

    Attributes:
        number: Its number among all.
        kind: Whether it is in a photo or in a video.
        path: The file that it is in.
        face: Its number in the picture, from 1.
        seconds: Its time in the video, or None.
        person: Its person in the video, or None.
        moment: When the photo was taken, or the file changed; or None.
        box: Where it is.
        score: How sure the detector is, 0 to 1.
        verdict: What it is read as.
        confidence: How probable that is, 0 to 1.
        probabilities: float32 ``(K,)``, those that the verdict follows from; of zeros where they
            were not asked for.
        file: What is known of the file, or None.
    """

    number: int
    kind: str
    path: str
    face: int
    seconds: float | None
    person: int | None
    moment: datetime | None
    box: FaceBox
    score: float
    verdict: str
    confidence: float
    probabilities: NDArray[np.float32]
    file: FileRow | None


def face_rows(index: Index, numbers: Sequence[int], *, in_full: bool = False) -> list[FaceRow]:
    """Return faces by their numbers, in that order.

    Args:
        index: The data set.
        numbers: Of the faces.
        in_full: Whether with the probabilities, which take as long as all the rest.

    Raises:
        ArchiveFault: Their files are not there any more.
    """
    found: dict[int, FaceRow] = {}
    ordered = sorted(set(numbers))
    for part, own in groupby(ordered, key=lambda number: part_of(index, number)):
        inside = list(own)
        columns = _face_columns(index, part.kind, in_full)
        local = np.array(inside) - part.first
        table = pa.concat_tables(_taken(index, part, local, columns))
        files = _files(index, part, table["path"].unique())
        for number, row in zip(inside, table.to_pylist(), strict=True):
            found[number] = _face(index, number, part.kind, row, files)
    return [found[number] for number in numbers]


def part_of(index: Index, number: int) -> FacePart:
    """Return the part that a face is in."""
    firsts = [part.first for part in index.parts]
    return index.parts[bisect_right(firsts, number) - 1]


def selected_tables(index: Index, numbers: NDArray[np.int64]) -> Iterator[pa.Table]:
    """Yield all columns of faces, file by file, with the column "kind".

    Args:
        index: The data set.
        numbers: int64 ``(N,)``, rising.

    Raises:
        ArchiveFault: Their files are not there any more.
    """
    schema = index.dataset.schemas()[FACES].remove_metadata()
    for part in index.parts:
        begin, end = np.searchsorted(numbers, [part.first, part.first + part.rows])
        if begin == end:
            continue
        for table in _taken(index, part, numbers[begin:end] - part.first, schema.names):
            kind = pa.repeat(part.kind, table.num_rows)
            yield table.select(schema.names).cast(schema).append_column("kind", kind)


def video_rows(index: Index, part: str, path: str) -> pa.Table:
    """Return all readings of a video, by time and person.

    Raises:
        ArchiveFault: Its file is not there any more.
    """
    columns = ["path", "frame", "seconds", "person", "verdict"]
    columns += [f"{label}_smoothed" for label in index.labels]
    tables = []
    with _opened(index, FACES, VIDEO, part) as file:
        for group in range(file.num_row_groups):
            if _may_have(file, group, path):
                table = file.read_row_group(group, columns)
                tables.append(table.filter(pc.equal(table["path"], path)))
    if not tables:
        raise ArchiveFault(CHANGED)
    return pa.concat_tables(tables).sort_by([("frame", "ascending"), ("person", "ascending")])


def _face_columns(index: Index, kind: str, in_full: bool) -> list[str]:
    return [
        *("path", "face", "moment", "x1", "y1", "x2", "y2", "score", "verdict", "confidence"),
        *(("seconds", "person") if kind == VIDEO else ()),
        *(_probability_columns(index, kind) if in_full else ()),
    ]


def _probability_columns(index: Index, kind: str) -> list[str]:
    return [f"{label}_smoothed" if kind == VIDEO else label for label in index.labels]


def _face(
    index: Index, number: int, kind: str, row: dict[str, Any], files: dict[str, FileRow]
) -> FaceRow:
    return FaceRow(
        number,
        kind,
        row["path"],
        row["face"] or 1,
        row.get("seconds"),
        row.get("person"),
        row["moment"],
        FaceBox(*(float(row[name]) for name in ("x1", "y1", "x2", "y2"))),
        float(row["score"] or 0),
        row["verdict"] or "",
        float(row["confidence"] or 0),
        np.array([row.get(name) or 0 for name in _probability_columns(index, kind)], np.float32),
        files.get(row["path"]),
    )


def _taken(
    index: Index, part: FacePart, rows: NDArray[np.int64], columns: list[str]
) -> Iterator[pa.Table]:
    """Yield rows of a part, rising, from the groups of rows that have some."""
    with _opened(index, FACES, part.kind, part.name) as file:
        if file.metadata.num_rows != part.rows:
            raise ArchiveFault(CHANGED)
        first = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            begin, end = np.searchsorted(rows, [first, first + count])
            if begin < end:
                yield file.read_row_group(group, columns).take(rows[begin:end] - first)
            first += count


def _files(index: Index, part: FacePart, paths: pa.Array) -> dict[str, FileRow]:
    """Return what is known of files that have faces in a part: their rows are in the same part."""
    wanted = set(paths.to_pylist())
    found: dict[str, FileRow] = {}
    with _opened(index, FILES, part.kind, part.name) as file:
        for group in range(file.num_row_groups):
            if not any(_may_have(file, group, path) for path in wanted):
                continue
            table = file.read_row_group(group, _FILE_COLUMNS)
            for row in table.filter(pc.is_in(table["path"], paths)).to_pylist():
                size_wh = row["width"] or 0, row["height"] or 0
                found[row["path"]] = FileRow(
                    row["bytes"] or 0, row["modified"], size_wh, row["turned_deg"] or 0
                )
            if len(found) == len(wanted):
                break
    return found


def _opened(index: Index, table: str, kind: str, part: str) -> pq.ParquetFile:
    try:
        file = index.dataset.part_file(table, kind, part)
    except (OSError, pa.ArrowException) as error:
        raise ArchiveFault(CHANGED) from error
    if file is None:
        raise ArchiveFault(CHANGED)
    return file


def _may_have(file: pq.ParquetFile, group: int, path: str) -> bool:
    """Return whether a group of rows can have a path, by the least and the largest in it."""
    column = file.metadata.row_group(group).column(file.schema_arrow.get_field_index("path"))
    found = column.statistics
    if found is None or not found.has_min_max:
        return True
    return bool(found.min <= path <= found.max)
