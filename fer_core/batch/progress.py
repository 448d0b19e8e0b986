"""How far a run has come: for people who look on, or for programs as lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from fer_core.batch.plan import Planned
from fer_core.batch.schema import VIDEO
from fer_core.batch.units import Tally
from fer_core.commands import say

_JSON_EVERY_S = 1.0


class Meter:
    """Counts what is done, and tells how long the rest will take.

    Attributes:
        done: Inputs that are done.
        failed: Those of them that failed.
        skipped: Those of them that were skipped.
        faces: Faces that were found.
    """

    def __init__(
        self, planned: Planned, processes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start the clock.

        Args:
            planned: What is to be done.
            processes: How many read at once.
            clock: Tells the time in seconds.
        """
        self._clock, self._began = clock, clock()
        self._processes = processes
        self.total = planned.total
        # A photo is as much work as another; a video is so by its size.
        self._left = {False: float(planned.photos), True: float(planned.video_bytes)}
        self._done, self._spent_s = dict.fromkeys(self._left, 0.0), dict.fromkeys(self._left, 0.0)
        self.done = self.failed = self.skipped = self.faces = 0

    def count(self, tally: Tally) -> None:
        """Take in what became of a unit."""
        is_video = tally.part.kind == VIDEO
        amount = tally.size_bytes if is_video else tally.part.files
        self._left[is_video] = max(0.0, self._left[is_video] - amount)
        self._done[is_video] += amount
        self._spent_s[is_video] += tally.spent_s
        self.done += tally.part.files
        self.failed += tally.failed
        self.skipped += tally.skipped
        self.faces += tally.part.faces

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    @property
    def files_per_s(self) -> float:
        """Inputs done a second."""
        return self.done / max(self.seconds, 1e-9)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take, or None while that is not known."""
        needed_s = 0.0
        for which, left in self._left.items():
            if not left:
                continue
            if not self._done[which]:
                return None
            needed_s += left * self._spent_s[which] / self._done[which]
        return needed_s / self._processes

    def record(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "done": self.done,
            "total": self.total,
            "faces": self.faces,
            "failed": self.failed,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "files_per_s": self.files_per_s,
        }


class Quiet:
    """Says nothing; what others say as they go is said by those derived from it."""

    def __init__(self, meter: Meter) -> None:
        """Begin with what the meter shows."""
        self.meter = meter

    def count(self, tally: Tally) -> None:
        """Take in what became of a unit."""
        self.meter.count(tally)

    def close(self, folder: str) -> None:
        """Say how it ended; ``folder`` has the results."""


class Bar(Quiet):
    """A bar on standard error where that is a terminal, and a line for each failure."""

    def __init__(self, meter: Meter) -> None:
        """Draw the bar."""
        super().__init__(meter)
        # What tqdm would say of the time left knows nothing of long videos.
        form = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} files{postfix}"
        self._bar = tqdm(total=meter.total, bar_format=form, disable=None, leave=False)

    def count(self, tally: Tally) -> None:
        """Take in what became of a unit, and say which inputs failed."""
        super().count(tally)
        for path, reason in tally.failures:
            say(f"{path}: {reason}")
        meter = self.meter
        left = "?" if meter.left_s is None else tqdm.format_interval(meter.left_s)
        self._bar.set_postfix_str(
            f"{meter.files_per_s:.1f} a second, {meter.faces:,} faces, {meter.failed:,} failed, "
            f"{left} left",
            refresh=False,
        )
        self._bar.update(tally.part.files)

    def close(self, folder: str) -> None:
        """Remove the bar, and say in a sentence how it ended."""
        self._bar.close()
        meter = self.meter
        counts = [f"{meter.faces:,} faces"]
        counts += [f"{meter.failed:,} failed"] * bool(meter.failed)
        counts += [f"{meter.skipped:,} skipped"] * bool(meter.skipped)
        say(
            f"{folder}: {meter.done:,} files, {', '.join(counts)}, "
            f"{meter.files_per_s:.1f} files a second."
        )


class JsonLines(Quiet):
    """One JSON object per line on standard output."""

    def __init__(self, meter: Meter) -> None:
        """Begin."""
        super().__init__(meter)
        self._said_at_s = float("-inf")

    def count(self, tally: Tally) -> None:
        """Take in what became of a unit; say which inputs failed, and at times how far it is."""
        super().count(tally)
        for path, reason in tally.failures:
            _print({"event": "failed", "path": path, "error": reason})
        seconds = self.meter.seconds
        if seconds - self._said_at_s >= _JSON_EVERY_S:
            self._said_at_s = seconds
            _print({"event": "progress", **self.meter.record(), "left_s": self.meter.left_s})

    def close(self, folder: str) -> None:
        """Say how it ended."""
        _print({"event": "finished", "out": folder, **self.meter.record()})


def _print(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)
