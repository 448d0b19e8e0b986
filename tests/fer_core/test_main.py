"""The command line."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

import fer_core
from fer_core import __main__ as cli
from fer_core.labels import FER6, FER7
from fer_core.records import row_columns
from tests.conftest import ROOT
from tests.fer_core.conftest import SAMPLES


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two portraits of one name, one of them below, and what is no picture."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    shutil.copy(SAMPLES / "grace-hopper.jpg", folder / "a.jpg")
    shutil.copy(SAMPLES / "eileen-collins.jpg", folder / "below" / "a.JPG")
    cv2.imwrite(str(folder / "a.png"), cv2.imread(str(SAMPLES / "eileen-collins.jpg")))
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def records(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_one_object_a_picture(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos, "--json") == 0
    found = records(capsys)
    assert [record["path"] for record in found] == [
        str(photos / name) for name in ("a.jpg", "a.png", "below/a.JPG")
    ]
    assert [record["size"] for record in found] == [[512, 600], [512, 512], [512, 512]]
    for record in found:
        (face,) = record["faces"]
        assert set(face) >= {"box", "score", "landmarks", "probabilities", "verdict", "quality"}
        assert tuple(face["probabilities"]) == FER7.labels
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert len(face["box"]) == 4


@pytest.mark.usefixtures("yunet_env")
def test_a_photo_on_its_head_is_turned_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upright = cv2.imread(str(SAMPLES / "grace-hopper.jpg"))
    path = tmp_path / "head.png"
    cv2.imwrite(str(path), cv2.rotate(upright, cv2.ROTATE_180))
    assert run("analyze", path, "--annotate", tmp_path / "drawn") == 0
    assert capsys.readouterr().out.endswith("% (turned by 180°)\n")
    drawn = cv2.imread(str(tmp_path / "drawn" / "head.png.png"))
    # All but the drawing is the upright picture.
    assert (drawn == upright).all(axis=2).mean() > 0.9
    assert run("analyze", path, "--json") == 0
    (record,) = records(capsys)
    assert record["turned_deg"] == 180


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


def test_ready_crops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    face = cv2.imread(str(SAMPLES / "grace-hopper.jpg"), cv2.IMREAD_GRAYSCALE)[110:330, 150:370]
    cv2.imwrite(str(tmp_path / "face.png"), cv2.resize(face, (48, 48)))
    for detector, count in (("haar", 0), ("none", 1)):
        assert run("analyze", tmp_path / "face.png", "--json", "--detector", detector) == 0
        assert [len(record["faces"]) for record in records(capsys)] == [count]


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("/usr/bin/facial-emotions", "facial-emotions"),
        ("C:/facial-emotions.exe", "facial-emotions"),
        ("/checkout/fer_core/__main__.py", "python -m fer_core"),
    ],
)
def test_help_calls_the_program_as_it_was_called(
    called: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        run("analyze", "--help")
    assert capsys.readouterr().out.startswith(f"usage: {expected} analyze ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--version")
    assert capsys.readouterr().out == f"facial-emotions {fer_core.__version__}\n"


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
    cv2.imwrite(str(tmp_path / "blank.png"), cv2.imread(str(SAMPLES / "grace-hopper.jpg"))[:90])
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
    shutil.copy(SAMPLES / "eileen-collins.jpg", other)
    assert run("analyze", photos / "a.jpg", other, "--annotate", out) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.jpg-2.png", "a.jpg.png"]


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


def test_folder_without_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "faces.csv"
    assert run("analyze", tmp_path, "--csv", table) == 0
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "There are no pictures" in streams.err
    assert table.read_text() == ",".join(row_columns(FER7.labels)) + "\n"


def test_yunet_without_its_file(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos, "--detector", "yunet") == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert "fer_core download" in streams.err


def test_place_that_cannot_be_written(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", photos / "a.jpg", "--annotate", photos / "notes.txt") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["analyze"],
        ["analyze", "a.jpg", "--classes", "8"],
        ["analyze", "a.jpg", "--detector", "mtcnn"],
        ["analyze", "a.jpg", "--threshold", "1.5"],
        ["analyze", "a.jpg", "--threshold", "nan"],
        ["guess"],
    ],
)
def test_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names of any bytes")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_no_text(tmp_path: Path, encoding: str) -> None:
    for name in (b"\xff\xfe.jpg", "名前.jpg".encode(), b"bad\xff.png"):
        shutil.copy(SAMPLES / "eileen-collins.jpg", os.fsencode(tmp_path) + b"/" + name)
    (tmp_path / os.fsdecode(b"bad\xff.png")).write_bytes(b"x")
    table = tmp_path / "faces.csv"
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "analyze", str(tmp_path), "--json", "--csv", str(table)],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    found = {record["path"]: record for record in map(json.loads, done.stdout.splitlines())}
    names = {os.fsencode(Path(path).name): "error" in found[path] for path in found}
    assert names == {b"\xff\xfe.jpg": False, "名前.jpg".encode(): False, b"bad\xff.png": True}
    assert b"\xff\xfe.jpg,1," in table.read_bytes()


def test_download_without_a_network(
    closed_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(cli, "YUNET_URL", f"http://127.0.0.1:{closed_port}/yunet.onnx")
    assert run("download") == 2
    streams = capsys.readouterr()
    assert (streams.out, streams.err.count("\n")) == ("", 1)
    assert "could not be fetched" in streams.err


def test_download_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "absent.onnx").write_bytes(b"")
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    monkeypatch.setattr(cli, "YUNET_SHA256", nothing)
    assert run("download") == 0
    assert "YuNet is already at" in capsys.readouterr().out


def test_module_can_be_run() -> None:
    command = [sys.executable, "-m", "fer_core", "analyze", str(SAMPLES), "--json"]
    done = subprocess.run(
        [*command, "--detector", "haar"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [len(json.loads(line)["faces"]) for line in done.stdout.splitlines()] == [1, 1]


def test_download_leaves_a_file_that_the_user_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"another YuNet")
    monkeypatch.setenv("FER_YUNET", str(file))
    assert cli.main(["download"]) == 0
    assert file.read_bytes() == b"another YuNet"
