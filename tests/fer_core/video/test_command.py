"""``python -m fer_core video``: files and folders, one failure among many, and going on."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.video import analysis
from tests.fer_core.video.clips import make_clip

SUFFIXES = (".annotated.mp4", ".csv", ".json", ".parquet", ".vtt")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two short clips, a file that is no video, and one of another kind."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    make_clip(folder / "a.mp4", tuple(range(12)))
    make_clip(folder / "deep" / "b.mkv", tuple(range(6)))
    (folder / "text.mp4").write_text("This is no video.")
    (folder / "notes.txt").write_text("Not looked at.")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_folder_with_a_failure_in_it(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["video", str(clips), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "a.mp4: 12 frames analysed, 0 persons." in said.out
    assert "b.mkv: 6 frames analysed, 0 persons." in said.out
    assert "text.mp4: The file is not a video" in said.out
    assert "Traceback" not in said.err
    expected = [name + end for name in ("a.mp4", "deep/b.mkv") for end in SUFFIXES]
    assert files(out) == sorted(expected)


def test_what_is_done_is_not_done_again(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["video", str(clips / "a.mp4"), "--out", str(tmp_path / "out"), "--no-video"]
    assert main(command) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "analyze_video", None)  # a call would fail
        assert main(command) == 0
    assert "already done" in capsys.readouterr().out
    assert main([*command, "--fps", "10"]) == 0
    assert "4 frames analysed" in capsys.readouterr().out
    os.utime(clips / "a.mp4", ns=(1, 1))
    assert main([*command, "--fps", "10"]) == 0
    assert "4 frames analysed" in capsys.readouterr().out


def test_ready_crops_with_either_reading(clips: Path, tmp_path: Path) -> None:
    video, out = clips / "a.mp4", tmp_path / "out"
    command = ["video", str(video), "--out", str(out), "--no-video", "--detector", "none"]
    read = []
    for options in ([], ["--reading", "labels"]):
        assert main([*command, "--fps", "5", *options]) == 0
        table = pd.read_parquet(out / "a.mp4.parquet")
        assert (table["person"] == 1).all() and (table["score"] == 1).all()
        read.append(table["happy"])
    assert (read[0] != read[1]).any()


def test_a_run_that_was_interrupted_goes_on(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["video", str(clips / "a.mp4"), str(clips / "deep"), "--out", str(tmp_path / "out")]
    whole = analysis.analyze_video

    def interrupted(source: Path, **options: object) -> analysis.VideoResult:
        if source.name == "b.mkv":
            raise KeyboardInterrupt
        return whole(source, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(analysis, "analyze_video", interrupted)
        assert main(command) == 130
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "a.mp4: already done." in said
    assert "b.mkv: 6 frames analysed" in said


def test_a_real_video(yunet_env: None, media: Path, tmp_path: Path) -> None:
    video = media / "looking_down_4s.mp4"
    arguments = ["video", str(video), "--out", str(tmp_path), "--fps", "5", "--classes", "6"]
    assert main([*arguments, "--no-video"]) == 0
    base = tmp_path / video.name
    with base.with_name(f"{base.name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = pd.read_parquet(base.with_name(f"{base.name}.parquet"))
    summary = json.loads(base.with_name(f"{base.name}.json").read_text(encoding="utf-8"))
    assert "disgust" not in rows[0] and "happy_smoothed" in rows[0]
    assert [float(row["seconds"]) for row in rows] == table["seconds"].tolist()
    assert [float(row["happy"]) for row in rows] == table["happy"].tolist()
    assert len({row["frame"] for row in rows}) == summary["frames_analyzed"] == 23
    assert [person["person"] for person in summary["persons"]] == [1]
    assert summary["request"]["detector"] == "yunet"
    assert not list(tmp_path.glob("*.mp4"))


def test_two_inputs_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder, frames in (("one", 3), ("two", 5)):
        (tmp_path / folder).mkdir()
        make_clip(tmp_path / folder / "a.mp4", tuple(range(frames)))
    inputs = [str(tmp_path / folder / "a.mp4") for folder in ("one", "two")]
    assert main(["video", *inputs, "--out", str(tmp_path / "out"), "--no-video"]) == 0
    counts = [
        json.loads((tmp_path / "out" / name).read_text())["frames_analyzed"]
        for name in ("a.mp4.json", "a.mp4-2.json")
    ]
    assert counts == [3, 5]


@pytest.mark.parametrize(
    "wrong", [["--fps", "0"], ["--fps", "many"], ["--smoothing", "-1"], ["--classes", "8"]]
)
def test_wrong_options_are_refused(wrong: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["video", "a.mp4", "--out", str(tmp_path), *wrong])
    assert ended.value.code == 2


def test_a_folder_without_videos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    assert "There are no videos" in capsys.readouterr().err
