"""Files that are no video: one clear sentence for each."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.errors import NoVideoStream, UnreadableVideo
from fer_core.video.opening import UNFORESEEN
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import (
    make_clip,
    make_sound,
    top_boxes,
)


def no_moov(path: Path) -> None:
    content = make_clip(path, sound="aac").read_bytes()
    path.write_bytes(content[: top_boxes(content)[b"moov"]])


def no_frames(path: Path) -> None:
    """An MP4 whose packets are all zeros."""
    content = bytearray(make_clip(path).read_bytes())
    boxes = top_boxes(bytes(content))
    begin, end = boxes[b"mdat"] + 8, boxes[b"moov"]
    content[begin:end] = bytes(end - begin)
    path.write_bytes(content)


BAD: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "empty": (lambda path: path.write_bytes(b""), UnreadableVideo, "empty"),
    "absent": (lambda path: None, UnreadableVideo, "No such file"),
    "folder": (lambda path: path.mkdir(), UnreadableVideo, "directory"),
    "text": (lambda path: path.write_text("No video.\n" * 500), UnreadableVideo, "not a video"),
    "subtitles": (
        lambda path: path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
        UnreadableVideo,
        "not a video",
    ),
    "bytes": (
        lambda path: path.write_bytes(bytes(range(256)) * 99),
        UnreadableVideo,
        "not a video",
    ),
    "no moov": (no_moov, UnreadableVideo, "incomplete"),
    "no frames": (no_frames, UnreadableVideo, "no frame"),
    "sound": (make_sound, NoVideoStream, "sound, but no video"),
    "cover": (lambda path: make_sound(path, cover=True), NoVideoStream, "cover"),
}


@pytest.mark.parametrize("kind", BAD)
def test_one_clear_sentence(tmp_path: Path, kind: str) -> None:
    make, error, words = BAD[kind]
    path = tmp_path / "video.mp4"
    make(path)
    with pytest.raises(error, match=words) as raised:
        VideoSource(path)
    if path.is_file():
        with path.open("rb") as file, pytest.raises(error, match=words):
            VideoSource(file)
    message = str(raised.value)
    assert message.endswith(".") and message.count(".") == 1
    assert message[0].isupper() and "\n" not in message


@pytest.mark.parametrize(
    ("name", "words"), [("a.mp4", "no video"), ("a.mkv", "not a video"), ("a.avi", "no frame")]
)
def test_zero_frames(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UnreadableVideo, match=words):
        VideoSource(make_clip(tmp_path / name, []))


def test_one_frame(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi"):
        video = VideoSource(make_clip(tmp_path / name, [0]))
        assert [(frame.index, frame.time_s) for frame in video.frames()] == [(0, 0.0)]
        assert [frame.index for frame in video.frames(fps=1)] == [0]
        assert video.frame_at(5).index == 0
        assert video.damage is None


@pytest.mark.parametrize(
    "list_of_files",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{name}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {name}\n",
    ],
)
def test_lists_of_other_files_are_not_followed(tmp_path: Path, list_of_files: str) -> None:
    make_clip(tmp_path / "secret.ts")
    path = tmp_path / "list.mp4"
    path.write_text(list_of_files.format(name="secret.ts"))
    for name in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(UnreadableVideo, match="not a video"):
            VideoSource(name)


@pytest.mark.parametrize("name", ["raw_h264.mp4", "raw_h264_16_bytes.mp4"])
def test_a_stream_without_a_container(cases: Path, name: str) -> None:
    # Its start code reads as the size of a box of 64 bits.
    for source in (cases / name, (cases / name).read_bytes()):
        with pytest.raises(UnreadableVideo, match=r"^The file is not a video [^.]*\.$"):
            VideoSource(source)


def break_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OverflowError("Python int too large to convert to C long")

    monkeypatch.setattr("fer_core.video.reading.Reading._pts_of", broken)


@pytest.mark.parametrize("use", ["open", "frames", "frame_at"])
def test_what_nobody_foresaw_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, use: str
) -> None:
    path = make_clip(tmp_path / "a.mp4")
    if use == "open":
        break_reading(monkeypatch)
    with pytest.raises(UnreadableVideo, match=UNFORESEEN):
        video = VideoSource(path)
        break_reading(monkeypatch)
        list(video.frames()) if use == "frames" else video.frame_at(0.5)
    assert "OverflowError" in caplog.text


def test_mistakes_of_the_caller_keep_their_names(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4"))
    for time_s in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="in seconds"):
            video.frame_at(time_s)
    with pytest.raises(TypeError):
        VideoSource(7)  # type: ignore[arg-type]


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4")
    video = VideoSource(path)
    path.unlink()
    with pytest.raises(UnreadableVideo):
        next(video.frames())
