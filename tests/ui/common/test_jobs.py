from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from fer_core.errors import UnreadableVideo
from ui.common.jobs import Job, JobQueue, JobState

WAIT_S = 20


class Held:
    """Work that waits for the test's word, and notes that it began."""

    def __init__(self, name: str, began: list[str]) -> None:
        self.name, self.began = name, began
        self.go, self.running = threading.Event(), threading.Event()

    def __call__(self, job: Job[str]) -> str:
        self.began.append(self.name)
        self.running.set()
        while not self.go.wait(0.01) and not job.stop.is_set():
            job.progress = "waiting"
        return self.name


@pytest.fixture
def began() -> list[str]:
    return []


@pytest.fixture
def held(began: list[str]) -> Iterator[Callable[[str], Held]]:
    """Make work of a name; all of it ends with the test."""
    made: list[Held] = []

    def make(name: str) -> Held:
        made.append(Held(name, began))
        return made[-1]

    yield make
    for work in made:
        work.go.set()


def until_over(*jobs: Job) -> None:
    clock = threading.Event()
    for _ in range(WAIT_S * 100):
        if all(job.over for job in jobs):
            return
        clock.wait(0.01)
    raise AssertionError([job.state for job in jobs])


def test_work_returns_its_result() -> None:
    job = JobQueue(1).submit("anna", lambda job: 42)
    until_over(job)
    assert (job.state, job.result, job.error) == (JobState.DONE, 42, "")


def test_only_so_many_run_and_the_others_have_a_place(held) -> None:
    queue = JobQueue(2)
    works = [held(name) for name in "abcd"]
    jobs = [queue.submit(work.name, work) for work in works]
    assert [job.state for job in jobs] == ["running", "running", "queued", "queued"]
    assert [queue.place(job) for job in jobs] == [0, 0, 1, 2]
    works[0].go.set()
    until_over(jobs[0])
    assert works[2].running.wait(WAIT_S)
    assert [queue.place(job) for job in jobs] == [0, 0, 0, 1]


def test_a_visitor_has_so_many_and_others_go_on(held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_LIMIT_JOBS", "2")
    monkeypatch.setenv("FER_LIMIT_VIDEO_S", "100")
    queue = JobQueue(1)
    works = [held(name) for name in ("a1", "a2", "a3", "b1", "b2")]
    visitors = ["anna-of-jobs"] * 3 + ["bert-of-jobs"] * 2
    jobs = [queue.submit(*pair, video_s=60) for pair in zip(visitors, works, strict=True)]
    assert [job.state for job in jobs] == ["running", "failed", "failed", "queued", "failed"]
    assert "2 minutes of video" in jobs[1].error and not jobs[3].error
    again = queue.submit("anna-of-jobs", works[1])
    refused = queue.submit("anna-of-jobs", works[2])
    assert again.state == "queued" and "2 analyses running or in line" in refused.error
    assert queue.count() == (1, 2) and not jobs[1].forget_work()


def test_visitors_take_turns(held, began: list[str]) -> None:
    queue = JobQueue(1)
    works = [held(name) for name in ("a1", "a2", "a3", "b1", "b2", "c1")]
    jobs = [queue.submit(work.name[0], work) for work in works]
    assert [queue.place(job) for job in jobs] == [0, 3, 5, 1, 4, 2]
    for work in works:
        work.go.set()
    until_over(*jobs)
    assert began == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_visitor_has_one_running_even_when_there_is_room(held) -> None:
    queue = JobQueue(3)
    first, second = held("first"), held("second")
    one, two = queue.submit("anna", first), queue.submit("anna", second)
    assert (one.state, two.state, queue.place(two)) == (JobState.RUNNING, JobState.QUEUED, 1)
    first.go.set()
    assert second.running.wait(WAIT_S)


def test_cancel_while_waiting_never_starts(held, began: list[str]) -> None:
    queue = JobQueue(1)
    first, second = held("first"), held("second")
    one, two = queue.submit("anna", first), queue.submit("ben", second)
    queue.cancel(two)
    assert two.state is JobState.CANCELLED and queue.place(two) == 0
    first.go.set()
    until_over(one)
    assert began == ["first"] and two.result is None


def test_cancel_while_running_keeps_what_the_work_returns(held) -> None:
    queue = JobQueue(1)
    work = held("partial")
    job = queue.submit("anna", work)
    assert work.running.wait(WAIT_S)
    queue.cancel(job)
    until_over(job)
    assert (job.state, job.result) == (JobState.CANCELLED, "partial")


def test_a_cancel_behind_the_end_changes_nothing() -> None:
    queue = JobQueue(1)
    job = queue.submit("anna", lambda job: 1)
    until_over(job)
    queue.cancel(job)
    assert (job.state, job.result) == (JobState.DONE, 1)


def test_a_named_error_is_its_own_sentence() -> None:
    def work(job: Job[None]) -> None:
        raise UnreadableVideo("The file is no video.")

    job = JobQueue(1).submit("anna", work)
    until_over(job)
    assert (job.state, job.error) == (JobState.FAILED, "The file is no video.")


def test_a_crash_is_a_sentence_and_in_the_log_and_the_queue_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def work(job: Job[None]) -> None:
        raise RuntimeError("out of order")

    queue = JobQueue(1)
    broken, next_one = queue.submit("anna", work), queue.submit("ben", lambda job: "fine")
    until_over(broken, next_one)
    assert broken.state is JobState.FAILED and broken.result is None
    assert broken.error and "out of order" not in broken.error
    assert "out of order" in caplog.text
    assert next_one.result == "fine"


@pytest.mark.parametrize("end", ["done", "failed", "cancelled in line"])
def test_what_the_work_held_is_let_go(end: str, held) -> None:
    class File:
        """Stands for an open file."""

    file = File()
    gone = weakref.ref(file)

    def work(job: Job[None], file: File = file) -> None:
        if end == "failed":
            raise UnreadableVideo("no video")

    queue = JobQueue(1)
    other = held("other")
    before = queue.submit("ben", other)
    job = queue.submit("anna", work)
    del work, file
    assert gone() is not None
    if end == "cancelled in line":
        queue.cancel(job)
    other.go.set()
    until_over(before, job)
    gc.collect()
    assert gone() is None
