"""One pass over a video's packets: seeking, leaving out, decoding, and what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain
from math import floor, inf
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from fer_core.errors import UnreadableVideo
from fer_core.video.memory import MemoryPlan
from fer_core.video.opening import DECODING_ERRORS, video_stream
from fer_core.video.references import kept_after
from fer_core.video.sampling import FrameChoice, PacketGate

logger = logging.getLogger(__name__)

# Behind the break of a file each missing packet is an error of its own.
_MAX_FAILURES = 100
# What a file says of its length is rounded, and the last frame's own duration often unknown.
_LENGTH_TOLERANCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture, its number in the file and its presentation time in ``time_base``."""

    index: int
    pts: int
    picture: av.VideoFrame


def first_picture(container: InputContainer, plan: MemoryPlan) -> av.VideoFrame:
    """Return the first picture that can be decoded by itself, whatever its time.

    A decoder that is told of the end after every packet never holds more than that one.

    Args:
        container: A file just opened, of which nothing else can be read afterwards.
        plan: Bounds what is decoded.

    Raises:
        NoVideoStream: The file has no video.
        UnreadableVideo: No decoder takes the codec or its data, or there is no such picture.
    """
    stream = video_stream(container)
    _open_decoder(stream, replace(plan, threads=1))
    for packet in container.demux(stream):
        for part in (packet, None):
            try:
                pictures = stream.decode(part)
            except DECODING_ERRORS as error:
                logger.debug("A frame cannot be decoded: %s", error)
                continue
            if pictures:
                return pictures[0]
        stream.codec_context.flush_buffers()
    raise UnreadableVideo("The video holds no frame that can be decoded.")


def bytes_of(picture: av.VideoFrame) -> int:
    """Return how much memory a decoded picture takes."""
    return picture.width * picture.height * picture.format.padded_bits_per_pixel // 8


def _open_decoder(stream: VideoStream, plan: MemoryPlan) -> None:
    stream.thread_type = "AUTO" if plan.threads > 1 else "NONE"
    stream.thread_count = plan.threads
    stream.codec_context.options = {"max_pixels": str(plan.max_pixels)}
    try:
        # Some decoders read skip_frame when they start, and never again.
        stream.codec_context.open(strict=False)
    except DECODING_ERRORS as error:
        raise UnreadableVideo("The video's codec data are damaged.") from error


