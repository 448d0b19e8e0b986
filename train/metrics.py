"""Measures of a classifier, on arrays alone.

Throughout, ``labels`` are int64 ``(N,)``, N at least 1, and ``probabilities`` are floating
``(N, K)`` with rows that sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Probabilities = NDArray[np.floating]

BOOTSTRAP_RESAMPLES = 10_000
ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Measures of every class on its own.

    Where a class was never predicted its precision is 0, where it has no pictures its recall,
    and where both are 0 its F1.

    Attributes:
        precision: float64 ``(K,)``, share of a class's predictions that are right.
        recall: float64 ``(K,)``, share of a class's pictures that are found.
        f1: float64 ``(K,)``, the harmonic mean of both.
        support: int64 ``(K,)``, pictures a class.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes; one without pictures and predictions counts as 0."""
        return float(self.f1.mean())

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have pictures (Brodersen et al., 2010)."""
        return float(self.recall[self.support > 0].mean())


def confusion_matrix(labels: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """Counts pictures by true and by predicted class.

    Returns:
        int64 ``(K, K)``; rows are true classes, columns predicted ones.
    """
    cells = labels * num_classes + predicted
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(confusion: NDArray[np.int64]) -> ClassScores:
    """Returns precision, recall, F1 and support from a confusion matrix, int64 ``(K, K)``."""
    hits = np.diag(confusion).astype(np.float64)
    support, predictions = confusion.sum(axis=1), confusion.sum(axis=0)
    return ClassScores(
        precision=hits / np.maximum(predictions, 1),
        recall=hits / np.maximum(support, 1),
        f1=2 * hits / np.maximum(support + predictions, 1),
        support=support,
    )


def bootstrap_interval(
    correct: NDArray[np.bool_],
    *,
    level: float = 0.95,
    resamples: int = BOOTSTRAP_RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of an accuracy (Efron, 1979).

    Args:
        correct: bool ``(N,)``, which pictures were classified rightly.
        level: Share of the resampled accuracies inside the interval.
        resamples: Number of resampled accuracies.
        seed: Of the resampling.

    Returns:
        The lower and the upper end, 0 to 1.
    """
    # N draws with replacement from zeros and ones have a binomial number of ones: drawing that
    # number is the same as drawing the pictures, without an array of N x resamples.
    hits = np.random.default_rng(seed).binomial(len(correct), correct.mean(), resamples)
    tail = (1 - level) / 2
    low, high = np.quantile(hits / len(correct), [tail, 1 - tail])
    return float(low), float(high)


def top_accuracy(probabilities: Probabilities, labels: Labels, k: int) -> float:
    """Returns the share of pictures whose class is among the ``k`` most probable, 0 to 1."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


def log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Returns the mean negative log-likelihood of the true classes, in nats."""
    likelihood = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean())


def expected_calibration_error(
    probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS
) -> float:
    """Returns how far confidence and accuracy lie apart, 0 to 1.

    Confidences are sorted into bins of equal width, open below and closed above; the gap between
    mean confidence and accuracy is averaged over the bins, weighed by their pictures (Naeini et
    al., 2015; Guo et al., 2017).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    position = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(position, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
