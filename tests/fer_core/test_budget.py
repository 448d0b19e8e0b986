"""The memory that decoders share: limits, waiting, order."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fer_core import budget
from fer_core.budget import (
    MemoryBudget,
    core_limit,
    memory_limit,
    share_machine,
    shared_budget,
    usable_cores,
    when_scarce,
)
from fer_core.errors import OverBudget
from tests.conftest import ROOT


class GaveUpError(Exception):
    """What a test's callback raises to end a wait."""


@contextmanager
def waiting(shared: MemoryBudget, size_bytes: int, *, long: bool = False) -> Iterator[None]:
    """Let another thread reserve, or wait for it until the end of the test's ``with``."""
    asked, done = threading.Event(), threading.Event()

    def look() -> None:
        asked.set()
        if done.is_set():
            raise GaveUpError

    def work() -> None:
        try:
            with shared.reserve(size_bytes, long=long, while_waiting=look):
                asked.set()
                done.wait()
        except GaveUpError:
            pass

    thread = threading.Thread(target=work)
    thread.start()
    asked.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def waits(shared: MemoryBudget, size_bytes: int, *, long: bool = False) -> bool:
    """Return whether a reservation has to wait."""

    def give_up() -> None:
        raise GaveUpError

    try:
        with shared.reserve(size_bytes, long=long, while_waiting=give_up):
            return False
    except GaveUpError:
        return True


def test_reservations_share_the_budget() -> None:
    shared = MemoryBudget(100)
    with shared.reserve(60):
        assert not waits(shared, 40)
        assert waits(shared, 41)
    assert not waits(shared, 100)


def test_what_is_released_wakes_who_waits() -> None:
    shared = MemoryBudget(100)
    got = threading.Event()

    def work() -> None:
        with shared.reserve(80):
            got.set()

    with shared.reserve(60):
        thread = threading.Thread(target=work)
        thread.start()
        assert not got.wait(0.05)
    thread.join()
    assert got.is_set()


def test_more_than_there_is_is_refused_in_a_sentence() -> None:
    shared = MemoryBudget(300_000_000)
    with (
        pytest.raises(OverBudget, match=r"take 301 MB of memory to decode; at most 300 MB can"),
        shared.reserve(301_000_000),
    ):
        pass
    with pytest.raises(OverBudget, match="at most 200 MB"), shared.reserve(201_000_000, long=True):
        pass


def test_small_ones_do_not_overtake_a_large_one() -> None:
    shared = MemoryBudget(100)
    with shared.reserve(60), waiting(shared, 90):
        assert waits(shared, 10)


def test_short_ones_overtake_what_waits_for_a_long_one() -> None:
    shared = MemoryBudget(100)
    with ExitStack() as stack:
        stack.enter_context(shared.reserve(60, long=True))
        stack.enter_context(waiting(shared, 60, long=True))
        stack.enter_context(waiting(shared, 90))
        assert not waits(shared, 40)
        assert waits(shared, 20, long=True)


def test_an_error_gives_the_bytes_back() -> None:
    shared = MemoryBudget(100)
    with pytest.raises(ZeroDivisionError), shared.reserve(100):
        raise ZeroDivisionError
    assert not waits(shared, 100)


