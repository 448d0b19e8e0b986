from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_core.budget import MemoryBudget
from fer_core.classifier import EmotionClassifier
from fer_core.errors import UnwritableVideo
from fer_core.labels import FER7
from fer_core.timeline import PersonEdits
from fer_core.video.analysis import VideoOptions
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import make_clip
from tests.ui.conftest import SAMPLE, until
from ui.common.jobs import JobQueue, JobState
from ui.video import room as video_room
from ui.video import runs as video_runs
from ui.video.runs import Drawn, Look, VideoRun, Waiting
from ui.video.shelf import Video, read_all, receive, size_of


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return EmotionClassifier.load(FER7.name)


@pytest.fixture
def video(clip: bytes) -> Video:
    return receive("clip.mp4", io.BytesIO(clip))


@pytest.fixture
def run(video: Video, classifier: EmotionClassifier) -> Callable[..., VideoRun]:
    """Analyse the clip of ten frames, to the end."""

    def make(*, annotate: bool = True) -> VideoRun:
        run = VideoRun(
            JobQueue(1),
            "anna",
            video.file,
            video.facts,
            classifier=classifier,
            class_set=FER7.name,
            detector="haar",
            options=VideoOptions(),
            annotate=annotate,
        )
        until(lambda: run.job.over)
        return run

    return make


def frames_in(drawn: Drawn) -> int:
    with av.open(io.BytesIO(read_all(drawn.file))) as container:
        return sum(1 for _ in container.decode(video=0))


def test_an_analysis_with_its_annotated_video(run) -> None:
    done = run()
    assert done.job.state is JobState.DONE and done.job.progress.done == 10
    assert len(done.job.result.result.timeline.time_s) == 10
    assert frames_in(done.drawn) == 10
    assert done.drawn.look == Look(done.options.smoothing_s, done.options.threshold)


def test_without_an_annotated_video_it_can_be_drawn_later(run, video: Video) -> None:
    done = run(annotate=False)
    assert done.drawn is None
    look = Look(1.0, 0.5, PersonEdits(names={1: "Anna"}))
    done.draw_again(JobQueue(1), "anna", video.file, look)
    until(lambda: done.drawing.over)
    assert done.drawn.look == look and frames_in(done.drawn) == 10


def test_a_video_on_its_side_is_shown_and_drawn_as_it_was_read(
    classifier: EmotionClassifier,
    tmp_path: Path,
    yunet_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    upright = cv2.resize(cv2.imread(str(SAMPLE)), (320, 400))
    on_its_side = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    path = make_clip(tmp_path / "a.mp4", range(4), size_wh=(400, 320), pictures=[on_its_side] * 4)
    video = receive("a.mp4", io.BytesIO(path.read_bytes()))
    assert video.frame_at(0).size_wh == (400, 320)
    video.run = VideoRun(
        JobQueue(1),
        "anna",
        video.file,
        video.facts,
        classifier=classifier,
        class_set=FER7.name,
        detector="yunet",
        options=VideoOptions(),
        annotate=False,
    )
    until(lambda: video.run.job.over)
    assert video.run.turned_deg == 90
    shown = video.frame_at(0).bgr()
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 8
    video.run.draw_again(JobQueue(1), "anna", video.file, Look(1.0, 0.5))
    until(lambda: video.run.drawing.over)
    with VideoSource(video.run.drawn.file) as source:
        assert source.facts.size_wh == (320, 400)


def test_a_cancelled_drawing_leaves_the_former_one(run, video: Video) -> None:
    done = run()
    before, queue = done.drawn, JobQueue(0)
    done.draw_again(queue, "anna", video.file, Look(1.0, 0.5))
    queue.cancel(done.drawing)
    assert done.drawing.state is JobState.CANCELLED and done.drawn is before


@pytest.mark.parametrize("annotate", [True, False])
def test_a_disk_without_room_is_said_before_the_work(
    run, video: Video, monkeypatch: pytest.MonkeyPatch, annotate: bool
) -> None:
    monkeypatch.setattr(video_room, "_SPARE_BYTES", 1 << 60)
    done = run(annotate=annotate)
    job = done.job
    if not annotate:
        done.draw_again(JobQueue(1), "anna", video.file, Look(1.0, 0.5))
        until(lambda: done.drawing.over)
        job = done.drawing
    assert job.state is JobState.FAILED
    assert job.error.startswith("The annotated video needs") and job.error.endswith("are free.")


def test_memory_is_waited_for_visibly(
    video: Video, classifier: EmotionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = MemoryBudget(4 << 30)
    monkeypatch.setattr("fer_core.video.memory.shared_budget", lambda: budget)
    queue = JobQueue(1)
    with budget.reserve(budget.long_bytes, long=True):
        waiting = VideoRun(
            queue,
            "anna",
            video.file,
            video.facts,
            classifier=classifier,
            class_set=FER7.name,
            detector="haar",
            options=VideoOptions(),
            annotate=False,
        )
        until(lambda: waiting.job.progress is Waiting.MEMORY)
        queue.cancel(waiting.job)
        until(lambda: waiting.job.over)
    assert waiting.job.state is JobState.CANCELLED


def test_a_failed_drawing_leaves_the_former_one(
    run, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise UnwritableVideo("The disk is full.")

    done = run()
    before = done.drawn
    monkeypatch.setattr(video_runs, "render_video", full)
    done.draw_again(JobQueue(1), "anna", video.file, Look(1.0, 0.5))
    until(lambda: done.drawing.over)
    assert done.drawing.error == "The disk is full." and done.drawn is before


def test_a_view_is_worked_out_once_a_look(run) -> None:
    done = run()
    first = done.view(Look(0.4, 0.4))
    assert done.view(Look(0.4, 0.4)) is first
    assert done.view(Look(0.5, 0.4)) is not first


def test_released_results_are_gone_although_somebody_holds_the_run(run) -> None:
    done = run()
    file = done.drawn.file
    assert size_of(file) > 0
    done.release(JobQueue(1))
    assert size_of(file) == 0
    assert done.job.over and done.job.result is None and done.drawn is None
    assert len(done.builder.build().time_s) == 0
