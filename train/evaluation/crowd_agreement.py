"""A network against the crowd that voted on FER-2013: FER+."""

from __future__ import annotations

import itertools

import numpy as np

from fer_core.readings import PEOPLE
from fer_core.tta import FLIP
from train.data.fer2013 import TEST
from train.data.ferplus import Votes, majority
from train.evaluation.records import Crowd, CrowdRow, Predictions

_BINS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def crowd_agreement(predictions: Predictions, votes: Votes) -> Crowd:
    """Measure a model's readings against the crowd's on the test pictures.

    The crowd's majority is here what most voters chose, however few they are, as the point is how
    much depends on how many they are.

    Args:
        predictions: What the model says of PublicTest and PrivateTest; Training is left out.
        votes: The crowd's.
    """
    part = predictions.split(TEST)
    tests = part.verdicts()
    people = part.probabilities.get((PEOPLE, FLIP))
    said = None if people is None else people.argmax(axis=1)
    counts = votes.of(tests.ids)
    total = counts.sum(axis=1)
    chosen = majority(counts, predictions.class_set)
    share = counts.max(axis=1) / np.maximum(total, 1)
    rows = []
    for low, high in itertools.pairwise(_BINS):
        inside = (chosen >= 0) & (share >= low) & ((share < high) | (high == _BINS[-1]))
        if inside.any():
            rows.append(
                CrowdRow(
                    low,
                    high,
                    int(inside.sum()),
                    float(tests.correct[inside].mean()),
                    float((tests.predicted == chosen)[inside].mean()),
                    float((chosen == tests.labels)[inside].mean()),
                    None if said is None else float((said == chosen)[inside].mean()),
                )
            )
    return Crowd(
        int((chosen >= 0).sum()),
        int((total == 0).sum()),
        int(((chosen < 0) & (total > 0)).sum()),
        tuple(rows),
    )
