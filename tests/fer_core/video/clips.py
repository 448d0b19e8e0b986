"""Small video files, made with PyAV: every kind of time, turn, format and damage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import av
import cv2
import numpy as np
from av.stream import Disposition

from fer_core.video.source import VideoFrame, VideoSource
from fer_core.video.writer import AnnotatedWriter

SOUND_RATE = 48000
# BGR of the fields in the corners; no two turns or mirrorings of a picture agree.
CORNERS = ((40, 40, 220), (40, 200, 40), (210, 60, 40), (230, 230, 230))
_BITS = 8


def picture(number: int, size_wh: tuple[int, int] = (96, 64)) -> np.ndarray:
    """A BGR picture that shows its number: a row of black and white bars between the corners."""
    width, height = size_wh
    image = np.empty((height, width, 3), np.uint8)
    upper, lower = height // 3, height - height // 3
    for place, color in enumerate(CORNERS):
        rows = slice(0, upper) if place < 2 else slice(lower, None)
        columns = slice(0, width // 2) if place % 2 == 0 else slice(width // 2, None)
        image[rows, columns] = color
    for bit in range(_BITS):
        columns = slice(bit * width // _BITS, (bit + 1) * width // _BITS)
        image[upper:lower, columns] = 255 * (number >> bit & 1)
    return image


def number_in(image: np.ndarray) -> int:
    """Read the number that an upright picture shows."""
    height, width = image.shape[:2]
    columns = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, x in enumerate(columns) if image[height // 2, x].mean() > 128)


def corners_of(image: np.ndarray) -> np.ndarray:
    """Return the colours in the middles of the corner fields, (4, 3), as in ``CORNERS``."""
    height, width = image.shape[:2]
    return np.array(
        [image[y, x] for y in (height // 6, -height // 6) for x in (width // 4, -width // 4)]
    )


def noise(size_wh: tuple[int, int] = (96, 64), seed: int = 0) -> np.ndarray:
    """A BGR picture with colours and soft structure everywhere."""
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC)


def noises(size_wh: tuple[int, int] = (96, 64)) -> Iterator[np.ndarray]:
    """Pictures without end that compress badly, so that damage in the file shows."""
    return (noise(size_wh, seed) for seed in count())


# Contents of clips by what was asked for: many tests want the same.
_made: dict[str, bytes] = {}


def make_clip(path: Path, times: Sequence[int] = tuple(range(30)), **wanted: Any) -> Path:
    """Write a clip as ``_encode_clip`` does, or once more what it wrote before."""
    if "pictures" in wanted:
        return _encode_clip(path, times, **wanted)
    asked = repr((path.suffix, list(times), sorted(wanted.items())))
    if asked in _made:
        path.write_bytes(_made[asked])
    else:
        _made[asked] = _encode_clip(path, times, **wanted).read_bytes()
    return path


def _encode_clip(
    path: Path,
    times: Sequence[int],
    *,
    time_base: Fraction = Fraction(1, 30),
    size_wh: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    gop: int = 12,
    turn: dict[str, Any] | None = None,
    pixel_aspect: Fraction | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    sound: str | None = None,
    sound_from_s: float = 0.0,
    sound_s: float | None = None,
    muxing: dict[str, str] | None = None,
    noisy: bool = False,
    pictures: Iterable[np.ndarray] | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: The file; its suffix chooses the container.
        times: Presentation time of each frame, in units of ``time_base``.
        options: The encoder's.
        turn: Arguments of ``set_display_rotation``.
        sound: An audio encoder, for clicks as long as the picture or ``sound_s``.
        muxing: The container's options.
        noisy: Shows ``noises`` instead of numbers.
        pictures: BGR pictures, instead of either.
    """
    rate = _rate(times, time_base)
    with av.open(path, "w", container_options=muxing or {}) as output:
        stream = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size_wh
        stream.pix_fmt = pix_fmt
        stream.gop_size = gop
        # Several threads for pictures as small as these mostly wait for each other, busily.
        stream.thread_count = 1
        stream.codec_context.time_base = time_base
        if turn is not None:
            stream.set_display_rotation(**turn)
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if colorspace is not None:
            stream.colorspace = colorspace
        if color_range is not None:
            stream.color_range = color_range
        tone = _add_tone(output, sound) if sound else None
        output.start_encoding()
        packets: list[av.Packet[Any]] = []
        numbered = (picture(number % (1 << _BITS), size_wh) for number in count())
        shown = pictures or (noises(size_wh) if noisy else numbered)
        for pts, image in zip(times, shown, strict=False):
            frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(
                format=pix_fmt,
                dst_colorspace=colorspace,
                dst_color_range=color_range,
                threads=1,
            )
            frame.pts, frame.time_base = pts, time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if tone is not None:
            for part in _clicking(sound_from_s, sound_s or len(times) / float(rate)):
                packets += tone.encode(part)
            packets += tone.encode(None)
        output.mux(sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base))
    return path


