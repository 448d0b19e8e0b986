"""``python -m fer_core video``: files and folders, one failure among many, and going on."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.classifier import EmotionClassifier
from fer_core.errors import UnwritableVideo
from fer_core.video import analysis, pieces
from fer_core.video.writer import AnnotatedWriter
from tests.fer_core.reporting.checked import checked
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
    assert main(["video", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"{tmp_path}: There are no videos in this folder.\n"
    assert not (tmp_path / "out").exists()


def test_numbers_are_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for option, sentence in (("--fps", "of more than 0"), ("--smoothing", "of 0 or more")):
        with pytest.raises(SystemExit):
            main(["video", "a.mp4", "--out", "out", option, "many"])
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.endswith(f"error: argument {option}: many is not a number {sentence}")


def test_an_unforeseen_error_ends_one_video_only(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analysis.analyze_video

    def fail_once(source: Path, **options: Any) -> analysis.VideoResult:
        if source.name == "a.mp4":
            raise OverflowError("too large to convert to C long")
        return whole(source, **options)

    monkeypatch.setattr(analysis, "analyze_video", fail_once)
    inputs = [str(clips / "a.mp4"), str(clips / "deep"), str(clips / "missing.mp4")]
    assert main(["video", *inputs, "--out", str(tmp_path / "out"), "--no-video"]) == 1
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith(f"{clips / 'a.mp4'}: An unforeseen error (OverflowError) ended")
    assert "b.mkv: 6 frames analysed" in lines[1]
    assert lines[2] == f"{clips / 'missing.mp4'}: No such file or directory."
    assert "Traceback" not in said.out + said.err
    assert files(tmp_path / "out") == sorted(f"b.mkv{end}" for end in SUFFIXES[1:])


def frames_in(summary: Path) -> int:
    return int(json.loads(summary.read_text())["frames_analyzed"])


def test_videos_of_one_name_in_two_runs_do_not_overwrite_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "c.mp4.json").write_text('{"title": "of another program"}')
    (out / "d.mp4.json").write_text("no JSON")
    days = {"one": 3, "two": 5}
    for day, frames in days.items():
        (tmp_path / day).mkdir()
        make_clip(tmp_path / day / "a.mp4", tuple(range(frames)))
    for name in "cd":
        shutil.copy(tmp_path / "one" / "a.mp4", tmp_path / "one" / f"{name}.mp4")
    expected = {"a.mp4": 3, "a.mp4-2": 5, "c.mp4-2": 3, "d.mp4-2": 3}
    command = ["--out", str(out), "--no-video"]
    for done in (0, 4):
        for day in days:
            assert main(["video", str(tmp_path / day), *command]) == 0
        assert capsys.readouterr().out.count("already done") == done
        for name in "cd":
            assert "frames" not in (out / f"{name}.mp4.json").read_text()
        assert {name: frames_in(out / f"{name}.json") for name in expected} == expected
    # A folder that was moved holds the same videos; a changed video has its own results anew.
    (tmp_path / "one").rename(tmp_path / "three")
    make_clip(tmp_path / "two" / "a.mp4", (0, 1))
    assert main(["video", str(tmp_path / "two"), str(tmp_path / "three"), *command]) == 0
    assert capsys.readouterr().out.count("already done") == 3
    assert frames_in(out / "a.mp4-2.json") == 2
    assert len(files(out)) == 2 + 4 * len(SUFFIXES[1:])


def test_done_means_that_all_files_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = make_clip(tmp_path / "a.mp4", (0, 1)), tmp_path / "out"
    command = ["video", str(video), "--out", str(out)]
    assert main(command) == 0
    for ending in (".annotated.mp4", ".csv", ".json"):
        (out / f"a.mp4{ending}").unlink()
        assert main(command) == 0
        assert files(out) == [f"a.mp4{end}" for end in SUFFIXES]
    assert "already done" not in capsys.readouterr().out
    # Without the annotated video, nothing is missing when it was not asked for.
    assert main([*command, "--no-video"]) == 0
    (out / "a.mp4.annotated.mp4").unlink()
    assert main([*command, "--no-video"]) == 0
    assert capsys.readouterr().out.count("already done") == 1


@pytest.mark.parametrize("place", ["out", "."])
def test_results_among_the_videos_are_no_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    make_clip(folder / "a.mp4", (0, 1, 2))
    results = [str(Path(place, f"a.mp4{end}")) for end in SUFFIXES]
    for said in ("3 frames analysed", "already done"):
        assert main(["video", str(folder), "--out", str(folder / place)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 1 and said in lines[0]
        assert files(folder) == sorted(["a.mp4", *results])


def test_long_names_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = [f"{first}{125 * 'é'}.mp4" for first in "xy"]
    for name, frames in zip(names, ((0, 1), (0, 1, 2)), strict=True):
        make_clip(folder / name, frames)
    for _ in range(2):
        assert main(["video", str(folder), "--out", str(out)]) == 0
        assert sorted(frames_in(path) for path in out.glob("*.json")) == [2, 3]
        assert len(files(out)) == 2 * len(SUFFIXES)
    assert capsys.readouterr().out.count("already done") == 2


def test_a_place_that_cannot_be_written_ends_one_video_before_its_analysis(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (clips / "text.mp4").unlink()
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").write_text("in the way")
    whole = analysis.analyze_video

    def watch(source: Path, **options: Any) -> analysis.VideoResult:
        assert source.name == "a.mp4"
        return whole(source, **options)

    monkeypatch.setattr(analysis, "analyze_video", watch)
    assert main(["video", str(clips), "--out", str(out), "--no-video"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "12 frames analysed" in lines[0]
    assert lines[1].endswith(f"{out / 'deep'}: There is a file where a folder should be.")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_whole_results_only(
    clips: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    status: int,
) -> None:
    out = tmp_path / "out"
    assert main(["video", str(clips / "a.mp4"), "--out", str(out)]) == 0
    predict = EmotionClassifier.predict
    parts = []

    def stop(classifier: EmotionClassifier, faces: Any) -> Any:
        parts.extend(out.glob(".*.part"))
        signal.raise_signal(number)
        return predict(classifier, faces)

    monkeypatch.setattr(EmotionClassifier, "predict", stop)
    inputs = [str(clips / "a.mp4"), str(clips / "deep")]
    assert main(["video", *inputs, "--out", str(out)]) == status
    assert len(parts) == 1
    assert files(out) == [f"a.mp4{end}" for end in SUFFIXES]
    assert not list(out.rglob("*.part"))
    assert "Traceback" not in capsys.readouterr().err


def test_tables_are_kept_where_the_annotated_video_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UnwritableVideo("The disk is full: the annotated video could not be written.")

    video, out = make_clip(tmp_path / "a.mp4", (0, 1, 2)), tmp_path / "out"
    command = ["video", str(video), "--out", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(AnnotatedWriter, "write", fail)
        assert main(command) == 1
    assert "The disk is full" in capsys.readouterr().out
    assert files(out) == [f"a.mp4{end}" for end in SUFFIXES[1:]]
    assert main(command) == 0
    assert "3 frames analysed" in capsys.readouterr().out
    assert files(out) == [f"a.mp4{end}" for end in SUFFIXES]


@pytest.mark.parametrize("name", ["raw_h264.mp4", "raw_h264_16_bytes.mp4"])
def test_an_elementary_stream_with_another_name_does_not_end_the_batch(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    clip = make_clip(tmp_path / "a.mp4", (0, 1))
    out = str(tmp_path / "out")
    assert main(["video", str(cases / name), str(clip), "--out", out, "--no-video"]) in (0, 1)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [str(cases / name), str(clip)]
    assert "2 frames analysed" in lines[1]
    assert "Traceback" not in said.out + said.err


def test_a_report_lies_beside_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = make_clip(tmp_path / "a.mp4", (0, 1, 2)), tmp_path / "out"
    command = ["video", str(video), "--out", str(out), "--no-video", "--detector", "none"]
    with_report = [*command, "--report"]
    endings = [*SUFFIXES[1:], ".html"]

    def done(command: list[str]) -> bool:
        assert main(command) == 0
        return "already done" in capsys.readouterr().out

    assert not done(command) and len(files(out)) == len(SUFFIXES[1:])
    assert not done(with_report)
    assert files(out) == sorted(f"a.mp4{end}" for end in endings)
    report = out / "a.mp4.html"
    page = checked(report.read_text(encoding="utf-8"))
    assert page.headings[0][1] == "Facial expressions in a.mp4" and page.all("img")
    assert "Face detector none" in page.text and "3 analysed frames" in page.text
    # Without it nothing is missing, and an older one is none of a new run's.
    assert done(with_report) and done(command)
    assert not done([*command, "--threshold", "0.9"])
    assert not done([*with_report, "--threshold", "0.9"])
    assert "when no emotion reaches 90%" in report.read_text(encoding="utf-8")
    report.unlink()
    assert not done([*with_report, "--threshold", "0.9"]) and report.is_file()
    # What follows the flag and is no page's name is an input.
    rest = ["--out", str(out), "--no-video", "--detector", "none", "--threshold", "0.9"]
    assert done(["video", *rest, "--report", str(video)])


def test_a_report_of_one_video_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, out = make_clip(tmp_path / "a.mp4", (0, 1, 2)), tmp_path / "out"
    page, other = tmp_path / "new" / "page.html", tmp_path / "other.HTM"
    command = ["video", str(video), "--out", str(out), "--no-video", "--detector", "none"]

    def done(report: Path) -> bool:
        assert main([*command, "--report", str(report)]) == 0
        return "already done" in capsys.readouterr().out

    assert not done(page) and done(page)
    assert files(out) == sorted(f"a.mp4{end}" for end in SUFFIXES[1:])
    assert "Facial expressions in a.mp4" in page.read_text(encoding="utf-8")
    assert list(page.parent.iterdir()) == [page]
    # Another page is another request, and so is one that is gone.
    assert not done(other) and other.is_file()
    page.unlink()
    assert not done(page) and page.is_file()
    shutil.copy(video, tmp_path / "b.mp4")
    for paths, sentence in (
        ([video, tmp_path / "b.mp4"], "page.html can be the page of one video, and these are 2"),
        ([], "the following arguments are required: INPUT"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["video", *map(str, paths), "--out", str(out), "--report", str(page)])
        assert sentence in capsys.readouterr().err


def test_several_processes_give_what_one_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LEAST_S", 0.5)
    clip = make_clip(tmp_path / "a.mp4", range(60), sound="aac")
    read = []
    whole = analysis.analyze_video
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}"
        command = ["video", str(clip), "--out", str(out), "--detector", "none"]
        assert main([*command, "--fps", "7.5", "--jobs", str(jobs)]) == 0
        monkeypatch.setattr(analysis, "analyze_video", None)  # a call would fail
        table = pd.read_parquet(out / "a.mp4.parquet")
        copy = (out / "a.mp4.annotated.mp4").read_bytes()
        read.append((capsys.readouterr().out, table, copy))
    monkeypatch.setattr(analysis, "analyze_video", whole)
    assert read[0][0] == read[1][0] and "15 frames analysed, 1 person." in read[0][0]
    pd.testing.assert_frame_equal(read[0][1], read[1][1], rtol=0, atol=1e-6)
    assert read[0][2] == read[1][2]


def test_what_several_processes_cannot_read_one_reads(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "analyze_in_pieces", lambda *_, **__: None)
    command = ["video", str(clips), "--out", str(tmp_path / "out"), "--no-video", "--jobs", "2"]
    assert main(command) == 1
    assert "a.mp4: 12 frames analysed, 0 persons." in capsys.readouterr().out
