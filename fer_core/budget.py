"""How much of the machine this process may take: its cores, and the memory to decode into.

What a picture or a video needs is known from its header. Its decoder reserves that much before it
begins, and waits while others hold too much of the machine's memory:

    with shared_budget().reserve(need_bytes, while_waiting=look_for_cancel):
        decode()
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fer_core.errors import OverBudget

# The rest is for the process itself, with its networks, and for the files that it was given.
SHARE = 0.4
# Videos hold theirs for minutes. Photos, which take moments, go on beside them.
LONG_SHARE = 2 / 3
# Of the limit, from which on nothing is kept for later.
_SCARCE = 0.7
_UNKNOWN_MEMORY = 4 << 30
_LOOK_EVERY_S = 0.2
_processes = 1
_cores: int | None = None
_PROC, _CGROUPS = Path("/proc/self"), Path("/sys/fs/cgroup")


@dataclass(eq=False, slots=True)
class _Reservation:
    size_bytes: int
    long: bool
    granted: bool = False


class MemoryBudget:
    """Bytes that threads reserve before they decode; in the order in which they ask.

    Attributes:
        size_bytes: What all reservations together may be.
        long_bytes: What the long ones of them together may be.
    """

    def __init__(self, size_bytes: int, limit_bytes: int | None = None) -> None:
        """Begin with nothing reserved.

        Args:
            size_bytes: What all reservations together may be.
            limit_bytes: What the process may take in all, whether reserved or not; None where that
                is not looked after.
        """
        self.size_bytes = size_bytes
        self.long_bytes = int(size_bytes * LONG_SHARE)
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._held: list[_Reservation] = []
        self._waiting: list[_Reservation] = []

    @property
    def reserved_bytes(self) -> int:
        """What is reserved at the moment."""
        with self._changed:
            return sum(held.size_bytes for held in self._held)

    @contextmanager
    def reserve(
        self,
        size_bytes: int,
        *,
        long: bool = False,
        while_waiting: Callable[[], object] | None = None,
    ) -> Iterator[None]:
        """Hold bytes inside the ``with``; wait for them first where others hold too many.

        A thread that holds some must not ask for more: two such threads could wait for each other.

        Args:
            size_bytes: What decoding needs at most.
            long: Whether it is held for longer than some seconds.
            while_waiting: Called as soon as it has to wait, and then five times a second; what it
                raises ends the wait.

        Raises:
            OverBudget: It is more than there will ever be.
        """
        self.refuse(size_bytes, long=long)
        wanted = _Reservation(size_bytes, long)
        with self._changed:
            self._waiting.append(wanted)
            self._grant()
        try:
            while not wanted.granted:
                if while_waiting is not None:
                    while_waiting()
                with self._changed:
                    self._changed.wait_for(lambda: wanted.granted, _LOOK_EVERY_S)
            self._make_room(size_bytes)
            yield
        finally:
            with self._changed:
                (self._held if wanted.granted else self._waiting).remove(wanted)
                self._grant()

    def refuse(self, size_bytes: int, *, long: bool = False) -> None:
        """Raise OverBudget for what can never be reserved; arguments as of ``reserve``."""
        most = self.long_bytes if long else self.size_bytes
        if size_bytes > most:
            raise OverBudget(
                f"It would take {size_bytes / 1e6:,.0f} MB of memory to decode; at most "
                f"{most / 1e6:,.0f} MB can be used for that here."
            )

    def _make_room(self, size_bytes: int) -> None:
        """Have what is kept for later given back, where the machine's memory would not suffice."""
        if self._limit_bytes and _resident() + size_bytes > self._limit_bytes * _SCARCE:
            give_memory_back()

    def _grant(self) -> None:
        """Give the next ones in line what they wait for; the lock is held."""
        for wanted in tuple(self._waiting):
            held = sum(other.size_bytes for other in self._held)
            held_long = sum(other.size_bytes for other in self._held if other.long)
            if wanted.long and held_long + wanted.size_bytes > self.long_bytes:
                continue
            if held + wanted.size_bytes <= self.size_bytes:
                wanted.granted = True
                self._waiting.remove(wanted)
                self._held.append(wanted)
            elif held_long + wanted.size_bytes <= self.size_bytes:
                # Its turn comes within moments, if nobody overtakes it; one that waits for a video
                # lets others pass.
                break
        self._changed.notify_all()


