"""How far work on a video has come, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fer_core.video.source import VideoFacts


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an analysis, or drawing, has come.

    Attributes:
        done: Frames done.
        total: Frames to do as far as the file tells, or None.
        frames_per_s: Frames done a second of work.
        left_s: Seconds of work left, or None when unknown.
        time_s: Presentation time of the last frame done, in seconds.
    """

    done: int
    total: int | None
    frames_per_s: float
    left_s: float | None
    time_s: float


class Meter:
    """Counts frames, and reports how far they are."""

    def __init__(self, total: int | None, on_progress: Callable[[Progress], None] | None) -> None:
        """Start the clock.

        Args:
            total: Frames to do as far as the file tells, or None.
            on_progress: Called after every frame.
        """
        self._total, self._on_progress = total, on_progress
        self._began = time.perf_counter()
        self._done = 0

    def count(self, time_s: float, frames: int = 1) -> None:
        """Take in that frames are done, the last one of a presentation time in seconds."""
        self._done += frames
        if self._on_progress is None:
            return
        rate = self._done / (time.perf_counter() - self._began)
        # What a file says of its length need not be true.
        total = None if self._total is None else max(self._total, self._done)
        left_s = None if total is None else (total - self._done) / rate
        self._on_progress(Progress(self._done, total, rate, left_s, time_s))


def expected_frames(
    facts: VideoFacts, start_s: float, end_s: float | None, fps: float | None = None
) -> int | None:
    """Return how many frames a part has as far as the file tells, or None.

    Args:
        facts: What the file says of itself.
        start_s: Where the part begins, in seconds.
        end_s: Where it ends, or None for the end of the video.
        fps: Of them, as many a second are taken; None for all.
    """
    rates = [rate for rate in (fps, facts.frame_rate) if rate is not None]
    if facts.duration_s is None or not rates:
        return None
    until_s = facts.duration_s if end_s is None else min(end_s, facts.duration_s)
    return max(1, round((until_s - start_s) * min(rates)))
