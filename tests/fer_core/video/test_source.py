"""Reading videos: times, facts, parts and samples, and the kinds of sources."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from fer_core.video import source as source_module
from fer_core.video.source import VideoFrame, VideoSource
from tests.fer_core.video.clips import make_clip, number_in

MILLISECONDS = Fraction(1, 1000)
UNEVEN = [0, 33, 50, 51, 90, 200, 233, 500, 501, 700, 1000]
# FFmpeg's names; AVColorSpace 1 is BT.709, 5 and 6 BT.601; AVColorRange 1 limited, 2 full.
FORMATS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264.mov": {},
    "h264.mkv": {},
    "h264.avi": {},
    "h264.ts": {},
    "h264.flv": {},
    "fragments.mp4": {"muxing": {"movflags": "frag_keyframe+empty_moov"}},
    "open-gop.mp4": {"options": {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "h264-10bit.mkv": {"pix_fmt": "yuv420p10le"},
    "vp8.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "raw.avi": {"codec": "rawvideo", "pix_fmt": "bgr24"},
}


def key(frame: VideoFrame) -> tuple[int, float, bytes]:
    return frame.index, frame.time_s, frame.bgr().tobytes()


@pytest.fixture(params=FORMATS, scope="module")
def any_format(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> VideoSource:
    """40 numbered frames at 30 a second."""
    path = tmp_path_factory.mktemp("format") / request.param
    return VideoSource(make_clip(path, range(40), **FORMATS[request.param]))


@pytest.fixture(scope="module")
def whole(any_format: VideoSource) -> list[tuple[int, float, bytes]]:
    """All of its frames, read from the beginning."""
    return [key(frame) for frame in any_format.frames()]


def test_every_frame_once_in_order_and_in_time(any_format: VideoSource) -> None:
    frames = list(any_format.frames())
    assert [number_in(frame.bgr()) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    # FLV and Matroska round to milliseconds.
    expected = [number / 30 for number in range(40)]
    assert [frame.time_s for frame in frames] == pytest.approx(expected, abs=0.001)
    assert any_format.damage is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("start", [0, 1234])
def test_uneven_times_are_right_to_the_millisecond(tmp_path: Path, name: str, start: int) -> None:
    times = [start + time for time in UNEVEN]
    with VideoSource(make_clip(tmp_path / name, times, time_base=MILLISECONDS)) as video:
        frames = list(video.frames())
    assert [round(frame.time_s * 1000, 6) for frame in frames] == UNEVEN
    assert [number_in(frame.bgr()) for frame in frames] == list(range(len(UNEVEN)))


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 1000), Fraction(1001, 30000), Fraction(1, 90000)]
)
def test_times_are_exact_in_any_time_base(tmp_path: Path, time_base: Fraction) -> None:
    times = [0, 3, 4, 10, 11, 12, 40]
    video = VideoSource(make_clip(tmp_path / "a.mp4", times, time_base=time_base))
    assert [frame.time_s for frame in video.frames()] == [float(t * time_base) for t in times]


def test_a_frame_knows_its_time_in_the_file(tmp_path: Path) -> None:
    times = [500 + time for time in UNEVEN]
    video = VideoSource(make_clip(tmp_path / "a.mkv", times, time_base=MILLISECONDS))
    assert [frame.pts * frame.time_base * 1000 for frame in video.frames()] == times
    assert video.origin_s == Fraction(1, 2)


def test_frames_that_an_edit_list_cuts_off_are_not_shown(tmp_path: Path) -> None:
    # Begins in the middle: FFmpeg writes an edit list for pictures before time 0.
    video = VideoSource(make_clip(tmp_path / "a.mp4", range(-4, 20)))
    frames = list(video.frames())
    assert [number_in(frame.bgr()) for frame in frames] == list(range(4, 24))
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[0].time_s == 0
    assert [frame.index for frame in video.frames(start_s=0.3)] == list(range(9, 20))


def test_they_describe_the_file(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", range(60), turn={"degrees": -90}, sound="aac")
    facts = VideoSource(path).facts
    assert facts.duration_s == pytest.approx(2.0)
    assert facts.size_wh == (64, 96)
    assert facts.frame_rate == pytest.approx(30)
    assert facts.frame_count == 60
    assert (facts.codec, facts.audio_codec) == ("h264", "aac")
    assert facts.rotation_deg == 90
    assert facts.bytes == path.stat().st_size


def test_they_go_into_json(tmp_path: Path) -> None:
    facts = VideoSource(make_clip(tmp_path / "a.webm", codec="libvpx")).facts
    record = json.loads(json.dumps(facts.record()))
    assert record["size_wh"] == [96, 64]
    assert record["audio_codec"] is None


def test_the_length_begins_with_the_first_frame(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4"):
        late = make_clip(tmp_path / name, range(60, 120))
        assert VideoSource(late).facts.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(0, 0.5), (0.45, None), (0.55, None), (0.4, 1.0), (1.3, 9)]
)
def test_a_part(
    any_format: VideoSource,
    whole: list[tuple[int, float, bytes]],
    start_s: float,
    end_s: float | None,
) -> None:
    part = [key(frame) for frame in any_format.frames(start_s=start_s, end_s=end_s)]
    end = inf if end_s is None else end_s
    assert part == [frame for frame in whole if start_s - 0.0006 <= frame[1] < end]
    assert part
    assert any_format.damage is None


@pytest.mark.parametrize("fps", [1, 3.7, 10, 29.97, 30, 1000])
@pytest.mark.parametrize("start_s", [0, 0.45])
def test_a_sample(
    any_format: VideoSource, whole: list[tuple[int, float, bytes]], fps: float, start_s: float
) -> None:
    whole = [frame for frame in whole if frame[1] >= start_s - 0.0006]
    ticks = [start_s + number / fps - 0.0006 for number in range(int(2 * fps) + 2)]
    chosen = {next((f for f in whole if f[1] >= tick), None) for tick in ticks} - {None}
    sample = [key(frame) for frame in any_format.frames(start_s=start_s, fps=fps)]
    assert sample == sorted(chosen)
    assert any_format.damage is None


def test_a_sample_decodes_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", range(300), gop=10))
    sent: list[object] = []
    decode = source_module.Reading._decode

    def counting(self: Any, packet: object, **how: Any) -> Any:
        sent.extend([packet] if packet is not None else [])
        return decode(self, packet, **how)

    monkeypatch.setattr(source_module.Reading, "_decode", counting)
    assert len(list(video.frames(fps=1))) == 10
    assert len(sent) < 40
    sent.clear()
    assert len(list(video.frames(start_s=9.9))) == 3
    assert len(sent) < 15


def test_nothing_is_left_of_an_empty_part(any_format: VideoSource) -> None:
    assert list(any_format.frames(start_s=99)) == []
    assert list(any_format.frames(start_s=0.5, end_s=0.5)) == []
    assert any_format.damage is None


@pytest.mark.parametrize(
    "part", [{"fps": 0}, {"fps": -1}, {"start_s": nan}, {"start_s": inf}, {"end_s": nan}]
)
def test_impossible_parts_are_refused_at_once(tmp_path: Path, part: Any) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4"))
    with pytest.raises(ValueError):
        video.frames(**part)


@pytest.mark.parametrize(
    ("time_s", "number"),
    [(-5, 0), (0, 0), (0.02, 0), (0.51, 15), (0.6333, 19), (1.3, 39), (77, 39)],
)
def test_the_frame_at_a_time(any_format: VideoSource, time_s: float, number: int) -> None:
    frame = any_format.frame_at(time_s)
    assert frame.index == number_in(frame.bgr()) == number


def test_the_frame_at_an_uneven_time(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", UNEVEN, time_base=MILLISECONDS))
    for time in sorted({max(0, at + after) for at in UNEVEN for after in (-1, 0, 1, 7, 60)}):
        shown = max(at for at in UNEVEN if at <= time)
        assert video.frame_at(time / 1000).time_s == pytest.approx(shown / 1000)


@pytest.fixture(params=["path", "temporary file", "upload"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    path = make_clip(tmp_path / "a.mp4", sound="aac")
    if request.param == "path":
        yield path
    elif request.param == "upload":
        yield io.BytesIO(path.read_bytes())
    else:
        with tempfile.TemporaryFile() as file:
            file.write(path.read_bytes())
            file.flush()
            yield file


def test_several_readings_at_once(source: Any) -> None:
    video = VideoSource(source)
    ahead, behind = video.frames(), video.frames(start_s=0.2)
    assert [next(ahead).index for _ in range(5)] == [0, 1, 2, 3, 4]
    assert [next(behind).index for _ in range(5)] == [6, 7, 8, 9, 10]
    assert video.frame_at(0.9).index == 27
    assert next(ahead).index == 5
    assert [frame.index for frame in VideoSource(source).frames(fps=10)] == list(range(0, 30, 3))


@pytest.mark.parametrize("source", ["temporary file", "upload"], indirect=True)
def test_the_file_stays_open_and_where_it_was(source: Any) -> None:
    source.seek(11)
    with VideoSource(source) as video:
        assert len(list(video.frames())) == 30
    assert source.tell() == 11
    assert not source.closed


def test_names_that_look_like_addresses(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "a.mp4").rename("concat:a|b.mp4")
    assert VideoSource(Path("concat:a|b.mp4")).facts.frame_count == 30


def test_a_real_video(media: Path) -> None:
    with VideoSource(media / "scene_cuts_9s_audio.mp4") as video:
        frames = [(frame.index, frame.time_s) for frame in video.frames()]
        assert len(frames) == 275
        assert frames[0] == (0, 0.0)
        assert frames[-1][1] == pytest.approx(274 / 29.97)
        assert float(video.origin_s) == pytest.approx(0.852, abs=0.001)
        sample = [(frame.index, frame.time_s) for frame in video.frames(fps=2)]
        assert len(sample) == 19
        assert set(sample) <= set(frames)
