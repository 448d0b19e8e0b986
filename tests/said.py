"""What a model says, made up."""

from __future__ import annotations

import numpy as np

from fer_core.labels import ClassSet
from fer_core.readings import LABELS
from fer_core.tta import VIEW_COUNTS
from train.evaluation.records import Predictions


def said_always(
    names: np.ndarray, splits: np.ndarray, labels: np.ndarray, rows: np.ndarray, known: ClassSet
) -> Predictions:
    """Return the predictions of a model without the people's reading, alike with all views.

    Args:
        names: str ``(N,)``.
        splits: str ``(N,)``.
        labels: int64 ``(N,)``, positions in ``known.labels``.
        rows: float32 ``(N, K)``, the probabilities.
        known: The emotions.
    """
    count = len(names)
    return Predictions(
        names,
        splits,
        labels,
        np.zeros(count, bool),
        np.full(count, ""),
        {(LABELS, views): rows for views in VIEW_COUNTS},
        np.empty((count, 0), np.float32),
        (),
        known,
    )
