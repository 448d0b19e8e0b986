from __future__ import annotations

import errno
import io
import threading
from pathlib import Path

import pytest

from fer_core.errors import UnreadableVideo
from tests.ui.conftest import until
from ui.common.jobs import Job, JobQueue, JobState
from ui.video import room
from ui.video.room import NoRoom
from ui.video.shelf import Video, VideoShelf, read_all, receive, size_of


@pytest.fixture
def video(clip: bytes) -> Video:
    return receive("clip.mp4", io.BytesIO(clip))


@pytest.fixture
def shelf() -> VideoShelf:
    return VideoShelf(JobQueue(1))


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


def test_a_full_disk_is_one_sentence(
    clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(room, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(NoRoom, match=r"^The video needs .* MB in the temporary folder .*free\.$"):
        receive("clip.mp4", io.BytesIO(clip))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_becomes_full_meanwhile(clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(NoRoom, match="became full"):
        receive("clip.mp4", io.BytesIO(clip))


def test_tokens_cannot_be_guessed(clip: bytes) -> None:
    tokens = {receive("clip.mp4", io.BytesIO(clip)).token for _ in range(5)}
    assert len(tokens) == 5 and min(map(len, tokens)) >= 32


def test_only_the_token_opens_a_video(video: Video, shelf: VideoShelf) -> None:
    shelf.add(video, "anna")
    assert shelf.get(video.token, "anna") is video
    assert shelf.get("another", "anna") is None and shelf.get("", "ben") is None


def test_a_reloaded_page_keeps_the_video(video: Video, shelf: VideoShelf) -> None:
    shelf.add(video, "before")
    assert shelf.get(video.token, "after") is video
    shelf.leave("before")
    assert shelf.get(video.token, "after") is video and video.file is not None


def test_a_closed_page_loses_its_videos_alone(video: Video, clip: bytes, shelf: VideoShelf) -> None:
    other = receive("other.mp4", io.BytesIO(clip))
    shelf.add(video, "anna")
    shelf.add(other, "ben")
    video.pictures["poster"] = b"jpeg"
    shelf.leave("anna")
    shelf.leave("somebody else")
    assert shelf.get(video.token, "anna") is None
    assert video.file is None and video.run is None and not video.pictures
    assert shelf.get(other.token, "ben") is other and other.file is not None


def test_a_released_video_ends_its_work_and_frees_its_file(video: Video, shelf: VideoShelf) -> None:
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
