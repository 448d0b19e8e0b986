"""The app as a server that is watched: its memory, file descriptors, threads and files."""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.startup import served, wait_for

MAX_MEMORY_GROWTH = 0.2
# Pools may grow by one or another; what every visitor left would be many more.
_SPARE = 4
_SHOWN_FAULTS = 10
_LOOK_EVERY_S = 0.25
_TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server's process and its child processes hold together.

    Attributes:
        memory_mb: Resident memory in megabytes.
        descriptors: Open file descriptors.
        threads: Threads.
        files: Temporary files, with those that have no name.
    """

    memory_mb: float
    descriptors: int
    threads: int
    files: int

    def with_more(self, other: Usage) -> Usage:
        """Return the sum of each figure."""
        others = asdict(other)
        return Usage(**{name: value + others[name] for name, value in asdict(self).items()})

    def or_more(self, other: Usage) -> Usage:
        """Return the larger one of each figure."""
        others = asdict(other)
        return Usage(**{name: max(value, others[name]) for name, value in asdict(self).items()})


class Watched(ABC):
    """What can be looked at again and again."""

    __slots__ = ()

    @abstractmethod
    def usage(self) -> Usage:
        """Return what it holds at the moment.

        Raises:
            RuntimeError: It has ended.
        """

    @contextmanager
    def watched(self) -> Iterator[list[Usage]]:
        """Look at it several times a second; yield what was seen until now, oldest first."""
        seen = [self.usage()]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_LOOK_EVERY_S):
                with suppress(RuntimeError):
                    seen.append(self.usage())

        thread = threading.Thread(target=watch, name="watch", daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()


@dataclass(frozen=True, slots=True)
class Server(Watched):
    """The running app, on Linux.

    Attributes:
        address: Where it answers, such as "http://localhost:8501".
    """

    address: str
    _process: subprocess.Popen[bytes]
    _folder: Path

    def usage(self) -> Usage:
        """Return what it holds at the moment.

        Raises:
            RuntimeError: It has ended.
        """
        if self._process.poll() is not None:
            raise RuntimeError(f"The app ended with status {self._process.returncode}.")
        memory_kb = descriptors = threads = 0
        files = sum(not path.is_dir() for path in self._folder.rglob("*"))
        for pid in _tree(self._process.pid):
            place = Path(f"/proc/{pid}")
            # Child processes and descriptors come and go meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                lines = (place / "status").read_text().splitlines()
                status = dict(line.split(":", 1) for line in lines)
                memory_kb += int(status.get("VmRSS", "0 kB").split()[0])
                threads += int(status["Threads"])
                for descriptor in (place / "fd").iterdir():
                    descriptors += 1
                    with suppress(FileNotFoundError):
                        target = str(descriptor.readlink())
                        inside = target.startswith(f"{self._folder}/")
                        files += inside and target.endswith(" (deleted)")
        return Usage(memory_kb / 1000, descriptors, threads, files)

    def cpu_s(self) -> float:
        """Return the processor time it has taken, in seconds, with ended child processes."""
        # The name, in brackets, may hold spaces; the times are the 14th to 17th fields.
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def traces(self) -> list[str]:
        """Return the last line of each trace in its log."""
        log = self._folder.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
        return [_last_line(trace) for trace in log.split(_TRACE)[1:]]


@contextmanager
def running_server(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start the app as `make run` does, with a temporary folder of its own; end it afterwards.

    Args:
        environment: What to add to the environment.

    Raises:
        RuntimeError: It does not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "server"
        folder.mkdir()
        with served(folder=folder, environment=environment) as (process, port, _):
            server = Server(f"http://localhost:{port}", process, folder)
            wait_for(f"{server.address}/_stcore/health", process)
            yield server


def most_of(seen: Sequence[Usage]) -> Usage:
    """Return the most that was seen of each figure."""
    return functools.reduce(Usage.or_more, seen)


def report_usage(before: Usage, most: Usage, after: Usage, wait_s: float) -> list[str]:
    """Print a table of what a server held, and return the goals that are missed, sentences.

    Args:
        before: When nobody was there.
        most: While visitors were there.
        after: When nobody was there any more.
        wait_s: How long after the last one had left, in seconds.
    """
    print(
        f"\n| the server | before | most | {wait_s:g} s after | goal |\n|---|---:|---:|---:|---:|"
    )
    missed = []
    for name, key, bound in (
        ("memory, MB", "memory_mb", before.memory_mb * (1 + MAX_MEMORY_GROWTH)),
        ("file descriptors", "descriptors", before.descriptors + _SPARE),
        ("threads", "threads", before.threads + _SPARE),
        ("temporary files", "files", before.files),
    ):
        values = [getattr(usage, key) for usage in (before, most, after)]
        print(f"| {name} | {' | '.join(f'{value:,.0f}' for value in values)} | {bound:,.0f} |")
        if values[-1] > bound:
            missed.append(f"Left at the end: {values[-1]:,.0f} {name}, above {bound:,.0f}.")
    return missed


def report_goals(missed: list[str], faults: list[str]) -> list[str]:
    """Print what went wrong and which goals are missed; return these, with one for errors.

    Args:
        missed: Goals, sentences.
        faults: What went wrong, sentences.
    """
    if faults:
        missed = [*missed, f"There were {len(faults)} errors."]
        print("\nErrors, the first of them:", *faults[:_SHOWN_FAULTS], sep="\n- ")
    print(*("\nMissed:", *missed) if missed else ("\nAll goals are met.",), sep="\n- ")
    return missed


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how long to wait for what closed pages held to go."""
    parser.add_argument(
        "--wait",
        type=float,
        default=120.0,
        help="seconds from the last page's closing to the look at the server, default %(default)s",
    )


def wait_after_close(seconds: float) -> None:
    """Wait until what closed pages held should have gone."""
    print(f"All pages are closed; waiting {seconds:g} s …", flush=True)
    time.sleep(seconds)


def _tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for parent in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    found += map(int, (task / "children").read_text().split())
    return found


def _last_line(trace: str) -> str:
    """Return the line that names the error: the first one that is not indented."""
    lines = trace.splitlines()[1:]
    return next((line for line in lines if line and not line[0].isspace()), "")
