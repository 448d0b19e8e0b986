from __future__ import annotations

import numpy as np
import pytest

from train.evaluation.groups import MOST_GROUPS, OTHERS, grouped, recall_by_group
from train.evaluation.metrics import wilson_interval
from train.evaluation.records import Verdicts


def verdicts(labels: list[int], predicted: list[int]) -> Verdicts:
    rows = np.eye(3, dtype=np.float32)[predicted]
    return Verdicts(np.arange(len(labels)).astype(str), ("x", "y", "z"), np.array(labels), rows)


def test_recall_of_each_group_and_emotion() -> None:
    said = verdicts([0, 0, 0, 1, 1, 0], [0, 0, 1, 1, 0, 0])
    women, men = recall_by_group(said, np.array(["F", "F", "M", "F", "M", ""]))
    assert (women.group, women.everything.pictures, women.everything.recall) == ("F", 3, 1)
    assert (men.group, men.everything.pictures, men.everything.recall) == ("M", 2, 0)
    assert {emotion: row.pictures for emotion, row in women.by_emotion.items()} == {"x": 2, "y": 1}
    # All three are right, which proves little.
    assert women.everything.interval == pytest.approx((0.438, 1), abs=1e-3)


@pytest.mark.parametrize("values", [["a"] * 4, [""] * 4, ["a", "a", "", ""]])
def test_one_group_is_none(values: list[str]) -> None:
    assert recall_by_group(verdicts([0, 1, 2, 0], [0, 1, 2, 0]), np.array(values)) == []


def test_nothing_has_no_groups() -> None:
    names, group_of = grouped(np.array([], np.str_))
    assert names == [] and len(group_of) == 0


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["night", "day", "", "day"], ["day", "night"]),
        # As numbers, not as words.
        (["9", "10", "9", "10"], ["9", "10"]),
        (["nan", "1"], ["1", "nan"]),
        ([str(age) for age in range(18, 58)], ["18 to 27", "28 to 37", "38 to 47", "48 to 57"]),
        # Every picture has its own.
        ([f"note {n}" for n in range(40)], []),
    ],
)
def test_values_become_a_few_groups(values: list[str], names: list[str]) -> None:
    found, group_of = grouped(np.array(values))
    assert found == names
    for value, group in zip(values, group_of.tolist(), strict=True):
        assert group == -1 or found[group] == value or " to " in found[group]
    assert ((group_of == -1) == [not names or not value for value in values]).all()


def test_rare_words_are_the_others() -> None:
    words = [word for number, word in enumerate("abcdefghijkl") for _ in range(12 - number)]
    names, group_of = grouped(np.array(words))
    assert len(names) == MOST_GROUPS and names[-1] == OTHERS
    assert names[:-1] == list("abcdefg")
    for word, group in zip(words, group_of.tolist(), strict=True):
        assert names[group] == (word if word in names else OTHERS)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe (1998), table 1.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval(hits: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=1e-4)
