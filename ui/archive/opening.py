"""Data sets that are open, each once for all visitors, and those that are being opened."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from fer_core.errors import FerError
from ui.archive.index import Index, open_index
from ui.common.jobs import Job, get_queue
from ui.common.process import once

# How long it is taken for granted that nothing has changed, and that it is open long enough to
# be opened anew.
_LOOK_EVERY_S = 20.0
_OWNER = "archive"


@dataclass(slots=True)
class Opened:
    """A data set on its way.

    Attributes:
        index: It, as it was when it was opened; None before.
        job: What opens it, at first or anew; None where nothing does.
        error: Why it could not be opened, a sentence, or "".
        changed: Whether parts came or went since.
    """

    index: Index | None = None
    job: Job[Index] | None = None
    error: str = ""
    changed: bool = False
    looked_s: float = 0.0


class Archives:
    """All that are open, by address; safe to use from any thread."""

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}
        self._lock = threading.Lock()

    def look(self, address: str) -> Opened:
        """Return how far a data set is; the first look begins to open it."""
        with self._lock:
            opened = self._opened.get(address)
            if opened is None:
                opened = self._opened[address] = Opened()
                self._begin(address, opened)
            if opened.job is not None and opened.job.over:
                _take_over(opened)
            index = opened.index
            due = time.monotonic() - opened.looked_s > _LOOK_EVERY_S
            if index is None or opened.job is not None or opened.changed or not due:
                return opened
            opened.looked_s = time.monotonic()
        try:
            changed = index.has_changed()
        except (FerError, OSError):
            # What can no longer be listed may still be shown; opening it anew says what is wrong.
            changed = True
        with self._lock:
            if opened.index is index:  # it may have been opened anew meanwhile
                opened.changed = changed
        return opened

    def open_anew(self, address: str) -> None:
        """Begin to open a data set as it is now, unless that is being done."""
        with self._lock:
            opened = self._opened.setdefault(address, Opened())
            if opened.job is None:
                self._begin(address, opened)

    def _begin(self, address: str, opened: Opened) -> None:
        """Hand in the work; the lock is held."""
        opened.error = ""

        def work(job: Job[Index]) -> Index:
            return open_index(
                address, lambda progress: setattr(job, "progress", progress), job.stop.is_set
            )

        opened.job = get_queue().submit(f"{_OWNER} {address}", work)


def _take_over(opened: Opened) -> None:
    """Put what was opened in the place of what was there before; the lock is held."""
    job, opened.job = opened.job, None
    if job is None:
        return
    opened.error = job.error
    if job.result is not None:
        opened.index, opened.changed, opened.looked_s = job.result, False, time.monotonic()


@once
def archives() -> Archives:
    """Return the data sets that all visitors share."""
    return Archives()
