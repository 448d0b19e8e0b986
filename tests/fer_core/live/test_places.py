from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from fer_core.live.places import MAX_RATE, Places


def test_the_limit_holds_and_a_place_given_back_is_free() -> None:
    places = Places(2)
    assert places.take("a") and places.take("b") and not places.take("c")
    assert places.free == 0
    places.give_back("a")
    assert places.free == 1 and places.take("c")


def test_a_holder_counts_once_and_may_give_back_twice() -> None:
    places = Places(1)
    assert places.take("a") and places.take("a")
    places.give_back("a")
    places.give_back("a")
    assert places.free == 1


def test_many_at_once_get_no_more_than_there_are() -> None:
    places = Places(3)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(places.take, range(200))) == 3


def test_visitors_share_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    places = Places(4)
    rates = [places.rate]
    for holder in "abcd":
        places.take(holder)
        rates.append(places.rate)
    assert rates[:2] == [MAX_RATE, MAX_RATE]
    # Two browsers on two cores keep the ten a second that a live reading needs.
    assert 10 <= rates[2] < MAX_RATE
    assert rates[4] == pytest.approx(rates[2] / 2)


def test_opencv_keeps_to_one_thread_while_a_place_is_taken() -> None:
    cv2.setNumThreads(-1)  # Whatever other tests left.
    before = cv2.getNumThreads()
    places = Places(2)
    places.take("a")
    places.take("b")
    places.give_back("a")
    assert cv2.getNumThreads() == 1
    places.give_back("b")
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("limit", [0, -1])
def test_there_must_be_a_place(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Places(limit)
