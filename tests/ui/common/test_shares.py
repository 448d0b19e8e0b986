from __future__ import annotations

import pytest

from ui.common.shares import in_words, of_ten, times


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.02, "hardly ever"), (0.12, "once in ten times"), (0.5, "every second time"),
     (0.74, "seven times in ten"), (0.97, "nearly always")],
)  # fmt: skip
def test_shares_in_words(share: float, said: str) -> None:
    assert times(share) == said
    assert in_words(round(10 * share)) == of_ten(share)
    assert in_words(12) == "12"
