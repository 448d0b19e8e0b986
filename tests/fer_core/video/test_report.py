"""The report of an analysed video."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import WholePicture
from fer_core.errors import UnreadableVideo
from fer_core.timeline import PersonEdits
from fer_core.video.analysis import VideoOptions, VideoResult, analyze_video
from fer_core.video.report import report_of_video
from fer_core.video.source import VideoSource
from tests.fer_core.reporting.checked import Page, checked
from tests.fer_core.video.clips import make_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "a.mp4", tuple(range(6)))


@pytest.fixture(scope="module")
def result(clip: Path, fer7: EmotionClassifier) -> VideoResult:
    options = VideoOptions(start_s=0.0, end_s=0.5, threshold=0.9)
    return analyze_video(clip, classifier=fer7, make_detector=WholePicture, options=options)


def report(
    result: VideoResult, source: Path | BinaryIO | None, reader: EmotionClassifier, **how: object
) -> Page:
    return checked(report_of_video("a.mp4", result, source, reader=reader, detector="none", **how))


def test_it_says_what_was_analysed_and_how(
    clip: Path, result: VideoResult, fer7: EmotionClassifier
) -> None:
    page = report(result, clip, fer7)
    for fact in ("Picture 96×64 pixels", "Codec h264", "Part analysed 0:00.0 to 0:00.5",
                 "Frames read all", "Smoothing 0.4 s", "“Uncertain” below 90%"):  # fmt: skip
        assert fact in page.text
    checksum = f"SHA-256 {hashlib.sha256(clip.read_bytes()).hexdigest()}"
    assert page.all("img") and checksum in page.text
    with clip.open("rb") as file:
        file.seek(9)
        assert checksum in report(result, file, fer7).text and file.tell() == 9


def test_changes_on_the_page_hold(clip: Path, result: VideoResult, fer7: EmotionClassifier) -> None:
    edited = PersonEdits(hidden=frozenset({1})).apply(result.timeline)
    page = report(result, clip, fer7, timeline=edited, smoothing_s=1.5, threshold=0.2)
    assert "No face was found" in page.text
    assert "Smoothing 1.5 s" in page.text and "“Uncertain” below 20%" in page.text


def test_what_is_missing_is_said(result: VideoResult, fer7: EmotionClassifier) -> None:
    facts = replace(result.facts, turned_deg=90, duration_s=None, frame_rate=None)
    partial = replace(result, facts=facts, cancelled=True, damage="One frame is damaged.")
    page = report(partial, None, fer7)
    assert "ended early: these are its results up to 0:00" in page.text
    assert "One frame is damaged. The video was turned by 90° clockwise" in page.text
    assert "Length not given by the file" in page.text and not page.all("img")
    # Without the video, only the network has a checksum.
    assert page.text.count("SHA-256") == 1


def test_frames_that_cannot_be_read_again_are_left_out(
    clip: Path, result: VideoResult, fer7: EmotionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: VideoSource, time_s: float) -> None:
        raise UnreadableVideo(f"The frame at {time_s:.2f} seconds cannot be read.")

    monkeypatch.setattr(VideoSource, "frame_at", fail)
    page = report(result, clip, fer7)
    assert not page.all("img") and page.all("svg", "areas")


def test_another_video_is_refused(
    result: VideoResult, fer7: EmotionClassifier, tmp_path: Path
) -> None:
    other = make_clip(tmp_path / "b.mp4", (0,), size_wh=(64, 96))
    with pytest.raises(ValueError, match="of 96×64 pixels; this one has 64×96"):
        report(result, other, fer7)
    (tmp_path / "c.mp4").write_text("no video")
    with pytest.raises(UnreadableVideo):
        report(result, tmp_path / "c.mp4", fer7)
