"""Writing the annotated copy of a video: H.264 with the frame times and the sound of the input."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fer_core.errors import UnwritableVideo
from fer_core.video.memory import COPY_SIDES
from fer_core.video.opening import sound_stream
from fer_core.video.sink import Sink
from fer_core.video.sound import AAC_BITS_PER_SECOND, INCOMPLETE, SoundTrack
from fer_core.video.source import VideoFacts, VideoFrame, VideoSource

logger = logging.getLogger(__name__)

MAX_SIDE = COPY_SIDES[0]
# On one core 450 frames a second of 596×336 pixels and 40 of 1920×1080; "ultrafast" doubles that,
# in files five times as large.
_PRESET = "veryfast"
_QUALITY = "23"  # CRF; x264's own default
# What that comes to at most: measured, with some reserve, and in sizes of the video itself.
_BITS_PER_PIXEL, _MOST_OF_SOURCE = 0.15, 3
_KEYFRAME_EVERY = 60  # frames; a browser jumps to keyframes
_THREADS = 2
_MAX_UNITS_PER_SECOND = 1_000_000
_BUFFER_BYTES = 1 << 18
_BT709 = 1  # the same number as AVColorSpace, AVColorPrimaries, AVColorTransferCharacteristic
# A picture that ends this much before its file's end was stopped there.
_END_TOLERANCE_S = 0.5


class AnnotatedWriter:
    """Writes an MP4 that browsers play; a context manager, for one thread at a time.

    The first frame written becomes time 0; later frames, and the sound, keep their distance
    to it. Leaving the context finishes the file; leaving it with an error removes it.

    Attributes:
        frames_written: How many frames were written; without any there is no file.
    """

    frames_written: int

    def __init__(
        self, target: Path | BinaryIO, video: VideoSource, *, end_s: float | None = None
    ) -> None:
        """Prepare to write; nothing happens before the first frame.

        Args:
            target: The file to write. A path is written under a temporary name beside it, and
                takes its name when it is complete. An open file must be readable, writable and
                seekable; what it holds is replaced, and it stays open, at its start.
            video: Where the frames come from; its sound is read anew from the file.
            end_s: Time in the input, in seconds, at which the sound ends at the latest.
        """
        self.frames_written = 0
        self._target = target
        self._video = video
        self._end_s = inf if end_s is None else end_s
        self._copy: _Copy | None = None
        self._closed = False

    @property
    def damage(self) -> str | None:
        """One sentence when the sound is missing or incomplete, else None."""
        return self._copy.damage if self._copy else None

    def write(self, image_bgr: NDArray[np.uint8], frame: VideoFrame) -> None:
        """Write a picture for the time of ``frame``.

        Args:
            image_bgr: uint8 ``(H, W, 3)``, upright, all of one size; not changed. It is encoded
                with even sides, the longer at most ``MAX_SIDE`` pixels.
            frame: The frame that it shows; times must rise.

        Raises:
            UnwritableVideo: The disk is full, or the file cannot be written.
            ValueError: The writer is closed, the times do not rise, or the picture has another
                shape or type.
        """
        if self._closed:
            raise ValueError("The video is already closed.")
        if image_bgr.dtype != np.uint8 or image_bgr.ndim != 3 or image_bgr.shape[2] != 3:
            raise ValueError(
                f"A picture must be uint8 (H, W, 3), not {image_bgr.dtype} {image_bgr.shape}."
            )
        if self._copy is not None and frame.pts <= self._copy.last.pts:
            raise ValueError(f"Frame {frame.index} is not after frame {self._copy.last.index}.")
        try:
            if self._copy is None:
                self._copy = _Copy(self._target, self._video, image_bgr, frame)
            self._copy.add(image_bgr, frame)
        except (OSError, av.FFmpegError) as error:
            self._discard()
            raise _failure(error) from error
        self.frames_written += 1

    def close(self) -> None:
        """Finish the file; a second call does nothing.

        Raises:
            UnwritableVideo: The disk is full, or the file cannot be written.
        """
        if not self._closed and self._copy is not None:
            try:
                self._copy.finish(self._end_s)
            except (OSError, av.FFmpegError) as error:
                self._discard()
                raise _failure(error) from error
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self.close()
        else:
            self._discard()

    def _discard(self) -> None:
        if not self._closed and self._copy is not None:
            self._copy.discard()
        self._closed = True


class _Copy:
    """The MP4 being written; ``damage`` as in ``AnnotatedWriter``."""

    def __init__(
        self,
        target: Path | BinaryIO,
        video: VideoSource,
        image_bgr: NDArray[np.uint8],
        first: VideoFrame,
    ) -> None:
        self.last = self._first = first
        self._facts = video.facts
        self._size_wh = even_size((image_bgr.shape[1], image_bgr.shape[0]))
        self._time_base = first.time_base
        if self._time_base < Fraction(1, _MAX_UNITS_PER_SECOND):
            self._time_base = Fraction(1, _MAX_UNITS_PER_SECOND)  # more than MP4 can count
        self._first_dts: int | None = None
        self.damage: str | None = None
        self._sink = sink = Sink(target)
        self._sound: SoundTrack | None = None
        try:
            self._output: OutputContainer = av.open(
                sink,
                "w",
                format="mp4",
                # The index in front, so that a browser plays while it loads. To move what it has
                # written, FFmpeg opens the file a second time.
                container_options={"movflags": "+faststart"},
                io_open=lambda *_: sink.reader(),
                buffer_size=_BUFFER_BYTES,
            )
            self._stream = self._add_picture()
            if self._facts.audio_codec is not None:
                self._add_sound(video)
        except BaseException:
            sink.discard()
            raise

    def add(self, image_bgr: NDArray[np.uint8], frame: VideoFrame) -> None:
        """Encode a picture, and bring the sound up to it."""
        self.last = frame
        self._mux_sound(frame.time_s)
        self._mux(self._encoded(self._picture(image_bgr, frame)))

    def finish(self, end_s: float) -> None:
        """Write what is left, the sound up to ``end_s`` of the input at most."""
        packets = list(self._encoded(None))
        if packets:
            # MP4 sums up the decoding times for the length; it has to reach the picture's end.
            shown = round((self.last.pts - self._first.pts) * self.last.time_base / self._time_base)
            last = packets[-1]
            decoded = (last.dts or 0) - (self._first_dts or 0)
            last.duration = max(1, shown + (last.duration or 0) - decoded)
        self._mux(packets)
        self._mux_sound(self._sound_end_s(end_s))
        if self._sound is not None:
            self._sound.close()
        self._output.close()
        self._sink.finish()

    def discard(self) -> None:
        """Remove the file."""
        self._sink.discard()
        if self._sound is not None:
            self._sound.close()
        with suppress(OSError, ValueError, av.FFmpegError):
            self._output.close()

    def _add_picture(self) -> VideoStream:
        rate = Fraction(1 / self._frame_s).limit_denominator(1001)
        stream = self._output.add_stream("libx264", rate=rate)
        stream.width, stream.height = self._size_wh
        stream.pix_fmt = "yuv420p"
        stream.gop_size = _KEYFRAME_EVERY
        stream.thread_count = _THREADS
        stream.color_range = ColorRange.MPEG
        stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
        stream.codec_context.time_base = self._time_base
        stream.options = {"preset": _PRESET, "crf": _QUALITY}
        return stream

    @property
    def _frame_s(self) -> float:
        """How long a frame is shown on average, in seconds, within reason."""
        return 1 / min(max(self._facts.frame_rate or 25.0, 1.0), 120.0)

    def _sound_end_s(self, end_s: float) -> float:
        """Return where the sound ends in the input: with a picture that stopped early."""
        picture_end_s = self.last.time_s + self._frame_s
        if self._facts.duration_s is None:
            return end_s
        stopped = picture_end_s + _END_TOLERANCE_S < self._facts.duration_s
        return min(end_s, picture_end_s) if stopped else end_s

    def _picture(self, image_bgr: NDArray[np.uint8], frame: VideoFrame) -> av.VideoFrame:
        """Return a picture in the encoder's colours, size and time."""
        width, height = self._size_wh
        # An odd row or column is left out: to squeeze it in would blur all others.
        if (image_bgr.shape[1] - width) in (0, 1) and (image_bgr.shape[0] - height) in (0, 1):
            image_bgr = image_bgr[:height, :width]
        same = image_bgr.shape[1::-1] == (width, height)
        picture = VideoReformatter().reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image_bgr), "bgr24"),
            width,
            height,
            "yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR if same else Interpolation.AREA,
            threads=1,
        )
        picture.pts = round((frame.pts - self._first.pts) * frame.time_base / self._time_base)
        picture.time_base = self._time_base
        return picture

    def _encoded(self, picture: av.VideoFrame | None) -> Iterator[Packet[Any]]:
        for packet in self._stream.encode(picture):
            # Counts for the last frame only; others are shown until the next.
            packet.duration = max(1, round(self._frame_s / packet.time_base))
            if self._first_dts is None:
                self._first_dts = packet.dts
            yield packet

    def _add_sound(self, video: VideoSource) -> None:
        container = video.open()
        try:
            stream = sound_stream(container)
            if stream is not None:
                begin_s = self._first.pts * self._first.time_base
                self._sound = SoundTrack(container, stream, self._output, begin_s)
                return
        except ValueError:
            self.damage = "The annotated video has no sound: that of the video cannot be converted."
        container.close()

    def _mux_sound(self, until_s: float) -> None:
        """Write the sound up to a time of the input; what MP4 does not take ends it alone."""
        if self._sound is None:
            return
        try:
            self._mux(self._sound.packets(until_s - self._first.time_s))
            self.damage = self._sound.damage
        except av.FFmpegError as error:
            if self._sink.error is not None:
                raise
            logger.debug("MP4 does not take a packet of sound: %s", error)
            self._sound.close()
            self._sound, self.damage = None, INCOMPLETE

    def _mux(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            self._output.mux_one(packet)
            if self._sink.error is not None:
                raise self._sink.error


def expected_bytes(facts: VideoFacts, start_s: float = 0.0, end_s: float | None = None) -> int:
    """Return about how large the annotated copy of a part gets, rather more than less.

    Args:
        facts: What the video says of itself.
        start_s: Where the part begins, in seconds.
        end_s: Where it ends, or None for the end of the video.
    """
    most = _MOST_OF_SOURCE * (facts.bytes or 0)
    if facts.duration_s is None:
        return most
    width, height = even_size(facts.size_wh)
    seconds = max(0.0, min(facts.duration_s, end_s or facts.duration_s) - start_s)
    picture = width * height * min(facts.frame_rate or 25.0, 120.0) * _BITS_PER_PIXEL
    whole = seconds * (picture + 2 * AAC_BITS_PER_SECOND) / 8
    return int(min(whole, most * seconds / facts.duration_s) if most else whole)


def even_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size in which a picture is encoded: even sides, at most ``MAX_SIDE``."""
    scale = min(1.0, MAX_SIDE / max(size_wh))
    if scale == 1:
        width, height = (max(2, side // 2 * 2) for side in size_wh)
    else:
        width, height = (max(2, round(side * scale / 2) * 2) for side in size_wh)
    return width, height


def _failure(error: OSError | av.FFmpegError) -> UnwritableVideo:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UnwritableVideo("The disk is full: the annotated video could not be written.")
    reason = error.strerror or "the file does not take it"
    return UnwritableVideo(f"The annotated video could not be written: {reason}.")
