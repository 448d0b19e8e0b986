"""How many analyses may run at once, and how they share the cores."""

from __future__ import annotations

import threading

import cv2

from fer_core.budget import usable_cores

# Analyses a second for one visitor; more would only take the cores from the video.
MAX_RATE = 15.0
# Analyses a second for all visitors together; the cores have to code everybody's video, too.
_RATE_PER_CORE = 11.0


class Slots:
    """A limit of simultaneous analyses, shared by all visitors.

    While a slot is taken OpenCV keeps to the thread that calls it: its helper threads wait for
    work by spinning, on the cores that code the video (``docs/BENCHMARKS.md``).
    """

    def __init__(self, limit: int) -> None:
        """Begin with all slots free.

        Raises:
            ValueError: The limit is below 1.
        """
        if limit < 1:
            raise ValueError(f"There must be at least one slot, not {limit}.")
        self.limit = limit
        self._holders: set[object] = set()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many slots are free."""
        return self.limit - len(self._holders)

    @property
    def rate(self) -> float:
        """Analyse a second that each holder shall make at most."""
        shared = _RATE_PER_CORE * usable_cores() / max(1, len(self._holders))
        return min(MAX_RATE, shared)

    def take(self, holder: object) -> bool:
        """Take a slot, and return whether there was one; a holder's own counts once."""
        with self._lock:
            if holder not in self._holders and len(self._holders) >= self.limit:
                return False
            self._holders.add(holder)
            cv2.setNumThreads(1)
            return True

    def give_back(self, holder: object) -> None:
        """Give a slot back; it may have been given back already."""
        with self._lock:
            self._holders.discard(holder)
            if not self._holders:
                cv2.setNumThreads(-1)
