"""Timing that survives a noisy machine: interleaved rounds, medians, and a reference."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

REFERENCE = "reference"
REFERENCE_NOTE = "reference: Gaussian blur, 15x15, of 640x480 BGR"


def load_average() -> str:
    """Return how busy the machine was in the last minute, five, and fifteen."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def machine() -> str:
    """Return what the figures depend on besides the code."""
    return f"{os.cpu_count()} cores, load average {load_average()}"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a task takes.

    Attributes:
        wall_ms: Milliseconds that passed, the median; on a busy machine partly other programs'
            work.
        cpu_ms: Milliseconds that this process computed, on all its threads together, the median.
        least_cpu_ms: The same, of the fastest round.
    """

    wall_ms: float
    cpu_ms: float
    least_cpu_ms: float


def time_tasks(tasks: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time tasks in turn, so that a slow moment of the machine hits all of them alike.

    Args:
        tasks: What to time, by name; each is called once before the first round.
        rounds: How often each is timed.

    Returns:
        How long every task takes, and ``REFERENCE``.
    """
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    everything = {**tasks, REFERENCE: lambda: cv2.GaussianBlur(picture, (15, 15), 0)}
    walls: dict[str, list[float]] = {name: [] for name in everything}
    cpus: dict[str, list[float]] = {name: [] for name in everything}
    for task in everything.values():
        task()
    for _ in range(rounds):
        for name, task in everything.items():
            wall, cpu = time.perf_counter(), time.process_time()
            task()
            walls[name].append(1000 * (time.perf_counter() - wall))
            cpus[name].append(1000 * (time.process_time() - cpu))
    return {
        name: Timing(statistics.median(walls[name]), statistics.median(cpus[name]), min(cpus[name]))
        for name in everything
    }


def print_timings(timings: Mapping[str, Timing], faces: Mapping[str, int] | None = None) -> None:
    """Print one line per task; a task in ``faces`` is divided by its number of faces."""
    reference = timings[REFERENCE].cpu_ms
    print(f"  {'':<26}{'wall ms':>9}{'CPU ms':>9}{'x reference':>13}")
    for name, timing in timings.items():
        count = (faces or {}).get(name, 1)
        wall, cpu = timing.wall_ms / count, timing.cpu_ms / count
        print(f"  {name:<26}{wall:9.2f}{cpu:9.2f}{cpu / reference:13.2f}")
