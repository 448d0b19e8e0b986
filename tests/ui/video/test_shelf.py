from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from fer_core.errors import UnreadableVideo
from tests.ui.conftest import until
from ui.common.jobs import Job, JobQueue, JobState
from ui.video import shelf as videos
from ui.video.shelf import KEEP_S, NoRoom, Video, VideoShelf, read_all, receive, size_of


@pytest.fixture
def video(clip: bytes) -> Video:
    return receive("clip.mp4", io.BytesIO(clip))


class Browser:
    """Stands for the pages that visitors have open, and for the clock."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.closed: list[str] = []
        self.now_s = 0.0

    def shelf(self) -> VideoShelf:
        return VideoShelf(
            JobQueue(1),
            lambda session: session in self.open,
            self.closed.append,
            now=lambda: self.now_s,
        )


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    # The test sweeps by itself.
    monkeypatch.setattr(VideoShelf, "_sweep_often", lambda shelf: None)
    return Browser()


def test_an_upload_is_copied_into_a_file_without_a_name(
    clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    video = receive("clip.mp4", io.BytesIO(clip))
    assert read_all(video.file) == clip
    assert video.facts.size_wh == (64, 48)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"This is no video."], ids=["empty", "text"])
def test_no_video_is_one_sentence_and_leaves_nothing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UnreadableVideo):
        receive("notes.mp4", io.BytesIO(content))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "_MIN_FREE_BYTES", 1 << 60)
    with pytest.raises(NoRoom, match="later"):
        receive("clip.mp4", io.BytesIO(clip))


def test_tokens_cannot_be_guessed(clip: bytes) -> None:
    tokens = {receive("clip.mp4", io.BytesIO(clip)).token for _ in range(5)}
    assert len(tokens) == 5 and min(map(len, tokens)) >= 32


def test_only_the_token_opens_a_video(video: Video, browser: Browser) -> None:
    shelf = browser.shelf()
    shelf.add(video, "anna")
    assert shelf.get(video.token, "anna") is video
    assert shelf.get("another", "anna") is None and shelf.get("", "ben") is None


def test_a_reloaded_page_keeps_the_video(video: Video, browser: Browser) -> None:
    shelf = browser.shelf()
    browser.open = {"before"}
    shelf.add(video, "before")
    browser.open = set()
    shelf.sweep()
    browser.now_s = KEEP_S - 1
    browser.open = {"after"}
    assert shelf.get(video.token, "after") is video
    for seconds, closed in ((KEEP_S, []), (10 * KEEP_S, ["before"])):
        browser.now_s = seconds
        assert shelf.sweep() == 1 and browser.closed == closed


def test_a_closed_page_loses_the_video_after_a_while(video: Video, browser: Browser) -> None:
    shelf = browser.shelf()
    browser.open = {"anna"}
    shelf.add(video, "anna")
    browser.now_s = 10 * KEEP_S
    assert shelf.sweep() == 1
    browser.open = set()
    assert shelf.sweep() == 1
    browser.now_s += KEEP_S + 1
    assert shelf.sweep() == 0 and browser.closed == ["anna"]
    assert shelf.get(video.token, "anna") is None
    assert video.file is None and video.run is None and not video.pictures


def test_an_open_page_resets_the_wait(video: Video, browser: Browser) -> None:
    shelf = browser.shelf()
    shelf.add(video, "anna")
    shelf.sweep()
    browser.open = {"anna"}
    browser.now_s = KEEP_S + 1
    shelf.sweep()
    browser.open = set()
    shelf.sweep()
    assert shelf.sweep() == 1


def test_a_released_video_ends_its_work_and_frees_its_file(video: Video, browser: Browser) -> None:
    class Work:
        """Stands for a run that is under way."""

        def __init__(self, queue: JobQueue) -> None:
            self.stopped = threading.Event()
            self.job = queue.submit("anna", self._work)

        def _work(self, job: Job[None]) -> None:
            job.stop.wait(20)
            self.stopped.set()

        def release(self, queue: JobQueue) -> None:
            queue.cancel(self.job)

    shelf = browser.shelf()
    shelf.add(video, "anna")
    work = video.run = Work(shelf.queue)
    file = video.file
    assert size_of(file) > 0
    shelf.remove(video.token)
    assert work.stopped.wait(20)
    assert size_of(file) == 0
    with pytest.raises(UnreadableVideo, match="no longer here"):
        video.frame_at(0)
    until(lambda: work.job.state is JobState.CANCELLED)


def test_sweeping_ends_by_itself_and_begins_again(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "_SWEEP_EVERY_S", 0.01)
    monkeypatch.setattr(videos, "KEEP_S", 0)
    before = set(threading.enumerate())
    shelf = VideoShelf(JobQueue(1), lambda session: False, lambda session: None)
    for _ in range(2):
        video = receive("clip.mp4", io.BytesIO(clip))
        shelf.add(video, "anna")
        until(lambda video=video: video.file is None)
        until(lambda: set(threading.enumerate()) <= before)
