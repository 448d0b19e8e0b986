from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fer_core.live.places import Places


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


@pytest.mark.parametrize("limit", [0, -1])
def test_there_must_be_a_place(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Places(limit)
