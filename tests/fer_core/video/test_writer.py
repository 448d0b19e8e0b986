"""The annotated copy: its times, its sound, its format, and what is left when writing fails."""

from __future__ import annotations

import errno
import io
import resource
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fer_core.errors import UnwritableVideo
from fer_core.video.source import VideoSource
from fer_core.video.writer import AnnotatedWriter, even_size
from tests.fer_core.video.clips import (
    copy,
    make_clip,
    noise,
    number_in,
    times_of,
    top_boxes,
)

# Of the clip that most tests here copy.
FRAMES = 24
UNEVEN = [0, 33, 50, 51, 90, 200, 233, 500, 501, 700, 1000]


CLIPS: dict[str, dict[str, Any]] = {
    "even.mp4": {},
    "uneven.mp4": {"times": UNEVEN, "time_base": Fraction(1, 1000)},
    "uneven.mkv": {"times": UNEVEN, "time_base": Fraction(1, 1000)},
    "thousand.mkv": {"times": range(60), "time_base": Fraction(1, 1000)},
    "late.mp4": {"times": range(100, 160)},
    "cut.mp4": {"times": range(-3, 30)},
    "ntsc.mov": {"time_base": Fraction(1001, 30000)},
    "fine.mp4": {"times": [0, 41_667, 83_333, 125_001], "time_base": Fraction(1, 1_000_000)},
    "transport.ts": {"times": range(9, 60, 2)},
    "dts-only.avi": {},
    "odd.mp4": {"size_wh": (97, 65), "pix_fmt": "yuv444p"},
    "ten-bit.mkv": {"pix_fmt": "yuv420p10le"},
    "one.mp4": {"times": [0]},
    "slow.mp4": {"times": [0, 7, 30], "time_base": Fraction(1, 1)},
}


@pytest.mark.parametrize("name", CLIPS)
def test_frames_and_times_are_the_input_s(tmp_path: Path, name: str) -> None:
    video = VideoSource(make_clip(tmp_path / name, **CLIPS[name]))
    frames = copy(video, tmp_path / "copy.mp4")
    written = VideoSource(tmp_path / "copy.mp4")
    again = list(written.frames())
    assert [frame.time_s for frame in again] == pytest.approx(times_of(frames), abs=1e-6)
    assert [number_in(frame.bgr()) for frame in again] == [
        number_in(frame.bgr()) for frame in frames
    ]
    assert written.origin_s == 0
    assert written.damage is None
    last = again[-1].time_s
    assert last < (written.facts.duration_s or 0) <= last + 1.001


@pytest.mark.parametrize(("start_s", "end_s"), [(0.4, 0.8), (0.41, None), (0, 0.5)])
def test_a_part_begins_at_zero(tmp_path: Path, start_s: float, end_s: float | None) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4"))
    frames = copy(video, tmp_path / "copy.mp4", start_s=start_s, end_s=end_s)
    again = list(VideoSource(tmp_path / "copy.mp4").frames())
    assert [frame.time_s for frame in again] == pytest.approx(times_of(frames))
    assert number_in(again[0].bgr()) == frames[0].index == np.ceil(start_s * 30)


