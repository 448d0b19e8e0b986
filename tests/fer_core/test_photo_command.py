"""``python -m fer_core analyze``: photos, folders, tables and annotated copies."""

from __future__ import annotations

import csv
import io
import json
import logging
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core import __main__ as cli
from fer_core import photo_command
from fer_core.images import Photo, read_image
from fer_core.labels import FER6, FER7
from fer_core.records import row_columns
from fer_core.reporting import page
from fer_core.reporting.making import checksum_of
from tests.fer_core.conftest import Lightness, small_sample
from tests.fer_core.reporting.checked import checked

# Pictures are ready crops, which takes no search for faces.
CROPS = ("--detector", "none")


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


class Noon(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Noon:
        return cls(2026, 1, 1, 12, tzinfo=tz)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two portraits of one name, one of them below, and what is no picture."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    cv2.imwrite(str(folder / "a.jpg"), small_sample())
    for name in ("a.png", "below/a.JPG"):
        cv2.imwrite(str(folder / name), small_sample("eileen-collins.jpg"))
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def crop_files(tmp_path: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four faces, from a.png to d.png, for tests of what is done with files.

    What is read in them does not matter: no network takes its time.
    """
    monkeypatch.setattr(photo_command, "load_classifier", lambda options: Lightness())
    folder = tmp_path / "crops"
    folder.mkdir()
    for name, crop in zip("abcd", crops, strict=False):
        cv2.imwrite(str(folder / f"{name}.png"), crop)
    return folder


def at_picture(monkeypatch: pytest.MonkeyPatch, name: str, then: Callable[[], object]) -> None:
    """Let something happen when the picture called so is to be read."""

    def read(source: Path) -> Photo:
        if source.name == name:
            then()
        return read_image(source)

    monkeypatch.setattr(photo_command, "read_image", read)


def rows_of(table: Path) -> list[str]:
    with table.open(newline="", encoding="utf-8") as file:
        return [Path(row["path"]).name for row in csv.DictReader(file)]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def records(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_one_object_a_picture(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos, "--json") == 0
    found = records(capsys)
    assert [record["path"] for record in found] == [
        str(photos / name) for name in ("a.jpg", "a.png", "below/a.JPG")
    ]
    assert [record["size"] for record in found] == [[120, 144], [120, 120], [120, 120]]
    for record in found:
        (face,) = record["faces"]
        assert set(face) >= {"box", "score", "landmarks", "probabilities", "verdict", "quality"}
        assert tuple(face["probabilities"]) == FER7.labels
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert len(face["box"]) == 4


@pytest.mark.usefixtures("yunet_env")
def test_a_photo_on_its_head_is_turned_and_said_so(
    tmp_path: Path, portrait: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "head.png"
    cv2.imwrite(str(path), cv2.rotate(portrait, cv2.ROTATE_180))
    assert run("analyze", path, "--annotate", tmp_path / "drawn") == 0
    assert capsys.readouterr().out.endswith("% (turned by 180°)\n")
    drawn = cv2.imread(str(tmp_path / "drawn" / "head.png.png"))
    # All but the drawing is the upright picture.
    assert (drawn == portrait).all(axis=2).mean() > 0.9
    assert run("analyze", path, "--json") == 0
    (record,) = records(capsys)
    assert record["turned_deg"] == 180


def test_a_photo_without_its_end_is_read_and_said_so(
    tmp_path: Path, portrait_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(portrait_file.read_bytes()[:-10])
    assert run("analyze", path) == 0
    assert capsys.readouterr().out.endswith("% (the end of the file is missing)\n")
    assert run("analyze", path, "--json") == 0
    (record,) = records(capsys)
    assert (record["incomplete"], len(record["faces"])) == (True, 1)


def test_both_readings_are_of_the_same_faces(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("analyze", photos / "a.jpg", "--json") == 0
    assert run("analyze", photos / "a.jpg", "--json", "--reading", "people") == 0
    assert run("analyze", photos / "a.jpg", "--json", "--reading", "labels") == 0
    default, people, labels = (record["faces"][0] for record in records(capsys))
    assert default == people
    assert people["box"] == labels["box"]
    assert people["probabilities"] != labels["probabilities"]


def test_ready_crops(
    tmp_path: Path, portrait: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    face = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)[110:330, 150:370]
    cv2.imwrite(str(tmp_path / "face.png"), cv2.resize(face, (48, 48)))
    for detector, count in (("haar", 0), ("none", 1)):
        assert run("analyze", tmp_path / "face.png", "--json", "--detector", detector) == 0
        assert [len(record["faces"]) for record in records(capsys)] == [count]


@pytest.mark.parametrize("threshold", ["abc", "40", "nan"])
def test_a_wrong_threshold_is_a_sentence(
    threshold: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("analyze", "a.jpg", "--threshold", threshold)
    assert f"{threshold} is not between 0 and 1" in capsys.readouterr().err


@pytest.mark.usefixtures("yunet_env")
def test_shared_photos(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"two_people.jpg": 2, "no-faces.jpg": 0, "rgba_32bit.png": 1, "obama_and_biden.jpg": 3}
    assert run("analyze", *(media / name for name in names), "--json") == 0
    found = records(capsys)
    assert [len(record["faces"]) for record in found] == list(names.values())
    assert all(len(face["landmarks"]) == 5 for record in found for face in record["faces"])


def test_sentences_for_people(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos / "a.jpg", "--threshold", "1") == 0
    assert f"{photos / 'a.jpg'}: uncertain " in capsys.readouterr().out


def test_no_face_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), small_sample()[:30])
    assert run("analyze", tmp_path) == 0
    assert "blank.png: no face" in capsys.readouterr().out


def test_csv(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    assert run("analyze", photos, "--csv", table) == 0
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert list(rows[0]) == row_columns(FER7.labels)
    assert [row["path"] for row in rows] == [
        str(photos / name) for name in ("a.jpg", "a.png", "below/a.JPG")
    ]


def test_six_classes(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "faces.csv"
    options = ("--classes", "6", "--detector", "haar", "--json", "--csv", table)
    assert run("analyze", photos / "a.jpg", *options) == 0
    (record,) = records(capsys)
    assert tuple(record["faces"][0]["probabilities"]) == FER6.labels
    assert table.read_text().splitlines()[0] == ",".join(row_columns(FER6.labels))


def test_annotated_pictures_do_not_overwrite_each_other(photos: Path, tmp_path: Path) -> None:
    # With some room around the face, which the caption does not cover.
    wide = cv2.copyMakeBorder(small_sample(), 20, 20, 20, 20, cv2.BORDER_REPLICATE)
    cv2.imwrite(str(photos / "a.jpg"), wide)
    out = tmp_path / "new" / "out"
    assert run("analyze", photos, photos / "below", "--annotate", out) == 0
    written = sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file())
    assert written == ["a.JPG.png", "a.jpg.png", "a.png.png", "below/a.JPG.png"]
    original = cv2.imread(str(photos / "a.jpg"))
    annotated = cv2.imread(str(out / "a.jpg.png"))
    assert annotated.shape == original.shape
    assert 0 < cv2.absdiff(annotated, original).any(axis=-1).mean() < 0.2


def test_annotated_pictures_of_one_name(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = tmp_path / "a.jpg"
    shutil.copy(photos / "below" / "a.JPG", other)
    assert run("analyze", photos / "a.jpg", other, "--annotate", out) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.jpg-2.png", "a.jpg.png"]


def test_several_processes_give_what_one_does(
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A report names the minute in which it was made.
    monkeypatch.setattr(page, "datetime", Noon)
    (photos / "bad.jpg").write_text("no picture")
    shutil.copy(photos / "below" / "a.JPG", photos / "below" / "a.jpg")
    wanted: list[object] = ["analyze", photos, photos / "below", "--json"]
    given = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}"
        results = {"--csv": "faces.csv", "--annotate": "drawn", "--report": "a.html"}
        options = [text for name, file in results.items() for text in (name, out / file)]
        assert run(*wanted, "--jobs", jobs, *options) == 1
        content = {name: (out / name).read_bytes() for name in files(out)}
        given.append((capsys.readouterr().out, content))
    assert given[0] == given[1]
    assert {"drawn/a.jpg.png", "drawn/a.jpg-2.png", "drawn/below/a.jpg.png"} < given[0][1].keys()


def test_several_processes_end_with_the_run(
    crop_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def say(line: str) -> None:
        said.append(line)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(photo_command, "say", say)
    table = tmp_path / "faces.csv"
    assert run("analyze", crop_files, *CROPS, "--jobs", 2, "--csv", table) == 143
    assert rows_of(table) == ["a.png"] and len(said) == 1
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    assert not children.exists() or not children.read_text().split()


@pytest.mark.parametrize("as_json", [True, False])
def test_bad_file_does_not_stop_the_rest(
    photos: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    (photos / "0.jpg").write_bytes(b"no picture")
    (photos / "1.png").write_bytes(b"")
    shutil.move(photos / "a.png", photos / "z.png")
    options = ["--json"] if as_json else []
    assert run("analyze", photos, photos / "missing.jpg", *options) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    if as_json:
        found = [json.loads(line) for line in lines]
        assert ["error" in record for record in found] == [True, True, False, False, False, True]
        assert found[0] == {
            "path": str(photos / "0.jpg"),
            "error": "The file is not a picture in a format that can be read.",
        }
    else:
        assert lines[1] == f"{photos / '1.png'}: The file is empty."
        assert lines[5].endswith("No such file or directory.")


def test_a_folder_without_pictures_is_named(
    crop_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, table = tmp_path / "empty", tmp_path / "faces.csv"
    empty.mkdir()
    sentence = f"{empty}: There are no pictures in this folder.\n"
    table.write_text("of an earlier run")
    assert run("analyze", empty, "--csv", table, *CROPS) == 1
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", sentence)
    assert table.read_text() == "of an earlier run"
    assert run("analyze", empty, crop_files, *CROPS) == 1
    streams = capsys.readouterr()
    assert (streams.out.count("\n"), streams.err) == (4, sentence)


def test_yunet_without_its_file(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos, "--detector", "yunet") == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "fer_core download" in streams.err


def test_place_that_cannot_be_written(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos / "a.jpg", "--annotate", photos / "notes.txt") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_an_unforeseen_error_ends_one_picture_only(
    crop_files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    as_json: bool,
) -> None:
    def fail() -> None:
        raise OverflowError("too large to convert to C long")

    at_picture(monkeypatch, "b.png", fail)
    caplog.set_level(logging.DEBUG, "fer_core")
    options = ["--json"] if as_json else []
    assert run("analyze", crop_files, *CROPS, *options) == 1
    streams = capsys.readouterr()
    lines = streams.out.splitlines()
    assert len(lines) == 4
    sentence = json.loads(lines[1])["error"] if as_json else lines[1]
    assert "An unforeseen error (OverflowError) ended its analysis" in sentence
    assert str(crop_files / "b.png") in lines[1]
    assert "Traceback" not in streams.out + streams.err
    assert "too large to convert" in caplog.text and "Traceback" in caplog.text


def test_verbose_tells_where_an_error_came_from(
    crop_files: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("fer_core"), "level", logging.NOTSET)
    at_picture(monkeypatch, "a.png", lambda: 1 / 0)
    assert run("analyze", crop_files / "a.png", *CROPS, "--verbose") == 1
    assert "ZeroDivisionError" in caplog.text


def test_rows_are_in_the_table_as_soon_as_they_are_read(
    crop_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "new" / "folder" / "faces.csv"
    seen = []
    at_picture(monkeypatch, "c.png", lambda: seen.append(rows_of(table)))
    assert run("analyze", crop_files, *CROPS, "--csv", table) == 0
    assert seen == [["a.png", "b.png"]]
    assert rows_of(table) == ["a.png", "b.png", "c.png", "d.png"]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_run_keeps_its_rows(
    crop_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    status: int,
) -> None:
    table, handler = tmp_path / "faces.csv", signal.getsignal(number)
    at_picture(monkeypatch, "c.png", lambda: signal.raise_signal(number))
    drawn = tmp_path / "drawn"
    assert run("analyze", crop_files, *CROPS, "--csv", table, "--annotate", drawn) == status
    assert signal.getsignal(number) == handler
    assert rows_of(table) == ["a.png", "b.png"]
    assert files(drawn) == ["a.png.png", "b.png.png"]
    streams = capsys.readouterr()
    assert streams.out.count("\n") == 2
    assert streams.err.endswith(f"\n{table} has the faces of 2 of 4 pictures.\nInterrupted.\n")


def test_an_older_table_is_replaced_only_by_a_whole_one(
    crop_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "faces.csv"
    table.write_text("older")
    with monkeypatch.context() as patch:
        at_picture(patch, "c.png", lambda: signal.raise_signal(signal.SIGINT))
        for name in ("faces.unfinished.csv", "faces.unfinished-2.csv"):
            assert run("analyze", crop_files, *CROPS, "--csv", table) == 130
            assert rows_of(tmp_path / name) == ["a.png", "b.png"]
    assert table.read_text() == "older"
    assert run("analyze", crop_files / "d.png", *CROPS, "--csv", table) == 0
    assert rows_of(table) == ["d.png"]
    assert len(list(tmp_path.glob("*.csv"))) == 3


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("crops", "crops: Is a directory."),
        ("crops/a.png/faces.csv", "a.png: There is a file where a folder should be."),
        ("/dev/full", "/dev/full: No space left on device."),
    ],
)
def test_a_table_that_cannot_be_written_is_said_before_anything_is_read(
    crop_files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    sentence: str,
) -> None:
    monkeypatch.setattr(photo_command, "read_image", None)
    assert run("analyze", crop_files, *CROPS, "--csv", crop_files.parent / place) == 2
    streams = capsys.readouterr()
    assert (streams.out, streams.err.count("\n")) == ("", 1)
    assert streams.err.endswith(f"{sentence}\n")


def test_a_picture_is_no_table(crop_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (crop_files / "a.png").read_bytes()
    with pytest.raises(SystemExit):
        run("analyze", "--csv", *sorted(crop_files.iterdir()))
    assert "a.png is a picture's name, not a table's" in capsys.readouterr().err
    assert (crop_files / "a.png").read_bytes() == content


def test_names_are_no_formulas_in_the_table(
    crop_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(crop_files)
    shutil.move("a.png", "=a.png")
    shutil.move("b.png", "@b.png")
    assert run("analyze", "=a.png", "@b.png", "c.png", *CROPS, "--csv", tmp_path / "t.csv") == 0
    assert rows_of(tmp_path / "t.csv") == ["'=a.png", "'@b.png", "c.png"]


@pytest.mark.parametrize("place", ["drawn", "."])
def test_annotated_copies_among_the_pictures_are_no_inputs(
    crop_files: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    written = [str(Path(place, f"{name}.png.png")) for name in "abcd"]
    for _ in range(2):
        assert run("analyze", crop_files, *CROPS, "--annotate", crop_files / place) == 0
        assert capsys.readouterr().out.count("\n") == 4
        assert files(crop_files) == sorted([*(f"{name}.png" for name in "abcd"), *written])
    # Who names one has it read.
    assert run("analyze", crop_files / written[0], *CROPS) == 0


def test_annotated_copies_of_two_runs_do_not_overwrite_each_other(
    crop_files: Path, tmp_path: Path
) -> None:
    other, drawn = tmp_path / "other", tmp_path / "drawn"
    shutil.copytree(crop_files, other)
    drawn.mkdir()
    shutil.copy(crop_files / "a.png", drawn / "c.png.png")  # a picture that was there before
    for _ in range(2):
        for folder in (crop_files, other):
            assert run("analyze", folder / "a.png", *CROPS, "--annotate", drawn) == 0
        assert run("analyze", crop_files / "c.png", *CROPS, "--annotate", drawn) == 0
        assert files(drawn) == ["a.png-2.png", "a.png.png", "c.png-2.png", "c.png.png"]
    assert (drawn / "c.png.png").read_bytes() == (crop_files / "a.png").read_bytes()


def test_long_names_are_cut_in_annotated_copies(crop_files: Path, tmp_path: Path) -> None:
    for first in "xy":
        shutil.copy(crop_files / "a.png", crop_files / (first + 125 * "é" + ".png"))
    for _ in range(2):
        assert run("analyze", crop_files, *CROPS, "--annotate", tmp_path / "drawn") == 0
        names = [path.name for path in (tmp_path / "drawn").iterdir()]
        long = [name for name in names if "é" in name]
        assert (len(names), len(long)) == (6, 2)
        assert all(len(name.encode()) <= 255 and "~" in name for name in long)


def test_a_copy_that_cannot_be_written_ends_one_picture_before_it_is_read(
    crop_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (crop_files / "below").mkdir()
    shutil.move(crop_files / "b.png", crop_files / "below" / "b.png")
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "below").write_text("in the way")
    at_picture(monkeypatch, "b.png", pytest.fail)
    assert run("analyze", crop_files, *CROPS, "--annotate", tmp_path / "drawn") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{crop_files / 'below' / 'b.png'}: {tmp_path / 'drawn' / 'below'}")
    assert files(tmp_path / "drawn") == ["a.png.png", "below", "c.png.png", "d.png.png"]


def test_a_picture_on_standard_input(
    crop_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in "ab":
        content = io.BytesIO((crop_files / f"{name}.png").read_bytes())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
        assert run("analyze", "-", *CROPS, "--json", "--annotate", tmp_path / "drawn") == 0
    assert [record["path"] for record in records(capsys)] == ["-", "-"]
    assert files(tmp_path / "drawn") == ["stdin-2.png", "stdin.png"]
    monkeypatch.chdir(crop_files)
    shutil.move("a.png", "-")
    assert run("analyze", "./-", *CROPS) == 0


def test_a_report_of_all_pictures(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "<b>bad.jpg").write_text("no picture")
    path = tmp_path / "new" / "report.html"
    assert run("analyze", photos, "--report", path, *CROPS) == 1
    page = checked(path.read_text(encoding="utf-8"))
    named = [text for level, text in page.headings if level == 3]
    # As in the folder that was named, not where that is.
    assert named == ["a.jpg", "a.png", "below/a.JPG"] and str(photos) not in page.text
    assert "<b>bad.jpg The file is not a picture" in page.text
    checksums = [checksum_of(photos / name) for name in named]
    assert [part[:64] for part in page.text.split("SHA-256 ")[1:4]] == checksums
    assert list(path.parent.iterdir()) == [path]
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert run("analyze", photos / "a.jpg", "--report", path, *CROPS) == 0
    assert "Facial expressions in a.jpg" in path.read_text(encoding="utf-8")


def test_a_report_needs_a_page_s_name(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (photos / "a.jpg").read_bytes()
    for name in ("a.jpg", "report", "report.txt"):
        with pytest.raises(SystemExit):
            run("analyze", photos, "--report", photos / name)
        assert capsys.readouterr().err.endswith("is not a page's name, such as report.html\n")
    assert (photos / "a.jpg").read_bytes() == before


def test_a_report_that_cannot_be_written_ends_the_run_first(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in the way").write_text("")
    assert run("analyze", photos, "--report", tmp_path / "in the way" / "report.html") == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1


def test_a_stopped_run_leaves_the_older_report(
    crop_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "report.html"
    path.parent.mkdir()
    path.write_text("older")
    at_picture(monkeypatch, "c.png", lambda: signal.raise_signal(signal.SIGINT))
    assert run("analyze", crop_files, "--report", path, *CROPS) == 130
    assert path.read_text() == "older" and list(path.parent.iterdir()) == [path]