@cache
def shared_budget() -> MemoryBudget:
    """Return the budget of this process, a share of ``memory_limit``."""
    limit_bytes = memory_limit() // _processes
    return MemoryBudget(int(limit_bytes * SHARE), limit_bytes)


def share_machine(processes: int, cores: int | None = None) -> None:
    """Leave room for others like this process: each has its part of the memory and of the cores.

    To be called before the first picture is read.

    Args:
        processes: How many they are together, from 1.
        cores: How many this one may keep busy; None for its part of the machine's.
    """
    global _processes, _cores
    _processes, _cores = processes, cores
    shared_budget.cache_clear()


def usable_cores() -> int:
    """Return how many cores this process may keep busy, at least 1."""
    return _cores or max(1, core_limit() // _processes)


def when_scarce(give_back: Callable[[], None]) -> Callable[[], None]:
    """Have a function called by ``give_memory_back``, from any thread; return it."""
    _givers.append(give_back)
    return give_back


def give_memory_back() -> None:
    """Hand back to the system what was freed and is kept, since to get it again takes time."""
    for give_back in _givers:
        give_back()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        # Other systems' C libraries give back by themselves, or not at all.
        return


def share_arenas() -> None:
    """Have threads take their memory from two of the C library's arenas, not from eight per core.

    Each arena keeps what lies between pieces that last: after 20 visitors, each with threads of
    their own, that was a third of what the process took, and could not be handed back.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (AttributeError, OSError, TypeError):
        # Other systems' C libraries have no such arenas.
        return


# Of glibc's malloc.h.
_M_ARENA_MAX = -8
_givers: list[Callable[[], None]] = []


def _resident() -> int:
    """Return how much memory this process takes; 0 where only other systems tell."""
    try:
        pages = int((_PROC / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def memory_limit() -> int:
    """Return how many bytes this process may take.

    It is the least of the machine's memory, the limits of its container (cgroups of both
    versions), and what the limit on its address space leaves. Only the first is known on macOS,
    and none on Windows, where 4 GB are assumed.
    """
    limits = [_machine_memory(), *_container_limits(), *_address_space_left()]
    return min(limit for limit in limits if limit > 0)


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN_MEMORY


def _container_limits() -> Iterator[int]:
    for group, newer in _control_groups("memory"):
        try:
            yield int((group / ("memory.max" if newer else "memory.limit_in_bytes")).read_text())
        except (OSError, ValueError):  # none here, or "max"
            continue


@cache
def core_limit() -> int:
    """Return how many cores this process may use, at least 1.

    It is the least of the machine's cores, those that the scheduler lets it run on, and the share
    of the processor's time that its container has (cgroups of both versions), rounded up.
    """
    limits = [os.cpu_count() or 1, *_container_cores()]
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        limits.append(len(os.sched_getaffinity(0)))
    return max(1, min(limits))


def _container_cores() -> Iterator[int]:
    for group, newer in _control_groups("cpu"):
        try:
            if newer:
                quota_us, period_us = (group / "cpu.max").read_text().split()
            else:
                quota_us, period_us = (
                    (group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
                )
            cores = math.ceil(int(quota_us) / int(period_us))
        except (OSError, ValueError, ZeroDivisionError):  # none here, or "max"
            continue
        if cores > 0:  # -1 is none
            yield cores


def _control_groups(controller: str) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of this process' control groups, and of those around them.

    Yields:
        A folder, and whether its files are those of version 2.
    """
    try:
        groups = (_PROC / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        newer = not controllers
        if not newer and controller not in controllers.split(","):
            continue
        root = _CGROUPS if newer else _CGROUPS / controller
        # Inside a container the path can be the host's, and the root be the container's group.
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            yield folder, newer


def _address_space_left() -> Iterator[int]:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = int((_PROC / "statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return
    if limit != resource.RLIM_INFINITY:
        yield max(1, limit - used)
