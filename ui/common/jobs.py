"""Long work of all visitors, in one queue: a few pieces at a time, in turn, each to be cancelled.

The work runs in threads of its own, which never call Streamlit; a page looks at a ``Job`` and
draws what it sees.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Generic, TypeVar

from fer_core.budget import usable_cores
from fer_core.errors import FerError
from ui.common.allowance import LimitReached, refuse_jobs, spend
from ui.common.monitor import RUNNING, WAITING, count_error
from ui.common.process import once

logger = logging.getLogger(__name__)

# Each analysis already uses several cores; more at once would only take each other's time.
MAX_RUNNING = min(4, usable_cores())
_FAULT = "Something went wrong on our side, and nothing was kept of this run; the log says why."

Result = TypeVar("Result")


class JobState(StrEnum):
    """Where a piece of work stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Job(Generic[Result]):
    """One piece of work.

    Attributes:
        owner: Whose it is; one owner has at most one running.
        state: Where it stands; changed by the queue alone.
        progress: What the work last said of itself, of a type of its own; None before.
        result: What it returned, also after a cancel, when it returned what it had; else None.
        error: Why it failed, a sentence, or "".
        stop: Set when the work should end early.
        round: In which round of turns it comes; set by the queue.
    """

    def __init__(self, owner: str, work: Callable[[Job[Result]], Result] | None) -> None:
        self.owner = owner
        self.state = JobState.QUEUED
        self.progress: Any = None
        self.result: Result | None = None
        self.error = ""
        self.stop = threading.Event()
        self.round = 0
        self._work = work

    @classmethod
    def ended(cls) -> Job[Result]:
        """Return a cancelled job, to stand for one whose results are no longer wanted."""
        job = cls("", None)
        job.state = JobState.CANCELLED
        return job

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in (JobState.QUEUED, JobState.RUNNING)

    def run(self) -> JobState:
        """Do the work and return how it ended; whatever goes wrong becomes a sentence."""
        work = self.forget_work()
        try:
            if work is not None:
                self.result = work(self)
        except FerError as error:
            count_error(error)
            self.error = str(error)
        except Exception:
            # One visitor's odd file must not end the queue; the log keeps the details.
            logger.exception("A piece of work failed")
            self.error = _FAULT
        if self.error:
            return JobState.FAILED
        return JobState.CANCELLED if self.stop.is_set() else JobState.DONE

    def forget_work(self) -> Callable[[Job[Result]], Result] | None:
        """Let go of the work and the files that it holds, and return it."""
        work, self._work = self._work, None
        return work


class JobQueue:
    """Runs jobs in threads, a few at once; safe to use from any thread.

    Visitors take turns, as in fair queueing: of two who wait, nobody gets a second piece of work
    done before the other has had a first, however early it was handed in.
    """

    def __init__(self, max_running: int = MAX_RUNNING) -> None:
        self._max_running = max_running
        self._lock = threading.Lock()
        self._waiting: list[Job[Any]] = []
        self._running: list[Job[Any]] = []
        self._round = 0

    def submit(
        self, owner: str, work: Callable[[Job[Result]], Result], video_s: float = 0.0
    ) -> Job[Result]:
        """Hand in work; it starts at once when there is room.

        Args:
            owner: Whose it is.
            work: Is called with its job, to say its progress and to look for ``stop``; it must
                not call Streamlit.
            video_s: How much of a video it analyses, in seconds.

        Returns:
            The job; one that failed already where the owner may have no other.
        """
        job = Job(owner, work)
        with self._lock:
            own = [other.round for other in self._running + self._waiting if other.owner == owner]
            try:
                refuse_jobs(len(own))
                spend(owner, video_s=video_s)
            except LimitReached as error:
                job.forget_work()
                job.error, job.state = str(error), JobState.FAILED
                return job
            job.round = max(own) + 1 if own else self._round
            self._waiting.append(job)
            self._start_next()
        return job

    def count(self) -> tuple[int, int]:
        """Return how many jobs run, and how many wait."""
        with self._lock:
            return len(self._running), len(self._waiting)

    def cancel(self, job: Job[Any]) -> None:
        """End a job early; a running one ends by itself soon after, with what it has."""
        with self._lock:
            job.stop.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.state = JobState.CANCELLED
                job.forget_work()

    def place(self, job: Job[Any]) -> int:
        """Return a waiting job's place in line, from 1; 0 for any other."""
        with self._lock:
            line = self._line()
            return line.index(job) + 1 if job in line else 0

    def _line(self) -> list[Job[Any]]:
        """Return the waiting jobs in the order in which they come: by rounds, then by arrival."""
        return sorted(self._waiting, key=lambda job: job.round)

    def _start_next(self) -> None:
        """Start what there is room for; the lock is held."""
        busy = {job.owner for job in self._running}
        for job in self._line():
            if len(self._running) >= self._max_running:
                return
            if job.owner not in busy:
                busy.add(job.owner)
                self._waiting.remove(job)
                self._running.append(job)
                self._round = max(self._round, job.round)
                job.state = JobState.RUNNING
                # A daemon: work that hangs must not keep the server from ending.
                threading.Thread(target=self._run, args=(job,), name="job", daemon=True).start()

    def _run(self, job: Job[Any]) -> None:
        state = job.run()
        with self._lock:
            self._running.remove(job)
            job.state = state
            self._start_next()


@once
def get_queue() -> JobQueue:
    """Return the queue that all visitors share."""
    queue = JobQueue()
    RUNNING.set_function(lambda: queue.count()[0])
    WAITING.set_function(lambda: queue.count()[1])
    return queue


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th" and so on."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
