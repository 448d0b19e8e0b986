"""The annotated copy drawn anew from readings, as after renaming: nothing is detected again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fer_core.drawing import draw_tracked
from fer_core.timeline import Timeline
from fer_core.types import TrackedFrame
from fer_core.video.memory import room_for
from fer_core.video.progress import Meter, Progress, expected_frames
from fer_core.video.source import VideoFrame, VideoSource
from fer_core.video.writer import AnnotatedWriter


def render_video(
    source: Path | BinaryIO,
    target: Path | BinaryIO,
    timeline: Timeline,
    *,
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
    names: Mapping[int, str] | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    turned_deg: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    on_waiting: Callable[[], None] | None = None,
    cancelled: threading.Event | None = None,
) -> None:
    """Draw readings over all frames of a part of their video.

    Args:
        source: The video that was analysed.
        target: Where the annotated video goes, as for ``AnnotatedWriter``.
        timeline: The readings, with edits applied; each stays until the next analysed frame.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        verdicts: str ``(N,)`` from ``Timeline.smoothed``.
        names: Names of persons; others are called by their number.
        start_s: Where the part begins, in seconds.
        end_s: Where it ends, or None for the end of the video.
        turned_deg: By how many degrees the analysis turned the video, as its facts say.
        on_progress: Called after every frame.
        on_waiting: Called again and again before the work begins, while other work has the
            memory that it needs.
        cancelled: Ends the work when it is set; what is written then is no whole video.

    Raises:
        UnreadableVideo: The video can no longer be read.
        UnwritableVideo: The annotated video cannot be written.
    """
    cancelled = cancelled or threading.Event()
    with ExitStack() as stack:
        video = stack.enter_context(VideoSource(source))
        video.turn(turned_deg)
        if not stack.enter_context(room_for(video.plan, on_waiting, cancelled)):
            return
        writer = stack.enter_context(AnnotatedWriter(target, video, end_s=end_s))
        size_wh = video.facts.size_wh
        meter = Meter(expected_frames(video.facts, start_s, end_s), on_progress)
        frames = video.frames(start_s=start_s, end_s=end_s)
        for frame, tracked in known_at(frames, timeline, size_wh, smoothed, verdicts):
            if cancelled.is_set():
                return
            image_bgr = frame.bgr(video.plan.copy_side)
            if tracked is not None:
                image_bgr = draw_tracked(image_bgr, tracked, names=names)
            writer.write(image_bgr, frame)
            meter.count(frame.time_s)


def known_at(
    frames: Iterable[VideoFrame],
    timeline: Timeline,
    size_wh: tuple[int, int],
    smoothed: NDArray[np.float32],
    verdicts: NDArray[np.str_],
) -> Iterator[tuple[VideoFrame, TrackedFrame | None]]:
    """Yield frames with what was read last; None before the first analysed frame.

    Args:
        frames: Frames of the video, in their order.
        timeline: The readings.
        size_wh: Width and height of the analysed picture in pixels.
        smoothed: float32 ``(N, K)`` from ``Timeline.smoothed``.
        verdicts: str ``(N,)`` from ``Timeline.smoothed``.
    """
    position, tracked = -1, None
    for frame in frames:
        latest = int(np.searchsorted(timeline.time_s, frame.time_s, side="right")) - 1
        if latest > position:
            position = latest
            tracked = timeline.tracked_frame(position, size_wh, smoothed, verdicts)
        yield frame, tracked
