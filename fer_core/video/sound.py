"""The sound of a video for its annotated copy: copied where browsers play it, else as AAC."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import inf
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard

from fer_core.video.opening import DECODING_ERRORS

logger = logging.getLogger(__name__)

# What MP4 can hold and Chromium, Firefox and Safari play from it.
_COPIED = ("aac", "mp3", "opus", "flac")
_AAC_RATES = (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
AAC_BITS_PER_SECOND = 64_000  # a channel
# Decoders begin cleanly only with the packet before; players cut off what lies before time 0.
_LEAD_IN_S = 0.001
# A longer piece is damage; at another rate it would take any amount of memory.
_MAX_PIECE_S = 60

INCOMPLETE = "The annotated video lacks some of the sound, which could not be read."

_AddStream = Callable[[OutputContainer], AudioStream]


class SoundTrack:
    """Reads a file's sound and hands out packets of the copy, as far as they are wanted.

    Attributes:
        damage: A sentence when not all of the sound could be read so far, else None.
    """

    damage: str | None

    def __init__(
        self,
        source: InputContainer,
        stream: AudioStream,
        target: OutputContainer,
        start_s: Fraction,
    ) -> None:
        """Add a stream to ``target``.

        Args:
            source: A file just opened; it is closed with this.
            stream: Its sound.
            target: The MP4, before its first packet.
            start_s: The moment on the file's own clock that becomes time 0.

        Raises:
            ValueError: MP4 takes the sound neither as it is nor converted.
        """
        self.damage = None
        self._source = source
        self._start_s = start_s
        for other in source.streams:
            if other is not stream:
                other.discard = Discard.all  # not even read, where the format allows it
        self._stream = stream
        self._time_base = stream.time_base or Fraction(1, 1000)
        self._encoder: AudioStream | None = None
        if _is_copied(stream) and _takes(self._add_copied):
            self._output = self._add_copied(target)
        elif _takes(self._add_encoded):
            self._encoder = self._output = self._add_encoded(target)
        else:
            raise ValueError("There is no way to write the sound.")
        self._packets = self._outgoing()
        self._next: Packet[Any] | None = None
        self._time_s = -inf

    def packets(self, until_s: float) -> Iterator[Packet[Any]]:
        """Yield the packets that begin before a time of the copy, each once, in their order."""
        while self._time_s < until_s:
            if self._next is not None:
                yield self._next
            self._next = next(self._packets, None)
            if self._next is None:
                self._time_s = inf
                break
            self._time_s = float((self._next.pts or 0) * self._next.time_base)

    def close(self) -> None:
        """Close the file that is read."""
        self._source.close()

    def _add_copied(self, target: OutputContainer) -> AudioStream:
        return target.add_stream_from_template(self._stream)

    def _add_encoded(self, target: OutputContainer) -> AudioStream:
        rate = self._stream.rate if self._stream.rate in _AAC_RATES else 48000
        channels = min(2, max(1, self._stream.channels))
        encoder = target.add_stream("aac", rate=rate)
        encoder.layout = "stereo" if channels == 2 else "mono"
        encoder.bit_rate = AAC_BITS_PER_SECOND * channels
        return encoder

    def _outgoing(self) -> Iterator[Packet[Any]]:
        """Yield all packets of the copy; damaged sound ends there and spoils nothing else."""
        last: int | None = None
        try:
            self._seek()
            packets = self._copied() if self._encoder is None else self._encoded(self._encoder)
            for packet in packets:
                # Times that do not rise are damage, which the MP4 would not take.
                if packet.pts is not None and (last is None or packet.pts > last):
                    last = packet.dts = packet.pts
                    yield packet
        except DECODING_ERRORS as error:
            logger.debug("The sound ends early: %s", error)
            self.damage = INCOMPLETE

    def _seek(self) -> None:
        if self._start_s <= 1:
            return
        try:
            self._source.seek(int((self._start_s - 1) * av.time_base))
        except DECODING_ERRORS as error:
            logger.debug("Reading the sound from its beginning: %s", error)

    def _copied(self) -> Iterator[Packet[Any]]:
        shift = round(self._start_s / self._time_base)
        for packet in self._source.demux(self._stream):
            if not packet.size or packet.pts is None:
                continue
            end = packet.pts + (packet.duration or 0) - shift
            if end * self._time_base < -_LEAD_IN_S:
                continue
            packet.pts -= shift
            packet.stream = self._output
            yield packet

    def _encoded(self, encoder: AudioStream) -> Iterator[Packet[Any]]:
        for frame in self._resampled(encoder):
            time_s = (frame.pts or 0) * (frame.time_base or Fraction(1, encoder.rate))
            frame.pts = round(time_s * encoder.rate)
            frame.time_base = Fraction(1, encoder.rate)
            yield from encoder.encode(frame)
        yield from encoder.encode(None)

    def _resampled(self, encoder: AudioStream) -> Iterator[AudioFrame]:
        """Yield the sound as the encoder wants it, also where its own form changes on the way."""
        resampler: AudioResampler | None = None
        before: tuple[str, str, int] | None = None
        for frame in self._decoded():
            form = frame.format.name, frame.layout.name, frame.sample_rate
            if resampler is None or form != before:
                if resampler is not None:
                    yield from resampler.resample(None)
                resampler = AudioResampler(encoder.format, encoder.layout, encoder.rate)
                before = form
            yield from resampler.resample(frame)
        if resampler is not None:
            yield from resampler.resample(None)

    def _decoded(self) -> Iterator[AudioFrame]:
        for packet in self._source.demux(self._stream):
            try:
                frames = self._stream.decode(packet)
            except DECODING_ERRORS as error:
                logger.debug("A packet of sound cannot be decoded: %s", error)
                self.damage = INCOMPLETE
                continue
            for frame in frames:
                if frame.samples > _MAX_PIECE_S * frame.sample_rate:
                    raise ValueError(f"{frame.samples} samples at {frame.sample_rate} Hz")
                if frame.pts is None or frame.time_base is None:
                    continue
                frame.pts -= round(self._start_s / frame.time_base)
                if frame.pts >= 0:
                    yield frame


def _is_copied(stream: AudioStream) -> bool:
    """Return whether browsers play a sound as it is."""
    context = stream.codec_context
    codec = context.codec.canonical_name
    # Without its header, as in MPEG-TS, AAC would have to be rewritten packet by packet.
    return codec == "mp3" or (codec in _COPIED and context.extradata_size > 0)


def _takes(add: _AddStream) -> bool:
    """Return whether an MP4 has a place for a stream, as not for every form of a codec."""
    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            add(trial)
            trial.start_encoding()
    except DECODING_ERRORS as error:
        logger.debug("MP4 does not take the sound: %s", error)
        return False
    return True
