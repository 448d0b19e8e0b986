"""Shares and small counts in words, as people say them."""

from __future__ import annotations

_WORDS = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip
_TIMES = {0: "hardly ever", 1: "once in ten times", 5: "every second time", 10: "nearly always"}


def in_words(count: int) -> str:
    """Return a count as a word, or in digits from eleven on."""
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def of_ten(share: float) -> str:
    """Return how many of ten a share, 0 to 1, is, such as "eight"."""
    return in_words(round(10 * share))


def times(share: float) -> str:
    """Return how often that is, such as "seven times in ten" or "every second time"."""
    tenths = round(10 * share)
    return _TIMES.get(tenths, f"{in_words(tenths)} times in ten")
