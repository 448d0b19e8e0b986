"""Shares in words, as people say them."""

from __future__ import annotations

_TENTHS = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip
_TIMES = {0: "hardly ever", 1: "once in ten times", 5: "every second time", 10: "nearly always"}


def of_ten(share: float) -> str:
    """Return how many of ten a share, 0 to 1, is, such as "eight"."""
    return _TENTHS[round(10 * share)]


def times(share: float) -> str:
    """Return how often that is, such as "seven times in ten" or "every second time"."""
    tenths = round(10 * share)
    return _TIMES.get(tenths, f"{_TENTHS[tenths]} times in ten")
