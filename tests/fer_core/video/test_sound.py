"""The sound of the annotated copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fer_core.video.sound import SoundTrack
from fer_core.video.source import VideoSource
from fer_core.video.writer import AnnotatedWriter
from tests.fer_core.video.clips import (
    SOUND_RATE,
    clicks,
    copy,
    make_changing_sound,
    make_clip,
    noise,
    times_of,
)

SOUNDS: dict[str, tuple[dict[str, Any], str]] = {
    "aac.mp4": ({"sound": "aac"}, "aac"),
    "opus.mkv": ({"sound": "libopus"}, "opus"),
    "opus.webm": ({"sound": "libopus", "codec": "libvpx"}, "opus"),
    "mp3.avi": ({"sound": "libmp3lame", "codec": "mpeg4"}, "mp3"),
    "flac.mkv": ({"sound": "flac"}, "flac"),
    "aac.ts": ({"sound": "aac"}, "aac"),
    "pcm.mov": ({"sound": "pcm_s16le"}, "aac"),
    "pcm.avi": ({"sound": "pcm_s16le", "codec": "mpeg4"}, "aac"),
    "ac3.mkv": ({"sound": "ac3"}, "aac"),
    "later.mp4": ({"sound": "aac", "sound_from_s": 0.3}, "aac"),
    "later.mkv": ({"sound": "ac3", "sound_from_s": 0.3}, "aac"),
    "earlier.mp4": ({"times": range(21, 93), "sound": "aac", "sound_s": 3.0}, "aac"),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, None), (1.2, 2.25)])
def test_it_stays_with_the_picture(
    tmp_path: Path, name: str, start_s: float, end_s: float | None
) -> None:
    how, codec = SOUNDS[name]
    path = make_clip(tmp_path / name, **{"times": range(72), **how})
    video = VideoSource(path)
    frames = copy(video, tmp_path / "copy.mp4", start_s=start_s, end_s=end_s)
    begin = frames[0].time_s
    end = (end_s or 99) - begin
    expected = [at - begin for at in clicks(path) if 0.01 < at - begin < end]
    heard = [at for at in clicks(tmp_path / "copy.mp4") if 0.01 < at < end]
    assert heard == pytest.approx(expected, abs=0.002)
    assert len(heard) >= 2
    assert VideoSource(tmp_path / "copy.mp4").facts.audio_codec == codec


def test_copied_sound_is_the_same_to_the_byte(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", range(60), sound="aac")
    copy(VideoSource(path), tmp_path / "copy.mp4")
    packets = []
    for file in (path, tmp_path / "copy.mp4"):
        with av.open(file) as container:
            packets.append([bytes(p) for p in container.demux(audio=0) if p.size])
    assert packets[0] == packets[1]


def test_sound_longer_than_the_picture_is_kept(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", range(30), sound="aac", sound_s=3.0)
    copy(VideoSource(path), tmp_path / "copy.mp4")
    assert len(clicks(tmp_path / "copy.mp4")) == len(clicks(path)) >= 6


def test_where_writing_stops_early_so_does_the_sound(tmp_path: Path) -> None:
    video = VideoSource(make_clip(tmp_path / "a.mp4", range(90), sound="aac"))
    with AnnotatedWriter(tmp_path / "copy.mp4", video) as writer:
        for frame in video.frames(end_s=1.2):
            writer.write(frame.bgr(), frame)
    with av.open(tmp_path / "copy.mp4") as container:
        stream = container.streams.audio[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(1.2, abs=0.06)


def test_damaged_sound_does_not_spoil_the_picture(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", range(60), sound="ac3")
    content = bytearray(path.read_bytes())
    packets = []
    with av.open(path) as container:
        packets = [bytes(p) for p in container.demux(audio=0) if p.size]
    for packet in packets[10:]:
        begin = content.index(packet)
        content[begin : begin + len(packet)] = b"\xff" * len(packet)
    path.write_bytes(content)
    copy(VideoSource(path), tmp_path / "copy.mp4")
    again = VideoSource(tmp_path / "copy.mp4")
    assert len(list(again.frames())) == 60
    assert again.facts.audio_codec == "aac"


def test_a_real_video(media: Path, tmp_path: Path) -> None:
    video = VideoSource(media / "scene_cuts_9s_audio.mp4")
    frames = copy(video, tmp_path / "copy.mp4")
    written = VideoSource(tmp_path / "copy.mp4")
    times = [frame.time_s for frame in written.frames()]
    assert times == pytest.approx(times_of(frames), abs=1e-9)
    assert written.facts.audio_codec == "aac"
    # What is heard before the first picture has no place in the copy.
    starts = []
    for file in (media / "scene_cuts_9s_audio.mp4", tmp_path / "copy.mp4"):
        with av.open(file) as container:
            sounds = [(p.pts, bytes(p)) for p in container.demux(audio=0) if p.size]
            base = container.streams.audio[0].time_base
            starts.append({content: float(pts * base) for pts, content in sounds})
    moved = [starts[0][content] - at for content, at in starts[1].items()]
    assert moved == pytest.approx([float(video.origin_s)] * len(moved), abs=0.001)


def test_sound_that_changes_its_form_goes_on(tmp_path: Path) -> None:
    path = make_changing_sound(tmp_path / "a.mkv")
    copy(VideoSource(path), tmp_path / "copy.mp4")
    heard = clicks(tmp_path / "copy.mp4")
    assert heard[-4:] == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.01)


def test_a_recording_whose_sound_changes_its_form(cases: Path, tmp_path: Path) -> None:
    path = cases / "sound_layout_changes.ts"
    _write(path, tmp_path / "copy.mp4")
    for file in (path, tmp_path / "copy.mp4"):
        with av.open(file) as container:
            begin = next(container.decode(video=0)).time
        with av.open(file) as container:
            *_, last = container.decode(audio=0)
        assert last.time - begin == pytest.approx(1.92, abs=0.05)


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_sound_in_a_form_that_mp4_does_not_take_is_converted(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(path, "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 96, 64
        tone = output.add_stream("libmp3lame", rate=11025)
        tone.layout = "mono"
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(noise(), "bgr24")
            frame.pts = number
            output.mux(stream.encode(frame))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 11025), np.int16), "s16", "mono")
        silence.sample_rate, silence.pts = 11025, 0
        for sound in (silence, None):
            output.mux(tone.encode(sound))
        output.mux(stream.encode(None))
    assert _write(path, tmp_path / "copy.mp4") is None
    with av.open(tmp_path / "copy.mp4") as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "aac" and stream.rate == 11025
        assert float(stream.duration * stream.time_base) == pytest.approx(1.0, abs=0.2)


def test_a_recording_with_such_sound(cases: Path, tmp_path: Path) -> None:
    assert _write(cases / "mp3_11025hz.avi", tmp_path / "copy.mp4") is None
    assert VideoSource(tmp_path / "copy.mp4").facts.audio_codec == "aac"


def test_where_no_sound_can_be_written_the_picture_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.video.sound._takes", lambda add: False)
    path = make_clip(tmp_path / "a.mp4", range(30), sound="aac")
    damage = _write(path, tmp_path / "copy.mp4")
    assert damage == "The annotated video has no sound: that of the video cannot be converted."
    written = VideoSource(tmp_path / "copy.mp4")
    assert len(list(written.frames())) == 30 and written.facts.audio_codec is None


def test_a_packet_that_mp4_does_not_take_ends_the_sound_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = SoundTrack._copied

    def odd(self: SoundTrack) -> Iterator[Any]:
        for number, packet in enumerate(copied(self)):
            if number == 20:
                raise av.error.InvalidDataError(1, "Malformed")
            yield packet

    monkeypatch.setattr(SoundTrack, "_outgoing", odd)
    path = make_clip(tmp_path / "a.mp4", range(60), sound="aac")
    damage = _write(path, tmp_path / "copy.mp4")
    assert damage == "The annotated video lacks some of the sound, which could not be read."
    assert len(list(VideoSource(tmp_path / "copy.mp4").frames())) == 60


def test_a_piece_of_sound_without_end_is_left_out(tmp_path: Path) -> None:
    # Uncompressed, at one sample a second: at any usual rate it would fill the memory.
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", sound="pcm_s16le")
    content = bytearray(path.read_bytes())
    place = content.index(b"auds", content.index(b"strl", content.index(b"strl") + 4))
    format_at = content.index(b"strf", place)
    rate_at = format_at + 8 + 4
    assert int.from_bytes(content[rate_at : rate_at + 4], "little") == SOUND_RATE
    content[rate_at : rate_at + 4] = (1).to_bytes(4, "little")
    path.write_bytes(content)
    damage = _write(path, tmp_path / "copy.mp4")
    assert damage == "The annotated video lacks some of the sound, which could not be read."
    assert len(list(VideoSource(tmp_path / "copy.mp4").frames())) == 30


def _write(path: Path, target: Path) -> str | None:
    """Write a copy, and return what it says of its sound."""
    video = VideoSource(path)
    with AnnotatedWriter(target, video) as writer:
        for frame in video.frames():
            writer.write(frame.bgr(), frame)
    return writer.damage


def test_sound_that_stands_still_does_not_spoil_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = SoundTrack._copied

    def damaged(self: SoundTrack) -> Iterator[Any]:
        for packet in copied(self):
            packet.pts = packet.dts = packet.pts // 100 * 100
            yield packet

    monkeypatch.setattr(SoundTrack, "_copied", damaged)
    copy(VideoSource(make_clip(tmp_path / "a.mkv", range(60), sound="aac")), tmp_path / "copy.mp4")
    again = VideoSource(tmp_path / "copy.mp4")
    assert len(list(again.frames())) == 60
    with av.open(tmp_path / "copy.mp4") as container:
        assert 5 < sum(packet.size > 0 for packet in container.demux(audio=0)) < 60
