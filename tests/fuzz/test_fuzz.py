"""The search itself: what it damages, and what it takes for a fault."""

from __future__ import annotations

import time
from random import Random

import pytest

from fer_core.errors import UnreadableImage
from tests.fuzz import reading
from tests.fuzz.damage import damaged
from tests.fuzz.reading import try_reading
from tests.train.zips import PNG


def test_the_same_seed_damages_in_the_same_way() -> None:
    copies = [damaged(PNG, [PNG], Random(number % 50)) for number in range(100)]
    assert copies[:50] == copies[50:]
    assert len(set(copies)) > 40 and copies.count(PNG) < 10
    assert damaged(b"", [b""], Random(0)) == b""


def test_whole_and_refused_files_are_no_faults() -> None:
    whole, text = try_reading(PNG, ".png"), try_reading(b"This is no picture.", ".png")
    assert (whole.fault, whole.refused, text.fault, text.refused) == ("", False, "", True)


def _error(*_: object) -> None:
    raise KeyError("surprise")


def _memory(*_: object) -> None:
    bytearray(100_000_000)
    raise UnreadableImage("It took the memory all the same.")


def _more_memory(*_: object) -> None:
    bytearray(4_000_000_000)


def _time(*_: object) -> None:
    time.sleep(60)


@pytest.mark.parametrize(
    ("reader", "fault"),
    [
        (_error, "KeyError"),
        (_memory, "more than 50 MB"),
        (_more_memory, "MemoryError"),
        (_time, "more than 0 s"),
    ],
)
def test_what_is_a_fault(reader: object, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_read", reader)
    monkeypatch.setattr(reading, "MOST_BYTES", 50_000_000)
    if reader is _time:
        monkeypatch.setattr(reading, "MOST_S", 0.3)
    assert try_reading(PNG, ".png").fault == fault
