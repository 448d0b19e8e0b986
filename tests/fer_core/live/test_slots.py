from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from fer_core.live.slots import MAX_RATE, Slots


def test_the_limit_holds_and_a_place_given_back_is_free() -> None:
    slots = Slots(2)
    assert slots.take("a") and slots.take("b") and not slots.take("c")
    assert slots.free == 0
    slots.give_back("a")
    assert slots.free == 1 and slots.take("c")


def test_a_holder_counts_once_and_may_give_back_twice() -> None:
    slots = Slots(1)
    assert slots.take("a") and slots.take("a")
    slots.give_back("a")
    slots.give_back("a")
    assert slots.free == 1


def test_many_at_once_get_no_more_than_there_are() -> None:
    slots = Slots(3)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(slots.take, range(200))) == 3


def test_visitors_share_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.budget.core_limit", lambda: 2)
    slots = Slots(4)
    rates = [slots.rate]
    for holder in "abcd":
        slots.take(holder)
        rates.append(slots.rate)
    assert rates[:2] == [MAX_RATE, MAX_RATE]
    # Two browsers on two cores keep the ten a second that a live reading needs.
    assert 10 <= rates[2] < MAX_RATE
    assert rates[4] == pytest.approx(rates[2] / 2)


def test_opencv_keeps_to_one_thread_while_a_place_is_taken() -> None:
    cv2.setNumThreads(-1)  # Whatever other tests left.
    before = cv2.getNumThreads()
    slots = Slots(2)
    slots.take("a")
    slots.take("b")
    slots.give_back("a")
    assert cv2.getNumThreads() == 1
    slots.give_back("b")
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("limit", [0, -1])
def test_there_must_be_a_place(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Slots(limit)