def make_resized(path: Path, parts: Sequence[tuple[tuple[int, int], int]]) -> Path:
    """Write numbered frames, VP8 at 30 a second, whose size changes within the stream.

    Args:
        path: The file; its suffix chooses the container.
        parts: Width and height, and how many frames have them.
    """
    begin = 0
    with av.open(path, "w") as output:
        width, height = parts[0][0]
        stream = output.add_mux_stream("vp8", rate=30, width=width, height=height)
        stream.time_base = Fraction(1, 30)
        for size_wh, frames in parts:
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.width, encoder.height = size_wh
            encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 30)
            encoder.thread_count = 1
            packets = []
            for number in range(begin, begin + frames):
                frame = av.VideoFrame.from_ndarray(picture(number, size_wh), "bgr24")
                frame.pts = number
                packets += encoder.encode(frame.reformat(format="yuv420p", threads=1))
            begin += frames
            for packet in [*packets, *encoder.encode(None)]:
                packet.stream = stream
                output.mux(packet)
    return path


def make_changing_sound(path: Path) -> Path:
    """Write two seconds of pictures and clicks; the sound becomes stereo after one second."""
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=30)
        stream.width, stream.height = 96, 64
        tone = output.add_mux_stream("ac3", rate=SOUND_RATE)
        tone.time_base = Fraction(1, SOUND_RATE)
        output.start_encoding()
        packets: list[av.Packet[Any]] = []
        for number in range(60):
            packets += stream.encode(av.VideoFrame.from_ndarray(picture(number), "bgr24"))
        packets += stream.encode(None)
        sound = list(_clicking(0.0, 2.0))
        for layout, parts in (("mono", sound[:47]), ("stereo", sound[47:])):
            encoder = av.CodecContext.create("ac3", "w")
            encoder.sample_rate, encoder.layout = SOUND_RATE, layout
            encoder.format = "fltp"
            for part in (*parts, None):
                for packet in encoder.encode(part):
                    packet.stream = tone
                    packets.append(packet)
        output.mux(sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base))
    return path


def make_sound(path: Path, *, cover: bool = False) -> Path:
    """Write half a second of sound, with a cover picture or nothing else."""
    with av.open(path, "w") as output:
        tone = _add_tone(output, "aac")
        if cover:
            stream = output.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
            stream.disposition = Disposition.attached_pic
            image = av.VideoFrame.from_ndarray(picture(1, (64, 48)), "bgr24")
            output.mux(stream.encode(image.reformat(format="rgb24", threads=1)))
            output.mux(stream.encode(None))
        for part in _clicking(0.0, 0.5):
            output.mux(tone.encode(part))
        output.mux(tone.encode(None))
    return path


def clicks(file: Path | BinaryIO) -> list[float]:
    """Return when the clicks of a file's sound begin, in seconds after its first picture."""
    with av.open(file) as container:
        first = next(container.decode(video=0)).time
    if not isinstance(file, Path):
        file.seek(0)
    loud: list[np.ndarray] = []
    with av.open(file) as container:
        resampler = av.AudioResampler("s16", "mono", SOUND_RATE)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                begin = float(part.pts * part.time_base) - first
                levels = np.abs(part.to_ndarray()[0].astype(int))
                loud.append(begin + np.flatnonzero(levels > 6000) / SOUND_RATE)
    at = np.concatenate(loud)
    # A click begins where it was quiet before.
    return at[np.diff(at, prepend=-np.inf) > 0.2].tolist()


def copy(video: VideoSource, target: Path | BinaryIO, **part: Any) -> list[VideoFrame]:
    """Write a part as it is, and return its frames."""
    frames = list(video.frames(**part))
    with AnnotatedWriter(target, video, end_s=part.get("end_s")) as writer:
        for frame in frames:
            writer.write(frame.bgr(), frame)
    assert writer.frames_written == len(frames)
    return frames


def times_of(frames: list[VideoFrame]) -> list[float]:
    return [frame.time_s - frames[0].time_s for frame in frames]


def top_boxes(content: bytes) -> dict[bytes, int]:
    """Return where each top-level box of an MP4 begins."""
    boxes, position = {}, 0
    while position + 8 <= len(content):
        boxes[content[position + 4 : position + 8]] = position
        position += max(8, int.from_bytes(content[position : position + 4]))
    return boxes


def _add_tone(output: av.container.OutputContainer, encoder: str) -> av.AudioStream:
    stream = output.add_stream(encoder, rate=SOUND_RATE)
    stream.layout = "mono"
    return stream


def _clicking(start_s: float, length_s: float) -> Iterator[av.AudioFrame]:
    """Yield silence with a click at every half second of the sound's own time."""
    step = 1024
    for begin in range(0, round(length_s * SOUND_RATE), step):
        ticks = np.arange(begin, begin + step) % (SOUND_RATE // 2)
        samples = np.where(ticks < 480, 20000 * np.sin(ticks * 0.3), 0).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = SOUND_RATE
        frame.pts, frame.time_base = round(start_s * SOUND_RATE) + begin, Fraction(1, SOUND_RATE)
        yield frame


def _rate(times: Sequence[int], time_base: Fraction) -> Fraction:
    """Return an average rate that every encoder takes."""
    length = (times[-1] - times[0]) * time_base if times else 0
    rate = (len(times) - 1) / length if length else Fraction(30)
    return min(Fraction(120), max(Fraction(1), rate)).limit_denominator(1001)
