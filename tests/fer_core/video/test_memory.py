"""What videos may take in memory: refused by the header, or read with fewer frames at once."""

from __future__ import annotations

import shutil
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest

from fer_core.budget import MemoryBudget
from fer_core.errors import UnreadableVideo
from fer_core.video import memory, reading
from fer_core.video.memory import MAX_BYTES, plan_memory, room_for
from fer_core.video.source import VideoSource
from tests.fer_core.video.clips import make_clip, make_resized, noise, number_in


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> MemoryBudget:
    """Four cores and much memory, so that what is expected holds everywhere."""
    budget = MemoryBudget(4 << 30)
    monkeypatch.setattr("fer_core.budget.core_limit", lambda: 4)
    monkeypatch.setattr(memory, "shared_budget", lambda: budget)
    return budget


def context_of(codec: str) -> av.CodecContext:
    return av.CodecContext.create(codec, "r")


def test_usual_videos_are_read_with_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "kept_frames", lambda context: 6)
    plan = plan_memory(context_of("h264"), (1920, 1080), 12)
    assert plan.threads == 4 and plan.waiting_frames >= 8 and plan.copy_side == 1920
    small = plan_memory(context_of("h264"), (640, 360), 12)
    assert small.threads == 1 and small.waiting_frames == 12
    assert small.total_bytes < plan.total_bytes <= MAX_BYTES


def test_large_ones_are_read_with_fewer_frames_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "kept_frames", lambda context: 3)
    usual = plan_memory(context_of("hevc"), (1920, 1080), 24)
    large = plan_memory(context_of("hevc"), (7680, 4320), 12)
    assert large.threads == 1 and large.waiting_frames == 1
    assert large.copy_side < usual.copy_side
    assert large.total_bytes <= MAX_BYTES
    assert 7680 * 4320 < large.max_pixels < 1.05 * 7680 * 4320


@pytest.mark.parametrize(
    ("codec", "size_wh", "bits"),
    [
        ("h264", (16000, 16000), 8),
        ("h264", (8192, 8192), 8),
        ("mjpeg", (16000, 16000), 12),
        ("mjpeg", (8192, 8192), 24),
        ("hevc", (7680, 4320), 24),
        ("png", (12000, 12000), 8),
        ("gif", (12000, 12000), 32),
        ("vp8", (12000, 12000), 12),
        ("rawvideo", (2**31 - 1, 2**31 - 1), 8),
    ],
)
def test_too_large_ones_are_refused(codec: str, size_wh: tuple[int, int], bits: int) -> None:
    with pytest.raises(UnreadableVideo, match=r"^The video's frames are too large: [^.]*\.$"):
        plan_memory(context_of(codec), size_wh, bits)


def test_a_small_machine_takes_less(machine: MemoryBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "kept_frames", lambda context: 6)
    machine.long_bytes = 400_000_000
    assert plan_memory(context_of("h264"), (1920, 1080), 12).total_bytes <= 400_000_000
    with pytest.raises(UnreadableVideo, match="may take 400 MB"):
        plan_memory(context_of("h264"), (5312, 2988), 12)


@pytest.fixture
def nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a decoder was opened")

    monkeypatch.setattr(reading, "_open_decoder", refuse)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".flv"])
def test_a_decoder_is_not_even_opened(
    cases: Path, tmp_path: Path, suffix: str, nothing_is_decoded: None
) -> None:
    huge = tmp_path / f"huge{suffix}"
    if suffix == ".mp4":
        shutil.copy(cases / "h264_16000x16000.mp4", huge)
    else:
        _remux(cases / "h264_16000x16000.mp4", huge)
    with pytest.raises(UnreadableVideo, match="16,000×16,000 pixels"):
        VideoSource(huge)


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".avi"])
def test_nor_by_what_the_container_says(
    tmp_path: Path, suffix: str, nothing_is_decoded: None
) -> None:
    path = tmp_path / f"huge{suffix}"
    with av.open(path, "w") as output:
        stream = output.add_mux_stream("mjpeg", rate=25, width=16000, height=16000)
        packet = av.Packet(bytes(100))
        packet.pts = packet.dts = 0
        packet.time_base, packet.stream = Fraction(1, 25), stream
        output.mux(packet)
    with pytest.raises(UnreadableVideo, match="16,000×16,000 pixels"):
        VideoSource(path)


