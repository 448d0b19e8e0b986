"""How many frames decoders keep, as their headers tell."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from fer_core.video.opening import open_container, video_stream
from fer_core.video.references import kept_after, kept_frames
from tests.fer_core.video.clips import make_clip

HIGH_422 = {"options": {"refs": "5"}, "pix_fmt": "yuv422p10le"}
LISTS = {"options": {"refs": "4", "x264-params": "cqm=jvt"}}


def kept_in(path: Path) -> int:
    with open_container(path) as container:
        return kept_frames(video_stream(container).codec_context)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    ("how", "references"),
    [
        ({"options": {"refs": "1", "bf": "0"}}, 1),
        ({"options": {"refs": "9"}}, 9),
        (HIGH_422, 5),
        (LISTS, 4),
        ({"options": {"refs": "3", "x264-params": "cqm=jvt"}, "pix_fmt": "yuv444p"}, 3),
        ({"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=0:ref=1"}}, 1),
        ({"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=0:ref=4"}}, 4),
    ],
)
def test_headers_tell(tmp_path: Path, how: dict, references: int, suffix: str) -> None:
    path = make_clip(tmp_path / f"a{suffix}", range(2 if suffix != ".ts" else 30), **how)
    assert kept_in(path) in (references + 2, references + 3)


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
@pytest.mark.parametrize(
    "how",
    [
        {"options": {"refs": "9", "x264-params": "repeat-headers=1"}},
        {"codec": "libx265", "options": {"x265-params": "log-level=none:repeat-headers=1:ref=4"}},
    ],
)
def test_packets_tell_as_well(tmp_path: Path, how: dict, suffix: str) -> None:
    path = make_clip(tmp_path / f"a{suffix}", range(30), gop=12, **how)
    with open_container(path) as container:
        stream = video_stream(container)
        context = stream.codec_context
        told = [
            (packet.is_keyframe, kept_after(bytes(packet), context))
            for packet in container.demux(stream)
            if packet.size
        ]
        expected = kept_frames(context)
    assert {kept for keyframe, kept in told if not keyframe} == {0}
    assert {kept for keyframe, kept in told if keyframe} == {expected}
    assert kept_after(b"", context) == kept_after(b"\xff" * 50, context) == 0


def test_every_frame_by_itself(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.avi", range(2), codec="mjpeg", pix_fmt="yuvj420p")
    assert kept_in(path) == 2


@pytest.mark.parametrize(
    "header",
    [None, b"", b"\1", b"\1" * 9, b"\0\0\1\x67", b"\0\0\1\x67" + bytes(99), b"\1" + b"\xff" * 99],
)
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_without_a_header_it_is_the_most(codec: str, header: bytes | None) -> None:
    context = av.CodecContext.create(codec, "r")
    context.extradata = header
    assert kept_frames(context) == 18


@pytest.mark.parametrize(("codec", "kept"), [("vp9", 10), ("vp8", 5), ("mpeg4", 5)])
def test_other_codecs(codec: str, kept: int) -> None:
    assert kept_frames(av.CodecContext.create(codec, "r")) == kept
