"""What one visitor may use, so that something is left for the others; all of it in one place.

Each number can be set in the environment, and docs/DEPLOY.md lists them. What counts by the hour
has a limit only where strangers visit, or where one is set. A visitor is a browser: who deletes its
cookies is a new one, so this shares a machine among people, and keeps nobody out.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from fer_core.budget import usable_cores
from fer_core.errors import FerError
from ui.common.monitor import LIMITS, REFUSED
from ui.common.process import once
from ui.common.public import is_public

logger = logging.getLogger(__name__)

PREFIX = "FER_LIMIT_"
# Of all visitors together, and of processes that share a machine.
CAMERAS_VARIABLE, PROCESSES_VARIABLE = "FER_LIVE_LIMIT", "FER_PROCESSES"
_MINUTE_S, _HOUR_MINUTES = 60.0, 60
# What strangers may use within an hour.
_HOURLY = {"upload_mb": 4_000, "video_s": 3 * 3600, "camera_s": 1800}


class LimitReached(FerError):
    """A visitor has used what there is for one; the message says what, and when there is more."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one visitor may use; each is set by ``FER_LIMIT_`` and its name in capitals.

    Attributes:
        photos: Photos on a page at once.
        photos_mb: What they may take in memory, in megabytes; less where there is little.
        photo_mb: The largest photo, in megabytes (2^20 bytes).
        video_mb: The largest video, in megabytes (2^20 bytes).
        files: Files that a page has uploaded and not taken in yet.
        video_part_s: The longest part of a video that is analysed at once, in seconds.
        jobs: Analyses of videos that run or wait.
        upload_mb: What may be uploaded within an hour, in megabytes; 0 for no limit.
        video_s: How much of videos may be analysed within an hour, in seconds; 0 for no limit.
        camera_s: How long the camera may be read within an hour, in seconds; 0 for no limit.
    """

    photos: int = 200
    photos_mb: int = 500
    photo_mb: int = 50
    video_mb: int = 500
    files: int = 1_000
    video_part_s: int = 3_600
    jobs: int = 4
    upload_mb: int = 0
    video_s: int = 0
    camera_s: int = 0


def allowance() -> Allowance:
    """Return what one visitor may use here."""
    values, strangers = {}, _HOURLY if is_public() else {}
    for field in fields(Allowance):
        least = 0 if field.name in _HOURLY else 1
        default = strangers.get(field.name, field.default)
        values[field.name] = _number(PREFIX + field.name.upper(), default, least)
    return Allowance(**values)


def most_cameras() -> int:
    """Return how many cameras of all visitors may be read at once, by default one per core."""
    return _number(CAMERAS_VARIABLE, usable_cores(), 1)


def processes() -> int:
    """Return how many processes like this one share the machine, by default none but this."""
    return _number(PROCESSES_VARIABLE, 1, 1)


def _number(variable: str, default: int, least: int) -> int:
    text = os.environ.get(variable, "").strip()
    return max(least, _read(variable, text, default)) if text else default


@functools.cache
def _read(variable: str, text: str, default: int) -> int:
    """Return a setting; what is no number is said once."""
    try:
        return int(text)
    except ValueError:
        logger.warning("%s is no whole number: '%s'.", variable, text, extra={"setting": variable})
        return default


class HourlyUse:
    """What visitors have used within the last hour, to the minute; safe to use from any thread."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing used.

        Args:
            now: The time in seconds.
        """
        self._now = now
        self._used: dict[tuple[str, str], dict[int, float]] = {}
        self._swept = 0
        self._lock = threading.Lock()

    def spend(self, visitor: str, what: str, amount: float, most: float) -> None:
        """Note that a visitor uses something.

        Args:
            visitor: Whose it is.
            what: Of what, a field of ``Allowance``.
            amount: How much.
            most: How much there is within an hour; 0 for no limit.

        Raises:
            LimitReached: That is more than there is left, and was not noted.
        """
        if not most:
            return
        with self._lock:
            minute = int(self._now() / _MINUTE_S)
            self._forget(minute)
            used = self._used.get((visitor, what), {})
            if sum(used.values()) + amount > most:
                wait = _minutes_until(used, minute, amount, most)
                REFUSED.labels(what).inc()
                raise LimitReached(_SENTENCES[what](most, wait))
            used[minute] = used.get(minute, 0.0) + amount
            self._used[visitor, what] = used

    def _forget(self, minute: int) -> None:
        """Forget what is longer ago than an hour; the lock is held."""
        if minute == self._swept:
            return
        self._swept = minute
        for key, used in list(self._used.items()):
            kept = {when: amount for when, amount in used.items() if minute - when < _HOUR_MINUTES}
            if kept:
                self._used[key] = kept
            else:
                del self._used[key]


def _minutes_until(used: dict[int, float], minute: int, amount: float, most: float) -> int | None:
    """Return after how many minutes there is room for an amount; None if there never is."""
    if amount > most:
        return None
    left = sum(used.values())
    for when in sorted(used):
        left -= used[when]
        if left + amount <= most:
            return when + _HOUR_MINUTES - minute
    return 0


def _later(wait: int | None, smaller: str) -> str:
    if wait is None:
        return f"please choose {smaller}."
    return f"please try again in {_minutes(wait)}."


def _minutes(count: float) -> str:
    return "1 minute" if count == 1 else f"{count:,.0f} minutes"


_SENTENCES: dict[str, Callable[[float, int | None], str]] = {
    "upload_mb": lambda most, wait: (
        f"One visitor can upload {most:,.0f} MB within an hour here; "
        + _later(wait, "smaller files")
    ),
    "video_s": lambda most, wait: (
        f"One visitor can have {_minutes(most / 60)} of video analysed within an hour here; "
        + _later(wait, "a shorter part")
    ),
    "camera_s": lambda most, wait: (
        f"One visitor can use the camera for {_minutes(most / 60)} within an hour here; "
        + _later(wait, "less")
    ),
}


@once
def _hourly_use() -> HourlyUse:
    """Return what all visitors have used."""
    return HourlyUse()


def spend(visitor: str, **amounts: float) -> None:
    """Note that a visitor uses something of which there is so much an hour.

    Args:
        visitor: Whose it is; see ``ui.common.visitors``.
        amounts: By fields of ``Allowance``.

    Raises:
        LimitReached: There is less left.
    """
    here = allowance()
    for what, amount in amounts.items():
        _hourly_use().spend(visitor, what, amount, getattr(here, what))


def refuse_jobs(own: int) -> None:
    """Raise LimitReached if a visitor who has so many jobs may have no other."""
    most = allowance().jobs
    if own >= most:
        REFUSED.labels("jobs").inc()
        raise LimitReached(
            f"One visitor can have {most} analysis running or in line here; please wait for its "
            "end, or cancel it."
            if most == 1
            else f"One visitor can have {most} analyses running or in line here; please wait for "
            "one to end, or cancel one."
        )


for _field in fields(Allowance):
    LIMITS.labels(_field.name).set_function(lambda name=_field.name: getattr(allowance(), name))
LIMITS.labels("cameras").set_function(most_cameras)
