from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from fer_core.live import recording
from fer_core.live.recording import ReadingsRecorder, VideoRecorder
from fer_core.types import FaceReading, TrackedFace, TrackedFrame
from tests.fer_core.live.conftest import eventually, live_threads


@pytest.fixture
def tracked(make_face: Callable[..., FaceReading]) -> TrackedFrame:
    reading = make_face((100, 80, 200, 200))
    face = TrackedFace(3, reading, reading.probabilities, "happy")
    return TrackedFrame(500, 60.0, (640, 480), (face,))


@pytest.fixture
def video() -> Iterator[VideoRecorder]:
    recorder = VideoRecorder()
    yield recorder
    file = recorder.finish()
    if file is not None:
        file.close()


def shade(number: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), 8 * number, np.uint8)


def decoded(recorder: VideoRecorder) -> list[av.VideoFrame]:
    file = recorder.finish()
    assert file is not None
    with file, av.open(file) as container:
        assert container.streams.video[0].codec.name == "h264"
        assert container.streams.video[0].pix_fmt == "yuv420p"
        return list(container.decode(video=0))


def test_readings_begin_at_zero(tracked: TrackedFrame) -> None:
    recorder = ReadingsRecorder(FER7.labels)
    for n in range(3):
        faces = tracked.faces if n != 1 else ()
        recorder.add(replace(tracked, index=500 + n, time_s=60.0 + n / 4, faces=faces))
    timeline = recorder.timeline()
    assert timeline.time_s.tolist() == [0.0, 0.25, 0.5]
    assert timeline.frame_index.tolist() == [0, 1, 2]
    assert timeline.row.tolist() == [0, 2] and timeline.persons() == (3,)
    assert recorder.frames == 3 and recorder.seconds == 0.5 and recorder.problem == ""


def test_readings_of_another_network_end_the_recording(tracked: TrackedFrame) -> None:
    recorder = ReadingsRecorder(FER6.labels)
    recorder.add(replace(tracked, faces=()))
    recorder.add(tracked)
    recorder.add(replace(tracked, faces=()))
    assert "emotions was changed" in recorder.problem and recorder.frames == 1


def test_readings_have_a_longest_time(tracked: TrackedFrame) -> None:
    recorder = ReadingsRecorder(FER7.labels)
    for time_s in (0.0, recording.MAX_READINGS_S, recording.MAX_READINGS_S + 1):
        recorder.add(replace(tracked, time_s=time_s))
    assert "60 minutes" in recorder.problem and recorder.frames == 2


def test_no_readings() -> None:
    assert len(ReadingsRecorder(FER7.labels).timeline().time_s) == 0


def test_the_video_has_the_pictures_and_their_times(video: VideoRecorder) -> None:
    times = [0.0, 0.04, 0.2, 0.21, 1.0]
    for number, time_s in enumerate(times):
        video.add(shade(number * 5), 100.0 + time_s)
    frames = decoded(video)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    means = [frame.to_ndarray(format="bgr24").mean() for frame in frames]
    assert means == pytest.approx([40.0 * number for number in range(5)], abs=4)
    assert video.problem == "" and video.pictures == 5


@pytest.mark.parametrize("size_wh", [(641, 479), (33, 64), (1, 1)])
def test_odd_sizes_become_even(video: VideoRecorder, size_wh: tuple[int, int]) -> None:
    video.add(shade(10, size_wh), 0.0)
    (frame,) = decoded(video)
    assert (frame.width, frame.height) == tuple(max(2, side // 2 * 2) for side in size_wh)


def test_another_size_on_the_way_is_fitted_in(video: VideoRecorder) -> None:
    video.add(shade(20), 0.0)
    video.add(shade(20, (128, 96)), 0.1)
    video.add(shade(20, (96, 128)), 0.2)
    same, larger, upright = [frame.to_ndarray(format="bgr24") for frame in decoded(video)]
    assert same.shape == larger.shape == upright.shape == (48, 64, 3)
    assert abs(larger.mean() - 160) < 5
    assert upright[:, 28:36].mean() > 140 and upright[:, :10].mean() < 25


def test_pictures_that_the_encoder_cannot_take_are_left_out(
    video: VideoRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    fitted = recording._fitted

    def slow(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
        go_on.wait(60)
        return fitted(image, size_wh)

    monkeypatch.setattr(recording, "_fitted", slow)
    for number in range(100):
        # The camera is not held up: the call returns although nothing is encoded.
        video.add(shade(1), number / 30)
    go_on.set()
    frames = decoded(video)
    assert len(frames) + video.left_out == 100 and 0 < len(frames) <= 12


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk:
        def write(self, content: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name: str) -> Any:
            return getattr(file, name)

    file = recording.tempfile.TemporaryFile()
    monkeypatch.setattr(recording.tempfile, "TemporaryFile", lambda **options: FullDisk())
    recorder = VideoRecorder()
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    recorder.add(noise, 0.0)
    assert recorder.finish() is None
    assert "disk is full" in recorder.problem
    recorder.add(noise, 1.0)


def test_a_video_has_a_longest_time(video: VideoRecorder) -> None:
    for time_s in (0.0, 1.0, recording.MAX_VIDEO_S + 1, recording.MAX_VIDEO_S + 2):
        video.add(shade(1), time_s)
    assert len(decoded(video)) == 2 and "10 minutes" in video.problem


def test_nothing_recorded() -> None:
    recorder = VideoRecorder()
    assert recorder.finish() is None and recorder.finish() is None
    assert not live_threads()


def test_a_forgotten_recorder_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_PATIENCE_S", 0.05)
    recorder = VideoRecorder()
    recorder.add(shade(1), 0.0)
    eventually(lambda: not live_threads())
    assert len(decoded(recorder)) == 1
