"""What was measured against what it should be: a table of goals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A line of the table.

    Attributes:
        what: What was measured.
        measured: The figure, with its unit.
        goal: What it should be.
        met: Whether it is.
    """

    what: str
    measured: str
    goal: str
    met: bool


def tell(goals: Iterable[Goal]) -> int:
    """Print goals as they are measured, then as a table, and return 1 when one is missed."""
    known = []
    for goal in goals:
        print(f"  {goal.what}: {goal.measured}", flush=True)
        known.append(goal)
    print("\n| | measured | goal | |\n|---|---:|---:|---|")
    for goal in known:
        print(f"| {goal.what} | {goal.measured} | {goal.goal} | {'' if goal.met else 'missed'} |")
    return 0 if all(goal.met for goal in known) else 1
