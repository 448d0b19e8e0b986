"""Readings as JSON and CSV."""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from fer_core.records import (
    FaceTable,
    csv_cell,
    face_rows,
    frame_record,
    row_columns,
    rows_to_csv,
)
from fer_core.types import FaceReading, Frame, QualityFinding

THIRDS = (1 / 3, 1 / 7, 1 / 11, 0.2, 0.1, 0.1, 0.0)
EYES_ONLY = [[10.1, 20.2], [30.3, 20.4], *[[np.nan, np.nan]] * 3]
FINDINGS = (QualityFinding("dark", "It is dark: 3."), QualityFinding("cut", "9% are cut."))


@pytest.fixture
def frame(make_face: Callable[..., FaceReading]) -> Frame:
    odd = make_face((1 / 3, 2 / 3, 50.123456789, 60), THIRDS, EYES_ONLY, quality=FINDINGS)
    return Frame(0, 0.0, (640, 480), (odd, make_face((100, 10, 160, 70))))


def test_json_comes_back_as_it_was(frame: Frame) -> None:
    record = frame_record(frame, "Ünï.jpg", (6400, 4800))
    # allow_nan=False: other languages' parsers know no NaN.
    text = json.dumps(record, allow_nan=False)
    assert json.loads(text) == record
    assert list(record) == [
        "path", "size", "original_size", "turned_deg", "incomplete", "faces",
    ]  # fmt: skip
    assert (record["path"], record["size"], record["original_size"]) == (
        "Ünï.jpg",
        [640, 480],
        [6400, 4800],
    )


def test_faces_are_complete_and_not_rounded(frame: Frame) -> None:
    first, second = frame_record(frame, "a", (1, 1))["faces"]
    assert first["box"] == [1 / 3, 2 / 3, 50.123456789, 60.0]
    assert first["score"] == 0.9
    assert first["probabilities"] == {
        label: float(np.float32(p)) for label, p in zip(FER7.labels, THIRDS, strict=True)
    }
    assert first["confidence"] == float(np.float32(1 / 3))
    assert (first["verdict"], second["verdict"]) == ("uncertain", "happy")
    assert first["quality"] == [
        {"code": "dark", "reason": "It is dark: 3."},
        {"code": "cut", "reason": "9% are cut."},
    ]
    assert second["quality"] == []


def test_verdicts_follow_the_threshold(frame: Frame) -> None:
    for threshold, expected in ((0.3, ["angry", "happy"]), (0.8, ["uncertain", "uncertain"])):
        record = frame_record(frame, "a", (1, 1), threshold=threshold)
        rows = face_rows(frame, "a", threshold=threshold)
        assert [face["verdict"] for face in record["faces"]] == expected
        assert [row["verdict"] for row in rows] == expected


def test_landmarks_that_were_not_found_are_null(frame: Frame) -> None:
    first, second = frame_record(frame, "a", (1, 1))["faces"]
    assert first["landmarks"][0] == pytest.approx([10.1, 20.2])
    assert first["landmarks"][2:] == [None, None, None]
    assert second["landmarks"] is None


def test_a_turned_picture_is_told(frame: Frame) -> None:
    turned = replace(frame, turned_deg=270)
    assert frame_record(frame, "a", (1, 1))["turned_deg"] == 0
    assert frame_record(turned, "a", (1, 1))["turned_deg"] == 270
    assert [row["turned_deg"] for row in face_rows(turned, "a")] == [270, 270]


def test_a_file_without_its_end_is_told(frame: Frame) -> None:
    assert frame_record(frame, "a", (1, 1))["incomplete"] is False
    assert frame_record(replace(frame, incomplete=True), "a", (1, 1))["incomplete"] is True


def test_no_faces() -> None:
    empty = Frame(0, 0.0, (8, 6))
    assert frame_record(empty, "a", (8, 6))["faces"] == []
    assert face_rows(empty, "a") == []


@pytest.mark.parametrize("labels", [FER7.labels, FER6.labels])
def test_table_has_a_header_without_faces_too(labels: tuple[str, ...]) -> None:
    before = "path,face,x1,y1,x2,y2,score,verdict,confidence"
    header = ",".join([before, *labels, "quality", "turned_deg"])
    assert rows_to_csv([], labels) == header + "\n"


def test_table_of_faces(frame: Frame) -> None:
    rows = face_rows(frame, 'with, comma and "quotes".jpg')
    assert [list(row) for row in rows] == [row_columns(FER7.labels)] * 2
    read = list(csv.DictReader(io.StringIO(rows_to_csv(rows, FER7.labels))))
    assert [row["face"] for row in read] == ["1", "2"]
    assert read[0]["path"] == 'with, comma and "quotes".jpg'
    assert float(read[0]["x1"]) == 1 / 3
    assert float(read[0]["disgust"]) == float(np.float32(1 / 7))
    assert read[0]["quality"] == "dark cut"
    assert read[1]["quality"] == ""
    assert read[1]["verdict"] == "happy"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_names_are_no_formulas(frame: Frame, sign: str) -> None:
    name = f"{sign}1+1.jpg"
    assert csv_cell(name) == f"'{name}"
    rows = face_rows(frame, name)
    read = list(csv.DictReader(io.StringIO(rows_to_csv(rows, FER7.labels), newline="")))
    assert [row["path"] for row in read] == [f"'{name}"] * 2
    # Whoever reads the rows otherwise, and JSON, have the name itself.
    assert rows[0]["path"] == frame_record(frame, name, (1, 1))["path"] == name


@pytest.mark.parametrize("value", ["a=b.jpg", "", "'=a", -1.5, 3, None])
def test_what_is_no_formula_stays(value: object) -> None:
    assert csv_cell(value) is value


def test_a_table_grows_on_disk(frame: Frame, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()  # an empty file is no older table
    with FaceTable(path, FER7.labels) as table:
        for count in (1, 2):
            table.add(face_rows(frame, "a.jpg"))
            assert path.read_text().count("\n") == 1 + 2 * count
        table.add([])
    rows = face_rows(frame, "a.jpg")
    assert path.read_text() == rows_to_csv(rows + rows, FER7.labels)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with FaceTable(link, FER7.labels) as table:
        assert table.path == tmp_path / "a.unfinished.csv"
    assert link.is_symlink() and path.read_text() == rows_to_csv([], FER7.labels)
    assert table.path == path


def test_a_table_on_a_full_disk_ends_with_a_whole_row(
    frame: Frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        """Takes half of what it is given, then nothing."""

        full = False

        def write(self, content: Any) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.full = True
            return super().write(content[: len(content) // 2])

    with (
        pytest.raises(OSError, match="No space left") as caught,
        FaceTable(tmp_path / "a.csv", FER7.labels) as table,
    ):
        table.add(face_rows(frame, "a.jpg"))
        whole = (tmp_path / "a.csv").read_bytes()
        table._file.close()
        table._file = Full(str(tmp_path / "a.csv"), "ab")
        table.add(face_rows(frame, "b.jpg"))
    assert caught.value.filename == str(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == whole