class Reading:
    """Reads one stretch of a video, once.

    Attributes:
        stream: The moving picture.
        time_base: Seconds a unit of its times.
        timed: Whether its packets tell when they are shown.
        unreadable: How many frames were lost to errors.
        damaged: How many frames were read that the decoder had to mend.
        broke_off: Whether the file ended before the length that it states.
    """

    def __init__(
        self,
        container: InputContainer,
        plan: MemoryPlan,
        *,
        first_pts: int | None = None,
        start_s: float = 0.0,
        end_s: float = inf,
        fps: float | None = None,
        from_s: float | None = None,
    ) -> None:
        """Prepare to read; see ``VideoSource.frames``.

        Args:
            container: A file just opened.
            plan: Bounds what is decoded.
            first_pts: Presentation time of the file's first frame, from which seconds count;
                None when that is not known yet, for reading from the beginning.
            start_s: Takes frames from here on.
            end_s: Takes frames before this.
            fps: None for every frame, else how many a second.
            from_s: Takes only such frames from here on. Their numbers may then count from another
                frame than the file's first, where that saves reading all before.

        Raises:
            NoVideoStream: The file has no video.
            UnreadableVideo: No decoder takes the codec or its data.
            ValueError: ``start_s`` or ``fps`` is not valid.
        """
        self.stream: VideoStream = video_stream(container)
        self.time_base: Fraction = self.stream.time_base or Fraction(1, 1000)
        self.unreadable = 0
        self.damaged = 0
        self.broke_off = False
        self._container = container
        self._first_pts = first_pts
        self._end_s = end_s
        self._choice = FrameChoice(start_s, fps, -inf if from_s is None else from_s)
        self._counts = from_s is None
        self._gate: PacketGate[Packet[Any]] = PacketGate(self._choice)
        self._ahead: list[int] = []  # heap of presentation times of packets, not frames yet
        self._number = 0
        self._delay = 0
        self._reached_s = -inf
        self._failures = 0
        # AVI has no presentation times; FFmpeg's guesses are wrong where frames are reordered.
        self.timed = not (container.format.name == "avi" and self.stream.codec_context.has_b_frames)
        self._max_frame_bytes, self._max_kept = plan.max_frame_bytes, plan.max_kept
        _open_decoder(self.stream, plan)
        self._sought = self._seek(self._choice.first_s)

    def frames(self) -> Generator[Decoded, None, None]:
        """Yield the frames taken, in the order of presentation, their times rising."""
        last: int | None = None
        for picture in self._pictures():
            if bytes_of(picture) > self._max_frame_bytes:
                self.broke_off = True
                return
            pts = self._pts_of(picture, last)
            if last is not None and pts <= last:
                self.unreadable += 1  # shown for no time, or timed before what was shown
                continue
            last = pts
            index = self._index_of(pts)
            time_s = self.seconds(pts)
            if time_s >= self._end_s:
                return
            if self._choice.take(time_s):
                self.damaged += picture.is_corrupt
                yield Decoded(index, pts, picture)

    def packets(self) -> Iterator[Packet[Any]]:
        """Yield the video's packets in decoding order, also after unreadable places."""
        streams = (self.stream, *self._container.streams.audio)
        packets = self._sought or self._container.demux(*streams)
        while self._failures < _MAX_FAILURES:
            try:
                packet = next(packets, None)
            except DECODING_ERRORS as error:
                logger.debug("A packet cannot be read: %s", error)
                self._failures += 1
                packets = self._container.demux(*streams)
                continue
            if packet is None:
                break
            if packet.size and packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                if packet.stream_index == self.stream.index or not self._is_mov:
                    self._reached_s = max(self._reached_s, float(end))
            if packet.size and packet.stream_index == self.stream.index:
                yield packet
        self.broke_off = self._ends_early()

    def keyframe_before(self, time_s: float) -> float | None:
        """Return the time of the keyframe where reading from a time on begins, or None.

        None also where it would begin with the file, and where what is there is no keyframe.
        Nothing else can be read afterwards.
        """
        packets = self._seek(time_s)
        landed = None if packets is None else next(packets)
        if landed is None or landed.pts is None or not landed.is_keyframe:
            return None
        return self.seconds(landed.pts)

    def seconds(self, pts: int) -> float:
        """Return a presentation time in seconds after the first frame."""
        return float((pts - (self._first_pts or 0)) * self.time_base)

    def stated_end_s(self) -> float | None:
        """Return where, on its own clock, a file says that it ends; None where that is guessed."""
        stream, kind = self.stream, self._container.format.name
        if self._is_mov and stream.duration is not None:
            return float(((stream.start_time or 0) + stream.duration) * self.time_base)
        if kind == "avi" and stream.frames and stream.average_rate:
            return float(stream.frames / stream.average_rate)
        if self._is_matroska and self._container.duration is not None:
            return self._container.duration / av.time_base
        return None

    def _pictures(self) -> Iterator[av.VideoFrame]:
        context = self.stream.codec_context
        for packet in self.packets():
            if self.timed and packet.dts is not None and self.seconds(packet.dts) >= self._end_s:
                break  # no packet after this can be shown before it
            if self._max_kept and kept_after(bytes(packet), context) > self._max_kept:
                self.broke_off = True
                break
            time_s = None
            # Packets that an edit list cuts off are decoded, as references, and not shown.
            if self.timed and packet.pts is not None and not packet.is_discard:
                heappush(self._ahead, packet.pts)
                if self._first_pts is not None:
                    time_s = self.seconds(packet.pts)
            admitted = self._gate.admit(
                packet, time_s, keyframe=packet.is_keyframe, size_bytes=packet.size
            )
            for released in admitted:
                if released.fresh:
                    yield from self._decode(None)
                    context.flush_buffers()
                # "NONREF" leaves out pictures that no other refers to.
                context.skip_frame = "DEFAULT" if released.wanted else "NONREF"
                yield from self._decode(released.packet, counts=not released.leading)
        yield from self._decode(None)

    def _decode(self, packet: Packet[Any] | None, *, counts: bool = True) -> list[av.VideoFrame]:
        try:
            return self.stream.decode(packet)
        except DECODING_ERRORS as error:
            logger.debug("A frame cannot be decoded: %s", error)
            self.unreadable += counts
            return []

    def _pts_of(self, picture: av.VideoFrame, last: int | None) -> int:
        """Return a picture's time; where the file has none, one frame after the last."""
        if self.timed and picture.pts is not None:
            return picture.pts
        if not self.timed and picture.dts is not None:
            # Pictures come out in the order in which they are shown, and so rise the decoding
            # times of the packets that pushed them out; the first is shown at 0.
            if last is None:
                self._delay = picture.dts
            return picture.dts - self._delay
        if last is None:
            return 0
        return last + max(1, round(1 / (self.stream.average_rate or 25) / self.time_base))

    def _index_of(self, pts: int) -> int:
        """Return the number of the frame at a time; packets up to it have all been read."""
        if not self.timed:
            self._number += 1
            return self._number - 1
        while self._ahead and self._ahead[0] < pts:
            heappop(self._ahead)
            self._number += 1
        return self._number

    def _seek(self, target_s: float) -> Iterator[Packet[Any]] | None:
        """Go to a keyframe at or before a time, where the file's index tells its number.

        Numbers that need not count from the file's first frame can do without an index.

        Returns:
            The packets from there on, or None to read from the beginning.
        """
        entries = self.stream.index_entries
        known = 0 < self.stream.frames <= len(entries)
        if self._first_pts is None or not self.timed:
            return None
        if not known and (self._counts or not self._is_matroska):
            return None
        # A thousandth of a unit, lest the division of a frame's own time falls short of it.
        units = floor(target_s / self.time_base + 0.001)
        wanted = target = self._first_pts + units
        while target > self._first_pts:
            try:
                self._container.seek(target, stream=self.stream)
                packets = self._container.demux(self.stream, *self._container.streams.audio)
                skipped = next((p for p in packets if p.stream_index == self.stream.index), None)
            except DECODING_ERRORS as error:
                logger.debug("Seeking fails: %s", error)
                break
            if skipped is None or skipped.pts is None:
                break
            if skipped.pts <= wanted and not known:
                self._number = 0
                return chain([skipped], packets)
            if skipped.dts is None:
                break
            if skipped.pts <= wanted:
                place = entries.search_timestamp(skipped.dts, any_frame=True)
                if place < 0 or entries[place].timestamp != skipped.dts:
                    break
                self._number = sum(not entries[i].is_discard for i in range(place))
                return chain([skipped], packets)
            target = skipped.dts - 1
        begin = min(0, entries[0].timestamp) if known else 0
        self._container.seek(begin, stream=self.stream)
        return None

    @property
    def _is_matroska(self) -> bool:
        return self._container.format.name.startswith("matroska")

    @property
    def _is_mov(self) -> bool:
        return self._container.format.name.startswith("mov")

    def _ends_early(self) -> bool:
        """Return whether the file, read to its end, has less than it says."""
        stated = self.stated_end_s()
        if stated is None:
            return self._failures > 0
        rate = self.stream.average_rate
        return self._reached_s < stated - _LENGTH_TOLERANCE_S - (1 / float(rate) if rate else 0)
