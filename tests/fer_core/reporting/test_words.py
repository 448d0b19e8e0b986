from __future__ import annotations

import pytest

from fer_core.readings import LABELS, PEOPLE
from fer_core.reporting.words import attribute, clock, count_of, listed, meaning, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.jpg", "a.jpg"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onload="x', "&quot; onload=&quot;x"),
        ("a\r\n\tb", "a b"),
        ("a\x00b\x1b[2J", "a\ufffdb\ufffd[2J"),
        ("\udcff.jpg", "\ufffd.jpg"),
        ("李 café 👨‍👩‍👧", "李 café 👨‍👩‍👧"),
    ],
)
def test_names_do_nothing(text: str, shown: str) -> None:
    assert attribute(text) == shown
    assert plain(text) == f"<bdi>{shown}</bdi>"
    attribute(text).encode()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (7.44, "0:07.4"), (59.97, "1:00.0"), (754.2, "12:34.2"), (3723.4, "1:02:03")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_counts_and_lists() -> None:
    assert [count_of(n, "face") for n in (0, 1, 2000)] == ["0 faces", "1 face", "2,000 faces"]
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "probability", "said"),
    [
        (PEOPLE, 0.62, "Of ten people, about six would call this happy."),
        (PEOPLE, 0.96, "Of ten people, nearly all would call this happy."),
        (PEOPLE, 0.41, "Of ten people, about four would call this happy; none reaches 45%."),
        (PEOPLE, 0.01, "Of ten people, about one would call this happy; none reaches 45%."),
        (LABELS, 0.7, "Of ten such faces in FER-2013, about seven would be labelled happy."),
        (None, 0.7, "The most probable emotion is happy, with 70%."),
    ],
)
def test_what_a_probability_means(reading: str | None, probability: float, said: str) -> None:
    assert meaning("happy", probability, reading, 0.45) == said
