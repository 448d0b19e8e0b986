"""Reading videos frame by frame: presentation times, rotation, parts and sampling."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import inf, isfinite, isnan
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from fer_core.budget import shared_budget
from fer_core.errors import UnreadableVideo
from fer_core.video.memory import MemoryPlan, plan_memory
from fer_core.video.opening import (
    VideoFile,
    named_errors,
    open_container,
    size_in_bytes,
    sound_stream,
    video_file,
    video_stream,
)
from fer_core.video.pixels import Layout, Placement, reduced, upright_bgr, upright_gray
from fer_core.video.reading import Decoded, Reading, bytes_of, first_picture
from fer_core.video.sampling import TOLERANCE_S, FrameChoice

# Of a pixel in the smallest format: no video is refused for what its format might be.
_LEAST_BITS = 8


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What is known of a video before it is read through.

    Attributes:
        duration_s: Length of the picture in seconds; None when the file does not say.
        size_wh: Width and height of the upright picture in square pixels.
        frame_rate: Average frames a second; None when the file does not say.
        frame_count: How many frames the file says it has, or its length and rate imply.
        codec: The codec's short name, such as "h264".
        rotation_deg: Degrees clockwise by which stored pictures are turned to stand upright: 0,
            90, 180 or 270.
        turned_deg: How many of them the file does not ask for: its faces stand upright so.
        audio_codec: The sound's codec, such as "aac"; None without sound.
        bytes: Size of the file; None when unknown.
    """

    duration_s: float | None
    size_wh: tuple[int, int]
    frame_rate: float | None
    frame_count: int | None
    codec: str
    rotation_deg: int
    turned_deg: int
    audio_codec: str | None
    bytes: int | None

    def record(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return asdict(self) | {"size_wh": list(self.size_wh)}


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """A decoded frame; pixels are converted when they are asked for, in any thread.

    Some recorders change the shape of the picture on the way, as when a phone is turned. A frame
    of another shape than the video's first lies in the middle of a black one.

    Attributes:
        index: Number of the frame in the file, from 0, also where frames are left out.
        time_s: Presentation time in seconds after the file's first frame.
        pts: Presentation time as the file has it, in units of ``time_base``.
        time_base: Seconds a unit.
        size_wh: Width and height of the video's upright picture.
        picture: The picture as it is stored: not turned, in the codec's own colours.
        layout: How it becomes upright.
    """

    index: int
    time_s: float
    pts: int
    time_base: Fraction
    size_wh: tuple[int, int]
    picture: av.VideoFrame
    layout: Layout

    @property
    def bytes(self) -> int:
        """What it takes in memory as it is stored."""
        return bytes_of(self.picture)

    def bgr(self, longer_side: int | None = None) -> NDArray[np.uint8]:
        """Return a new uint8 ``(H, W, 3)``, upright, of the size in ``VideoFacts``.

        Args:
            longer_side: Reduces the picture, as it is converted, to this many pixels on its
                longer side; never enlarges.

        Raises:
            ValueError: ``longer_side`` is below 1.
        """
        if self.layout.size_wh == self.size_wh:
            return self.own_bgr(longer_side)
        placement = Placement.of(self.layout.size_wh, reduced(self.size_wh, longer_side))
        return placement.image(self.own_bgr(max(placement.inner_wh)))

    def own_bgr(self, longer_side: int | None = None) -> NDArray[np.uint8]:
        """Return a new uint8 ``(H, W, 3)``, upright, in the frame's own shape; as ``bgr``."""
        return upright_bgr(self.picture, self.layout, longer_side)

    def own_gray(self, longer_side: int | None = None) -> NDArray[np.uint8]:
        """Return a new uint8 ``(H, W)``, upright, in its own shape; as ``to_gray(own_bgr())``.

        Within a few levels; of HDR, the signals as they are stored.
        """
        return upright_gray(self.picture, self.layout, longer_side)

    @property
    def placement(self) -> Placement:
        """Where the frame's own picture lies in the video's."""
        return Placement.of(self.layout.size_wh, self.size_wh)


class VideoSource:
    """A video file to read; a context manager.

    Every ``frames`` and ``frame_at`` reads on its own, so that several may run at once, also over
    one temporary file or upload: each has its own position in it.

    Attributes:
        facts: Size, length, codec.
        origin_s: Time of the first frame on the file's own clock, in seconds.
        plan: How it is read within its share of memory.
        damage: One sentence when the latest ``frames`` met something unreadable, such as a file
            that breaks off; None while all is well.
    """

    facts: VideoFacts
    origin_s: Fraction
    plan: MemoryPlan
    damage: str | None

    def __init__(self, source: VideoFile) -> None:
        """Open a video and decode its first frame.

        Args:
            source: The file's path, its content, or an open binary file, which is neither moved
                nor closed.

        Raises:
            TypeError: ``source`` is nothing of these.
            NoVideoStream: The file holds sound or a cover picture, but no video.
            UnreadableVideo: It is empty, no video, incomplete, or no frame can be decoded.
        """
        self._source = video_file(source)
        self._turned_deg = 0
        self.damage = None
        with named_errors():
            self.plan = self._plan()
            with self.open() as container, shared_budget().reserve(self.plan.decoding_bytes):
                self._begin(container)

    def _plan(self) -> MemoryPlan:
        """Decide how to decode: by the header whether at all, and the rest by one picture."""
        with self.open() as container:
            stream = video_stream(container)
            context = stream.codec_context
            plan = plan_memory(context, (stream.width, stream.height), _LEAST_BITS)
            with shared_budget().reserve(plan.decoding_bytes):
                picture = first_picture(container, plan)
            sizes_wh = (stream.width, stream.height), (picture.width, picture.height)
            largest_wh = max(sizes_wh, key=lambda size_wh: size_wh[0] * size_wh[1])
            return plan_memory(context, largest_wh, picture.format.padded_bits_per_pixel)

    def _begin(self, container: InputContainer) -> None:
        """Read what the header and the first frame tell."""
        reading = Reading(container, self.plan)
        with closing(reading.frames()) as frames:
            first = next(frames, None)
        if first is None:
            raise UnreadableVideo("The video holds no frame that can be decoded.")
        self._first_pts = first.pts
        self.origin_s = first.pts * reading.time_base
        context = reading.stream.codec_context
        aspect = reading.stream.sample_aspect_ratio or context.sample_aspect_ratio
        self._layout = Layout.of(first.picture, aspect)
        self._layouts = {_shape(first.picture): self._layout}
        size = size_in_bytes(self._source)
        self.facts = _facts(container, reading, first.pts, self._layout, size)

    def turn(self, degrees: int) -> None:
        """Turn all frames that are read from now on, besides what the file asks for.

        Args:
            degrees: 0, 90, 180 or 270, clockwise.
        """
        self._turned_deg = (self._turned_deg + degrees) % 360
        self._layout = self._layout.turned(degrees)
        self._layouts = {shape: layout.turned(degrees) for shape, layout in self._layouts.items()}
        self.facts = replace(
            self.facts,
            size_wh=self._layout.size_wh,
            rotation_deg=self._layout.rotation_deg,
            turned_deg=self._turned_deg,
        )

    def open(self) -> InputContainer:
        """Open the file anew, such as for its sound; the caller closes it.

        Raises:
            UnreadableVideo: It cannot be opened any more.
        """
        return open_container(self._source)

    def frames(
        self, *, start_s: float = 0.0, end_s: float | None = None, fps: float | None = None
    ) -> Generator[VideoFrame, None, None]:
        """Decode frames in the order of presentation, their times rising.

        Args:
            start_s: Yields frames from this time on.
            end_s: Yields frames before this time.
            fps: None for every frame; else the first frame at or after each
                ``start_s + k / fps``, each once. Others are decoded only as far as those need
                them, and never converted.

        Raises:
            ValueError: ``fps`` is not above 0, or a time is no number.
            UnreadableVideo: The file cannot be opened any more.
        """
        if end_s is not None and isnan(end_s):
            raise ValueError("An end must be a time in seconds.")
        FrameChoice(start_s, fps)  # now, not when the first frame is asked for
        return self._frames(start_s, inf if end_s is None else end_s, fps)

    def frames_from(
        self, from_s: float, *, start_s: float, end_s: float | None, fps: float | None
    ) -> Generator[VideoFrame, None, None]:
        """Decode of what ``frames`` yields that from a time on, without reading all before.

        Where the file has no whole index, ``index`` counts from another frame than the first;
        the distances are right.

        Args:
            from_s: Where to begin: a tick, so that the frames are the same.
            start_s: As of ``frames``.
            end_s: As of ``frames``.
            fps: As of ``frames``.

        Raises:
            UnreadableVideo: The file cannot be opened any more.
        """
        return self._frames(start_s, inf if end_s is None else end_s, fps, from_s)

    def keyframes_before(self, times_s: Iterable[float]) -> list[float]:
        """Return for each time that of the keyframe where ``frames_from`` would begin to decode.

        Returns:
            The times; empty where the file cannot be read from its middle on.

        Raises:
            UnreadableVideo: The file cannot be opened any more.
        """
        found = []
        with named_errors(), self.open() as container:
            reading = Reading(container, self.plan, first_pts=self._first_pts, from_s=0.0)
            for time_s in times_s:
                keyframe_s = reading.keyframe_before(time_s)
                if keyframe_s is None or keyframe_s > time_s:
                    return []
                found.append(keyframe_s)
        return found

    def frame_at(self, time_s: float) -> VideoFrame:
        """Return the frame shown at a time: the last one that begins at or before it.

        Before the first frame that is the first, after the end the last.

        Raises:
            ValueError: The time is not finite.
            UnreadableVideo: The frame cannot be read.
        """
        if not isfinite(time_s):
            raise ValueError(f"A frame must be at a time in seconds, not {time_s}.")
        until_s = max(0.0, time_s) + TOLERANCE_S
        damage = self.damage
        found = None
        with (
            shared_budget().reserve(self.plan.decoding_bytes),
            closing(self._frames(self._shown_from(until_s), inf, None)) as frames,
        ):
            for frame in frames:
                if found is not None and frame.time_s > until_s:
                    break
                found = frame
        self.damage = damage
        if found is None:
            raise UnreadableVideo(f"The frame at {time_s:.2f} seconds cannot be read.")
        return found

    def _shown_from(self, until_s: float) -> float:
        """Return since when the picture has been shown that is shown at a time.

        The packets tell it, without decoding; where they do not, it is 0, for the beginning.
        """
        shown_s = 0.0
        with named_errors(), self.open() as container:
            reading = Reading(container, self.plan, first_pts=self._first_pts, start_s=until_s)
            for packet in reading.packets() if reading.timed else ():
                if packet.pts is not None and not packet.is_discard:
                    packet_s = reading.seconds(packet.pts)
                    if shown_s < packet_s <= until_s:
                        shown_s = packet_s
                if packet.dts is not None and reading.seconds(packet.dts) > until_s:
                    break
        return shown_s

    def close(self) -> None:
        """End the use; nothing stays open between readings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _frames(
        self, start_s: float, end_s: float, fps: float | None, from_s: float | None = None
    ) -> Generator[VideoFrame, None, None]:
        self.damage = None
        last_s = 0.0
        with named_errors(), self.open() as container:
            reading = Reading(
                container,
                self.plan,
                first_pts=self._first_pts,
                start_s=start_s,
                end_s=end_s,
                fps=fps,
                from_s=from_s,
            )
            with closing(reading.frames()) as frames:
                for decoded in frames:
                    last_s = reading.seconds(decoded.pts)
                    self.damage = _damage(reading, last_s, self.facts)
                    yield self._frame(decoded, last_s, reading)
            self.damage = _damage(reading, last_s, self.facts)

    def _frame(self, decoded: Decoded, time_s: float, reading: Reading) -> VideoFrame:
        picture, shape = decoded.picture, _shape(decoded.picture)
        if shape not in self._layouts:
            # What the file says of its pixels, it says of its first frames.
            aspect = reading.stream.codec_context.sample_aspect_ratio
            self._layouts[shape] = Layout.of(picture, aspect).turned(self._turned_deg)
        return VideoFrame(
            decoded.index,
            time_s,
            decoded.pts,
            reading.time_base,
            self.facts.size_wh,
            picture,
            self._layouts[shape],
        )


def _shape(picture: av.VideoFrame) -> tuple[int, int, int]:
    """Return what tells pictures of another layout apart.

    Its rotation, and not the side data that hold it: to look at those costs time, and keeps the
    picture in memory until the garbage collector comes.
    """
    return picture.width, picture.height, picture.rotation


def _facts(
    container: InputContainer, reading: Reading, first_pts: int, layout: Layout, size: int | None
) -> VideoFacts:
    stream = reading.stream
    duration = None
    if (end_s := reading.stated_end_s()) is not None:
        duration = max(0.0, end_s - float(first_pts * reading.time_base)) or None
    elif container.duration is not None:
        duration = container.duration / av.time_base
    rate = float(stream.average_rate or stream.guessed_rate or 0) or None
    count = stream.frames or (round(duration * rate) if duration and rate else 0)
    sound = sound_stream(container)
    return VideoFacts(
        duration_s=duration,
        size_wh=layout.size_wh,
        frame_rate=rate,
        frame_count=count or None,
        codec=stream.codec_context.codec.canonical_name,
        rotation_deg=layout.rotation_deg,
        turned_deg=0,
        audio_codec=sound.codec_context.codec.canonical_name if sound else None,
        bytes=size,
    )


def _damage(reading: Reading, last_s: float, facts: VideoFacts) -> str | None:
    """Return what went wrong so far as one sentence."""
    findings = []
    if reading.broke_off:
        length = f" of {facts.duration_s:.1f}" if facts.duration_s else ""
        findings.append(f"the video breaks off after {last_s:.1f}{length} seconds")
    for count, what in ((reading.unreadable, "could not be read"), (reading.damaged, "damaged")):
        if count:
            verb = "" if what.startswith("could") else "is " if count == 1 else "are "
            findings.append(f"{count:,} frame{'s' * (count > 1)} {verb}{what}")
    sentence = ", and ".join(findings)
    return f"{sentence[:1].upper()}{sentence[1:]}." if findings else None
