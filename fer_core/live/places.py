"""How many analyses may run at once."""

from __future__ import annotations

import threading


class Places:
    """A limit of simultaneous analyses, shared by all visitors."""

    def __init__(self, limit: int) -> None:
        """Begins with all places free.

        Raises:
            ValueError: The limit is below 1.
        """
        if limit < 1:
            raise ValueError(f"There must be at least one place, not {limit}.")
        self.limit = limit
        self._holders: set[object] = set()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many places are free."""
        return self.limit - len(self._holders)

    def take(self, holder: object) -> bool:
        """Takes a place, and returns whether there was one; a holder's own counts once."""
        with self._lock:
            if holder not in self._holders and len(self._holders) >= self.limit:
                return False
            self._holders.add(holder)
            return True

    def give_back(self, holder: object) -> None:
        """Gives a place back; it may have been given back already."""
        with self._lock:
            self._holders.discard(holder)