@pytest.mark.parametrize(("size_bytes", "expected"), [(100, 0), (500, 1)])
def test_what_is_kept_is_given_back_where_memory_is_scarce(
    size_bytes: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(budget, "_givers", [])
    monkeypatch.setattr(budget, "_resident", lambda: 400)
    when_scarce(lambda: calls.append("given back"))
    with MemoryBudget(600, limit_bytes=1000).reserve(size_bytes):
        assert len(calls) == expected
    with MemoryBudget(600).reserve(size_bytes):
        assert len(calls) == expected


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /proc/self, with one beside it in place of /sys/fs/cgroup."""
    monkeypatch.setattr(budget, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(budget, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(budget, "_machine_memory", lambda: 8000)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "statm").write_text("1 1 1 1 0 1 0\n")
    return tmp_path


def write_groups(system: Path, groups: str, files: dict[str, str]) -> None:
    """Write what the system tells of control groups: the process' own, and the groups' files."""
    (system / "proc" / "cgroup").write_text(groups + "\n")
    for name, content in files.items():
        (system / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (system / "cgroup" / name).write_text(content)


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {"memory.max": "1500\n"}, 1500),
        ("0::/a/b", {"a/memory.max": "1500\n", "a/b/memory.max": "max\n"}, 1500),
        ("0::/host/path", {"memory.max": "1500\n"}, 1500),
        ("5:cpu:/\n4:memory:/a", {"memory/a/memory.limit_in_bytes": "1500\n"}, 1500),
        ("4:memory:/host/path", {"memory/memory.limit_in_bytes": "1500\n"}, 1500),
        ("4:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8000),
        ("0::/", {"memory.max": "9000\n"}, 8000),
        ("0::/", {}, 8000),
    ],
)
def test_limits_of_containers(
    system: Path, groups: str, files: dict[str, str], expected: int
) -> None:
    write_groups(system, groups, files)
    assert memory_limit() == expected


@pytest.fixture
def eight_cores(system: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same of a machine of eight cores, on all of which the process may run."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    core_limit.cache_clear()
    yield system
    core_limit.cache_clear()


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/a/b", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/host/path", {"cpu.max": "200000 50000\n"}, 4),
        (
            "5:cpu,cpuacct:/a",
            {"cpu/a/cpu.cfs_quota_us": "250000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        ("5:cpu:/", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("5:cpuset:/\n4:memory:/", {"cpu.max": "100000 100000\n"}, 8),
        ("0::/", {"cpu.max": "1600000 100000\n"}, 8),
        ("0::/", {"cpu.max": "damaged\n"}, 8),
        ("0::/", {}, 8),
    ],
)
def test_cores_of_containers(
    eight_cores: Path, groups: str, files: dict[str, str], expected: int
) -> None:
    write_groups(eight_cores, groups, files)
    assert core_limit() == usable_cores() == expected


@pytest.mark.parametrize(("allowed", "expected"), [({5}, 1), ({1, 3, 6}, 3), (None, 8)])
def test_cores_that_the_scheduler_allows(
    eight_cores: Path,
    monkeypatch: pytest.MonkeyPatch,
    allowed: set[int] | None,
    expected: int,
) -> None:
    if allowed is None:
        monkeypatch.delattr(os, "sched_getaffinity")
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    assert core_limit() == expected


def test_limit_of_the_address_space(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (page + 700, resource.RLIM_INFINITY))
    assert memory_limit() == 700


def test_processes_that_share_a_machine_have_a_part_of_it_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "core_limit", lambda: 8)
    alone = shared_budget().size_bytes
    assert usable_cores() == 8
    try:
        share_machine(3)
        assert shared_budget().size_bytes == pytest.approx(alone / 3, rel=0.01)
        assert usable_cores() == 2
        share_machine(9)
        assert usable_cores() == 1
    finally:
        share_machine(1)
    assert shared_budget().size_bytes == pytest.approx(alone, rel=0.01)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="glibc's alone")
@pytest.mark.parametrize(("before", "two"), [("", False), ("share_arenas()", True)])
def test_threads_share_two_arenas(before: str, two: bool) -> None:
    code = (
        "import ctypes, threading\n"
        "from fer_core.budget import share_arenas\n"
        f"{before}\n"
        "c, together = ctypes.CDLL(None), threading.Barrier(8)\n"
        "def take():\n"
        "    together.wait()\n"
        "    c.malloc(100_000)\n"
        "    together.wait()\n"
        "threads = [threading.Thread(target=take) for _ in range(8)]\n"
        "[thread.start() for thread in threads], [thread.join() for thread in threads]\n"
        "c.malloc_stats()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stderr.count("Arena ") <= 2) is two
