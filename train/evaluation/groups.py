"""Recall by groups of pictures: for whom, or in which light, a model is better or worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.evaluation.metrics import wilson_interval
from train.evaluation.records import Recall, Verdicts

MOST_GROUPS = 8
OTHERS = "others"
# Numbers with more values than that, such as ages, become ranges.
_RANGES = 4


@dataclass(frozen=True, slots=True)
class GroupRecall:
    """How one group of pictures is read; all intervals are Wilson's of 95 %.

    Attributes:
        group: What its pictures have in common.
        everything: The share of all its pictures that is read rightly.
        by_emotion: Recall of each emotion of which the group has pictures.
    """

    group: str
    everything: Recall
    by_emotion: dict[str, Recall]


def recall_by_group(verdicts: Verdicts, values: NDArray[np.str_]) -> list[GroupRecall]:
    """Compare groups of pictures.

    Args:
        verdicts: What a model says of N pictures.
        values: str ``(N,)``, what tells the groups apart; pictures with "" are left out.

    Returns:
        The groups of ``grouped`` in their order; [] without two of them.
    """
    names, group_of = grouped(values)
    right, words = verdicts.correct, verdicts.words
    found = []
    for number, name in enumerate(names):
        own = group_of == number
        by_emotion = {
            emotion: _recall(right[own & (words == emotion)])
            for emotion in verdicts.emotions
            if (own & (words == emotion)).any()
        }
        found.append(GroupRecall(name, _recall(right[own]), by_emotion))
    return found if len(found) > 1 else []


def grouped(values: NDArray[np.str_]) -> tuple[list[str], NDArray[np.int64]]:
    """Sort values into a few groups.

    Each value is a group, in the order of numbers or else of the alphabet. Of many numbers equal
    parts are made, such as "18 to 34"; of many words the rarest become ``OTHERS``.

    Args:
        values: str ``(N,)``; "" is in no group.

    Returns:
        The groups' names, and int64 ``(N,)``, the number of each value's group, or -1. No groups
        where almost every value is its own, as names and notes are.
    """
    group_of = np.full(len(values), -1)
    known = values != ""
    words, counts = np.unique(values[known], return_counts=True)
    numbers = _numbers(words)
    if len(words) <= MOST_GROUPS:
        order = np.arange(len(words)) if numbers is None else np.argsort(numbers, kind="stable")
        names = words[order].tolist()
        group_of[known] = np.argsort(order)[np.searchsorted(words, values[known])]
    elif numbers is not None:
        each = numbers[np.searchsorted(words, values[known])]
        edges = np.unique(np.quantile(each, np.linspace(0, 1, _RANGES + 1)[1:-1]))
        parts = np.searchsorted(edges, each)
        present, group_of[known] = np.unique(parts, return_inverse=True)
        names = [f"{each[parts == p].min():g} to {each[parts == p].max():g}" for p in present]
    elif 2 * len(words) <= known.sum():
        kept = np.sort(words[np.argsort(-counts, kind="stable")[: MOST_GROUPS - 1]])
        names = [*kept.tolist(), OTHERS]
        place = np.minimum(np.searchsorted(kept, values[known]), len(kept) - 1)
        group_of[known] = np.where(kept[place] == values[known], place, len(kept))
    else:
        names = []
    return names, group_of


def _numbers(words: NDArray[np.str_]) -> NDArray[np.float64] | None:
    """Return words as numbers, or None where one is none."""
    try:
        numbers = words.astype(np.float64)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _recall(right: NDArray[np.bool_]) -> Recall:
    hits, count = int(right.sum()), len(right)
    return Recall(count, hits / count, wilson_interval(hits, count))
