"""What a report says: names made harmless, times, and what a probability means to a reader."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape

from fer_core.readings import LABELS, PEOPLE

_COUNTS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def plain(text: str) -> str:
    """Return a text of others, such as a file's name, as HTML that shows it and does nothing.

    It comes on one line. What is no character, such as a byte that no encoding has, is shown as
    a replacement; the direction of its writing ends where it ends.
    """
    return f"<bdi>{attribute(text)}</bdi>"


def attribute(text: str) -> str:
    """Return such a text for the value of an attribute, or for the title of the page."""
    line = " ".join(text.split())
    return escape(
        "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in line)
    )


def title_of(label: str) -> str:
    """Return an emotion, or "uncertain", as HTML for the beginning of a line."""
    return escape(label.capitalize())


def count_of(number: int, what: str) -> str:
    """Return, for example, "1 face" or "2,000 faces"."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def listed(parts: Sequence[str]) -> str:
    """Return, for example, "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def clock(seconds: float) -> str:
    """Return a time as "0:07.4", or "1:02:03" from an hour on."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}"
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"


def meaning(label: str, probability: float, reading: str | None, threshold: float) -> str:
    """Return in a sentence what the most probable emotion of a face means.

    Args:
        label: The emotion.
        probability: Its probability, 0 to 1.
        reading: What probabilities are, one of ``fer_core.readings.READINGS``; None where that is
            not known.
        threshold: Confidence below which a verdict is "uncertain", 0 to 1.
    """
    tenths = max(1, round(10 * probability))
    count = f"about {_COUNTS[tenths]}" if tenths < 10 else "nearly all"
    if reading == PEOPLE:
        said = f"Of ten people, {count} would call this {label}"
    elif reading == LABELS:
        said = f"Of ten such faces in FER-2013, {count} would be labelled {label}"
    else:
        said = f"The most probable emotion is {label}, with {probability:.0%}"
    return f"{said}." if probability >= threshold else f"{said}; none reaches {threshold:.0%}."
