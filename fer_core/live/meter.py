"""How fast a live session runs, over its last seconds."""

from __future__ import annotations

import statistics
from collections import deque

_WINDOW_S = 3.0


class LiveMeter:
    """Counts frames and analyses; times are seconds of one clock. Not locked.

    Attributes:
        frames: Frames since the start.
        analyses: Analyses that ended since the start.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.analyses = 0
        self._frame_times: deque[float] = deque()
        self._analysis_times: deque[float] = deque()
        self._ages: deque[tuple[float, float]] = deque()

    def add_frame(self, now_s: float) -> None:
        """Count a frame that came in."""
        self.frames += 1
        self._frame_times.append(now_s)
        _drop_before(self._frame_times, now_s - _WINDOW_S)

    def add_analysis(self, now_s: float) -> None:
        """Count an analysis that ended."""
        self.analyses += 1
        self._analysis_times.append(now_s)
        _drop_before(self._analysis_times, now_s - _WINDOW_S)

    def add_age(self, now_s: float, age_s: float) -> None:
        """Note the age of the reading that a picture carries."""
        self._ages.append((now_s, age_s))
        while self._ages[0][0] < now_s - _WINDOW_S:
            self._ages.popleft()

    def frames_per_s(self, now_s: float) -> float:
        """Return frames a second; 0 when none came lately."""
        return _rate(self._frame_times, now_s)

    def analyses_per_s(self, now_s: float) -> float:
        """Return analyses a second; 0 when none ended lately."""
        return _rate(self._analysis_times, now_s)

    def latency_s(self, now_s: float) -> float | None:
        """Return the median age of the readings that were shown lately; None without any."""
        ages = [age for time_s, age in self._ages if time_s >= now_s - _WINDOW_S]
        return statistics.median(ages) if ages else None


def _rate(times: deque[float], now_s: float) -> float:
    recent = [time_s for time_s in times if time_s >= now_s - _WINDOW_S]
    if len(recent) < 2:
        return 0.0
    # From the first of them to now, so that a stream that broke off slows down at once.
    return (len(recent) - 1) / max(now_s - recent[0], 1e-6)


def _drop_before(times: deque[float], start_s: float) -> None:
    while times and times[0] < start_s:
        times.popleft()