def test_a_header_that_says_less_than_the_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_ALWAYS_PIXELS", 96 * 64)
    monkeypatch.setattr(memory, "_PADDING", 0)
    path = make_clip(tmp_path / "a.mp4", range(3), codec="mpeg4", size_wh=(160, 128))
    content = path.read_bytes()
    sizes = (160).to_bytes(2) + (128).to_bytes(2)
    assert content.count(sizes) == 1
    path.write_bytes(content.replace(sizes, (96).to_bytes(2) + (64).to_bytes(2)))
    with pytest.raises(UnreadableVideo, match="no frame that can be decoded"):
        VideoSource(path)


def test_frames_that_become_too_large_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_resized(tmp_path / "a.webm", [((96, 64), 5), ((320, 240), 5), ((64, 96), 5)])
    assert len(list(VideoSource(path).frames())) == 15
    monkeypatch.setattr(memory, "_ALWAYS_PIXELS", 160 * 128)
    video = VideoSource(path)
    numbers = [number_in(frame.own_bgr()) for frame in video.frames()]
    assert numbers == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert video.damage == "5 frames could not be read."


def test_frames_of_more_bytes_than_ever_end_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_resized(tmp_path / "a.webm", [((96, 64), 5), ((160, 96), 5)])
    monkeypatch.setattr(memory, "_ALWAYS_BYTES", 96 * 64 * 2)
    video = VideoSource(path)
    assert len(list(video.frames())) == 5
    assert video.damage is not None and video.damage.startswith("The video breaks off after 0.1")


def test_large_frames_of_which_more_are_kept_than_the_header_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"refs": "9", "x264-params": "repeat-headers=1"}
    path = make_clip(tmp_path / "a.mp4", options=options)
    monkeypatch.setattr(memory, "kept_frames", lambda context: 3)
    assert len(list(VideoSource(path).frames())) == 30
    monkeypatch.setattr(memory, "_ALWAYS_PIXELS", 1)
    with pytest.raises(UnreadableVideo, match="no frame"):
        VideoSource(path)


def test_decoding_waits_for_room(
    tmp_path: Path, machine: MemoryBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.video.source.shared_budget", lambda: machine)
    held: list[int] = []
    reserve = machine.reserve
    monkeypatch.setattr(
        machine, "reserve", lambda size, **how: held.append(size) or reserve(size, **how)
    )
    video = VideoSource(make_clip(tmp_path / "a.mp4"))
    assert held[-1] == video.plan.decoding_bytes
    video.frame_at(0.5)
    assert len(held) == 3


def test_room_is_waited_for_until_a_cancel(machine: MemoryBudget, tmp_path: Path) -> None:
    plan = VideoSource(make_clip(tmp_path / "a.mp4")).plan
    cancelled, seen = threading.Event(), []

    def waiting() -> None:
        seen.append(1)
        cancelled.set()

    with room_for(plan, None, cancelled) as there:
        assert there
    with (
        machine.reserve(machine.long_bytes, long=True),
        room_for(plan, waiting, cancelled) as there,
    ):
        assert not there
    assert seen


def test_large_pictures_are_read_smaller(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "a.avi",
        [0],
        size_wh=(5000, 120),
        codec="mjpeg",
        pix_fmt="yuvj420p",
        pictures=[noise((5000, 120))],
    )
    frame = next(VideoSource(path).frames())
    assert frame.own_gray(memory.MAX_READ_SIDE).shape == (98, 4096)


def _remux(path: Path, target: Path) -> None:
    # Without a look at the pictures, which would take a gigabyte.
    blind = {"codec_whitelist": "none"}
    with av.open(path, container_options=blind) as container, av.open(target, "w") as output:
        stream = container.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for packet in container.demux(stream):
            if packet.size:
                packet.stream = copied
                output.mux(packet)
