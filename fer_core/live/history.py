"""What was read in the last minute of a camera."""

from __future__ import annotations

from collections import deque

from fer_core.live.state import LiveReading

HISTORY_S = 60.0


class History:
    """The readings of the last ``HISTORY_S`` seconds, all of one class set. Not locked."""

    def __init__(self) -> None:
        self._readings: deque[LiveReading] = deque()

    def add(self, reading: LiveReading) -> None:
        """Add the newest reading; one of another class set begins anew."""
        if self._readings and self._readings[-1].labels != reading.labels:
            self._readings.clear()
        self._readings.append(reading)
        while self._readings[0].time_s < reading.time_s - HISTORY_S:
            self._readings.popleft()

    def readings(self) -> tuple[LiveReading, ...]:
        """Return the readings, the newest last."""
        return tuple(self._readings)
