"""Readings as plain data, for JSON and CSV, and the table that grows; nothing is rounded."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.files import unclaimed
from fer_core.labels import DEFAULT_THRESHOLD
from fer_core.types import FaceReading, Frame

# What makes a spreadsheet compute a cell (OWASP, "CSV Injection"), full-width forms included.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def frame_record(
    frame: Frame,
    path: str,
    original_size_wh: tuple[int, int],
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> dict[str, Any]:
    """Return a photo's readings as JSON-ready data.

    Args:
        frame: What was found.
        path: The picture's name.
        original_size_wh: Size of the file's picture; boxes are in pixels of ``size``, which is
            smaller for very large pictures, and turned by ``turned_deg`` where that is not 0.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    return {
        "path": path,
        "size": list(frame.size_wh),
        "original_size": list(original_size_wh),
        "turned_deg": frame.turned_deg,
        "incomplete": frame.incomplete,
        "faces": [_face_record(face, threshold) for face in frame.faces],
    }


def _face_record(face: FaceReading, threshold: float) -> dict[str, Any]:
    landmarks = face.landmarks
    return {
        "box": list(face.box.xyxy),
        "score": face.score,
        # JSON has no NaN: a landmark that was not found is null.
        "landmarks": None
        if landmarks is None
        else [None if np.isnan(point).any() else point.tolist() for point in landmarks],
        "probabilities": dict(face.probabilities),
        "verdict": face.verdict(threshold),
        "confidence": face.confidence,
        "quality": [{"code": item.code, "reason": item.reason} for item in face.quality],
    }


def face_rows(
    frame: Frame, path: str, *, threshold: float = DEFAULT_THRESHOLD
) -> list[dict[str, Any]]:
    """Return one flat row per face, with the columns of ``row_columns``; none without faces.

    Args:
        frame: What was found.
        path: The picture's name.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    return [
        {
            "path": path,
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face.box.xyxy, strict=True)),
            "score": face.score,
            "verdict": face.verdict(threshold),
            "confidence": face.confidence,
            **face.probabilities,
            "quality": " ".join(item.code for item in face.quality),
            "turned_deg": frame.turned_deg,
        }
        for number, face in enumerate(frame.faces, start=1)
    ]


def row_columns(labels: Sequence[str]) -> list[str]:
    """Return the columns of ``face_rows`` for a class set's labels."""
    before = ["path", "face", "x1", "y1", "x2", "y2", "score", "verdict", "confidence"]
    return [*before, *labels, "quality", "turned_deg"]


def rows_to_csv(
    rows: Iterable[dict[str, Any]], labels: Sequence[str], *, header: bool = True
) -> str:
    """Return a CSV table with a header, also when there are no rows.

    Args:
        rows: From ``face_rows``.
        labels: A class set's.
        header: Whether the columns' names come first.
    """
    columns = row_columns(labels)
    lines = [_csv_line(columns)] if header else []
    lines += [_csv_line(csv_cell(row[column]) for column in columns) for row in rows]
    return "".join(lines)


def _csv_line(cells: Iterable[Any]) -> str:
    # With the usual end of a line, each of its two signs is quoted in a name.
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def csv_cell(value: Any) -> Any:
    """Return what stands for a value in a CSV table: a text that no program takes for a formula.

    Spreadsheets compute what begins with one of a few signs, and a name can be any text; a single
    quote before it makes it a text. What is no text comes back as it is.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value


class FaceTable:
    """A CSV table on disk that grows picture by picture; a context manager.

    Rows are in the file as soon as they are added, and stay there however the run ends. Where a
    table of its name is there already, they are written beside it, as ``name.unfinished.csv``, and
    take its place when the context is left without an error.

    Attributes:
        path: The file that has the rows.
    """

    path: Path

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        """Open the file, in a new folder if need be, and write the header.

        Args:
            path: The table's file.
            labels: A class set's.

        Raises:
            OSError: The file cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = self._target = path
        # What is no usual file, such as a pipe, can only be written to.
        if path.is_file() and path.stat().st_size:
            self._target = Path(os.path.realpath(path))
            self.path = self._beside()
        self._labels = labels
        self._file = self.path.open("wb", buffering=0)
        self._write(rows_to_csv([], labels))

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write the rows of a picture, from ``face_rows``.

        Raises:
            OSError: They cannot be written; nothing of them is then in the file.
        """
        self._write(rows_to_csv(rows, self._labels, header=False))

    def __enter__(self) -> FaceTable:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if exc_type is None and self.path != self._target:
            self.path.replace(self._target)
            self.path = self._target

    def _beside(self) -> Path:
        base, suffix = (
            self._target.with_name(f"{self._target.stem}.unfinished"),
            self._target.suffix,
        )
        free = unclaimed(base, suffix, lambda base: not Path(f"{base}{suffix}").exists())
        return Path(f"{free}{suffix}")

    def _write(self, text: str) -> None:
        # Names that are no text in UTF-8 are written as the bytes that they are.
        left = memoryview(text.encode("utf-8", "surrogateescape"))
        written = 0
        try:
            while left:
                step = self._file.write(left)
                written, left = written + step, left[step:]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._file.tell() - written)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
