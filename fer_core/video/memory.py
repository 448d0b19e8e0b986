"""What reading a video takes in memory, told from its headers, and how it is kept in bounds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

from av.video.codeccontext import VideoCodecContext

from fer_core.budget import shared_budget, usable_cores
from fer_core.errors import UnreadableVideo
from fer_core.video.references import kept_frames

# For one video, from its file to its annotated copy.
MAX_BYTES = 580_000_000
# Faces are cut from pictures with sides of at most so many pixels, as in photos.
MAX_READ_SIDE = 4096
# Longer sides of the annotated copy; the smaller ones where memory is short.
COPY_SIDES = (1920, 1280, 960)
# In the course of a video frames may become so large; otherwise they stay as large as they were.
_ALWAYS_PIXELS = 2048 * 2048
_ALWAYS_BYTES = 3 * _ALWAYS_PIXELS
# Decoders pad the sides.
_PADDING = 64
# Frames that the decoder's threads work on are all in memory. Small ones are decoded faster than
# they are shared out, and on one thread an error belongs to one packet.
_MAX_THREADS = 4
_THREADS_FROM_PIXELS = 900_000
# Measured, in bytes: what an analysis takes whatever its pictures, and each detector of it.
_BASE, _WORKER = 70_000_000, 20_000_000
# In bytes a pixel: what decoders note of it, such as where it moved to; a picture to read, which
# is in colours, in grey and turned; and the copy, of which the encoder holds thirty pictures.
_NOTED, _READ, _COPY = 0.8, 5, 90


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How a video is read within its share of the memory.

    Attributes:
        max_pixels: Larger frames are not decoded.
        max_frame_bytes: Nor are frames read that take more than this.
        max_kept: How many frames the decoder may keep; None for frames so small that it matters
            to nobody.
        threads: Of the decoder.
        waiting_frames: How many decoded frames may wait for analysis, at least one, and half as
            many for the copy.
        waiting_bytes: What those that wait for analysis may take.
        copy_side: Pixels on the longer side of the annotated copy at the most.
        decoding_bytes: What it takes to decode the video and look at single pictures.
        total_bytes: What it takes to analyse and to copy it.
    """

    max_pixels: int
    max_frame_bytes: int
    max_kept: int | None
    threads: int
    waiting_frames: int
    waiting_bytes: int
    copy_side: int
    decoding_bytes: int
    total_bytes: int


def plan_memory(
    context: VideoCodecContext, size_wh: tuple[int, int], bits_per_pixel: int
) -> MemoryPlan:
    """Return how to read a video, as fast as memory allows.

    Args:
        context: Its decoder, as the container sets it up.
        size_wh: Width and height of its stored frames.
        bits_per_pixel: Of a decoded frame.

    Raises:
        UnreadableVideo: It takes more memory than a video may, however it is read.
    """
    limit = min(MAX_BYTES, shared_budget().long_bytes)
    width, height = size_wh
    pixels = width * height
    cores = usable_cores()
    frame = pixels * bits_per_pixel / 8
    kept = kept_frames(context)
    read = _READ * min(1, MAX_READ_SIDE / max(width, height, 1)) ** 2 * pixels
    for side, threads, waiting in _ways(cores, large=pixels >= _THREADS_FROM_PIXELS):
        copy = _COPY * min(1, side / max(width, height, 1)) ** 2 * pixels
        decoding = (kept + (threads if threads > 1 else 0)) * (frame + _NOTED * pixels)
        workers = min(waiting, cores)
        # Half as many again wait for the copy.
        analysing = _BASE + workers * (_WORKER + read) + 1.5 * waiting * frame
        total = decoding + analysing + copy
        if total <= limit:
            return MemoryPlan(
                max(_ALWAYS_PIXELS, (width + _PADDING) * (height + _PADDING)),
                max(_ALWAYS_BYTES, int(frame)),
                kept if pixels > _ALWAYS_PIXELS else None,
                threads,
                waiting,
                max(_ALWAYS_BYTES, int(waiting * frame)),
                side,
                int(decoding + frame + read),
                int(total),
            )
    raise UnreadableVideo(
        f"The video's frames are too large: {width:,}×{height:,} pixels would take "
        f"{total / 1e6:,.0f} MB of memory, and a video may take {limit / 1e6:,.0f} MB."
    )


def _ways(cores: int, *, large: bool) -> Iterator[tuple[int, int, int]]:
    """Yield the copy's side, the decoder's threads and the frames that wait, the best first."""
    most = min(_MAX_THREADS, cores) if large else 1
    for side in COPY_SIDES:
        yield from product((side,), range(most, 0, -1), range(3 * cores, cores, -1))
        yield from product((side,), (1,), range(cores, 0, -1))


@contextmanager
def room_for(
    plan: MemoryPlan, on_waiting: Callable[[], None] | None, cancelled: threading.Event
) -> Iterator[bool]:
    """Hold the memory that analysing and copying takes, after a wait where others have it.

    Args:
        plan: How the video is read.
        on_waiting: Called again and again during the wait.
        cancelled: Ends the wait when it is set.

    Yields:
        Whether there is so much memory; it is only lacking after a cancel.
    """

    def look() -> None:
        if cancelled.is_set():
            raise _GivenUp
        if on_waiting is not None:
            on_waiting()

    try:
        with shared_budget().reserve(plan.total_bytes, long=True, while_waiting=look):
            yield True
    except _GivenUp:
        yield False


class _GivenUp(Exception):
    """Ends the wait for memory."""