def test_browsers_can_play_it(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mkv", pix_fmt="yuv422p10le", sound="ac3"))
    copy(video, tmp_path / "copy.mp4")
    content = (tmp_path / "copy.mp4").read_bytes()
    boxes = top_boxes(content)
    assert next(iter(boxes)) == b"ftyp"
    assert boxes[b"moov"] < boxes[b"mdat"]
    with av.open(tmp_path / "copy.mp4") as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert stream.codec_context.profile in ("High", "Main", "Constrained Baseline")
        assert container.streams.audio[0].codec_context.name == "aac"


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((96, 64), (96, 64)),
        ((97, 65), (96, 64)),
        ((1, 1), (2, 2)),
        ((3840, 2160), (1920, 1080)),
        ((2160, 3840), (1080, 1920)),
        ((1921, 1081), (1920, 1080)),
        ((1920, 1081), (1920, 1080)),
        ((5000, 3), (1920, 2)),
    ],
)
def test_sides_are_even_and_not_too_long(
    size_wh: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert even_size(size_wh) == expected


@pytest.mark.parametrize("size_wh", [(97, 65), (96, 64), (2400, 101), (3, 3), (1, 5)])
def test_any_size_is_written(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", range(2)))
    shown = np.full((size_wh[1], size_wh[0], 3), (40, 120, 200), np.uint8)
    with AnnotatedWriter(tmp_path / "copy.mp4", video) as writer:
        for frame in video.frames():
            writer.write(shown, frame)
    image = next(VideoSource(tmp_path / "copy.mp4").frames()).bgr()
    assert image.shape[1::-1] == even_size(size_wh)
    assert np.abs(image.astype(int) - (40, 120, 200)).max() <= 6


def test_colours_are_kept(tmp_path: Path) -> None:
    flat = [np.full((64, 96, 3), color, np.uint8) for color in ((40, 40, 220), (220, 90, 10))]
    video = VideoSource(make_clip(tmp_path / "a.mp4", range(2)))
    with AnnotatedWriter(tmp_path / "copy.mp4", video) as writer:
        for image, frame in zip(flat, video.frames(), strict=True):
            writer.write(image, frame)
    for image, frame in zip(flat, VideoSource(tmp_path / "copy.mp4").frames(), strict=True):
        assert np.abs(frame.bgr().astype(int) - image).max() <= 6


def test_turned_videos_are_written_upright(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", turn={"degrees": -90}))
    copy(video, tmp_path / "copy.mp4")
    facts = VideoSource(tmp_path / "copy.mp4").facts
    assert (facts.size_wh, facts.rotation_deg) == ((64, 96), 0)


def test_the_caller_s_picture_is_not_changed(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", [0]))
    image = noise((96, 64))
    image.setflags(write=False)
    with AnnotatedWriter(tmp_path / "copy.mp4", video) as writer:
        writer.write(image[::-1], next(video.frames()))
    assert np.array_equal(image, noise((96, 64)))


class Full(io.BytesIO):
    """A file on a disk that has room for so many bytes only."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(content)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Most of a second, with sound."""
    path = tmp_path_factory.mktemp("in") / "a.mp4"
    return make_clip(path, range(FRAMES), size_wh=(192, 144), noisy=True, sound="aac")


@pytest.fixture
def video(clip: Path) -> VideoSource:
    return VideoSource(clip)


@pytest.fixture(scope="module")
def whole_size(clip: Path) -> int:
    """Bytes of the copy."""
    whole = io.BytesIO()
    copy(VideoSource(clip), whole)
    return len(whole.getvalue())


def test_an_open_file(video: VideoSource) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"older and longer" * 100_000)
        frames = copy(video, file)
        written = VideoSource(file)
        assert len(list(written.frames())) == len(frames)
        assert not file.closed
        content = file.read()
    boxes = top_boxes(content)
    assert boxes[b"moov"] < boxes[b"mdat"]
    assert b"older" not in content


def test_a_file_in_memory(video: VideoSource) -> None:
    file = io.BytesIO()
    copy(video, file)
    assert len(list(VideoSource(file).frames())) == FRAMES


def test_one_file_read_and_another_written_at_once(video: VideoSource) -> None:
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        with video.open() as container:
            source.write(Path(container.name.removeprefix("file:")).read_bytes())
        source.flush()
        shared = VideoSource(source)
        with AnnotatedWriter(target, shared) as writer:
            for frame in shared.frames():
                writer.write(frame.bgr(), frame)
                assert shared.frame_at(0.5).index == 15
        assert len(list(VideoSource(target).frames())) == FRAMES


def test_a_path_is_there_only_when_complete(video: VideoSource, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "copy.mp4"
    target.write_bytes(b"older")
    with AnnotatedWriter(target, video) as writer:
        for frame in video.frames():
            writer.write(frame.bgr(), frame)
            assert target.read_bytes() == b"older"
            assert len(list(folder.iterdir())) == 2
    assert len(list(VideoSource(target).frames())) == FRAMES
    assert list(folder.iterdir()) == [target]


def test_without_frames_there_is_no_file(video: VideoSource, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with AnnotatedWriter(tmp_path / "out" / "copy.mp4", video) as writer:
        pass
    assert writer.frames_written == 0
    assert list((tmp_path / "out").iterdir()) == []


def test_another_thread_may_write(video: VideoSource, tmp_path: Path) -> None:
    thread = threading.Thread(target=copy, args=(video, tmp_path / "copy.mp4"))
    thread.start()
    thread.join()
    assert len(list(VideoSource(tmp_path / "copy.mp4").frames())) == FRAMES


def test_long_names(video: VideoSource, tmp_path: Path) -> None:
    target = tmp_path / ("é" * 120 + ".mp4")
    copy(video, target)
    assert target.is_file()


# In the header, among the frames, in the last frames, while the index moves to the front.


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_full_disk(
    video: VideoSource, whole_size: int, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Full(int(whole_size * share))
    with pytest.raises(UnwritableVideo, match=r"^The disk is full[^.]*\.$"):
        copy(video, file)
    assert file.getvalue() == b""
    assert not file.closed
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_a_path_that_takes_no_more(
    video: VideoSource, whole_size: int, tmp_path: Path, share: float
) -> None:
    (tmp_path / "out").mkdir()
    room = int(whole_size * share)
    with largest_file(room), pytest.raises(UnwritableVideo, match=r"^The annotated video"):
        copy(video, tmp_path / "out" / "copy.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_in_a_buffered_temporary_file(video: VideoSource, whole_size: int) -> None:
    with tempfile.TemporaryFile() as file:
        with largest_file(whole_size // 3), pytest.raises(UnwritableVideo):
            copy(video, file)
        assert file.read() == b""
        # Nor does anything wait in the file's buffer.
        file.write(b"new")
        file.seek(0)
        assert file.read() == b"new"


def test_a_folder_that_is_not_there(video: VideoSource, tmp_path: Path) -> None:
    with pytest.raises(UnwritableVideo, match="No such file"):
        copy(video, tmp_path / "absent" / "copy.mp4")


def test_an_error_outside_leaves_nothing(video: VideoSource, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for target in (tmp_path / "out" / "copy.mp4", io.BytesIO()):
        with pytest.raises(KeyError), AnnotatedWriter(target, video) as writer:
            for frame in video.frames():
                writer.write(frame.bgr(), frame)
                if frame.index == FRAMES * 2 // 3:
                    raise KeyError
    assert list((tmp_path / "out").iterdir()) == []
    assert isinstance(target, io.BytesIO) and target.getvalue() == b""


def test_a_mistaken_use_is_refused(video: VideoSource, tmp_path: Path) -> None:
    first, second = (frame for frame, _ in zip(video.frames(), range(2), strict=False))
    with AnnotatedWriter(tmp_path / "copy.mp4", video) as writer:
        writer.write(first.bgr(), first)
        with pytest.raises(ValueError, match="not after"):
            writer.write(first.bgr(), first)
        with pytest.raises(ValueError, match="must be uint8"):
            writer.write(first.own_gray(), second)
        writer.write(second.bgr(), second)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(second.bgr(), second)
    assert len(list(VideoSource(tmp_path / "copy.mp4").frames())) == 2
