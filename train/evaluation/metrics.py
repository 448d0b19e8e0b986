"""Measures of a classifier, on arrays alone.

Throughout, ``labels`` are int64 ``(N,)``, N at least 1, and ``probabilities`` are floating
``(N, K)`` with rows that sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

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
        support: int64 ``(K,)``, pictures per class.
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
    """Count pictures by true and by predicted class.

    Returns:
        int64 ``(K, K)``; rows are true classes, columns predicted ones.
    """
    cells = labels * num_classes + predicted
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(confusion: NDArray[np.int64]) -> ClassScores:
    """Return precision, recall, F1 and support from a confusion matrix, int64 ``(K, K)``."""
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
    """Return the percentile bootstrap interval of an accuracy (Efron, 1979).

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


def wilson_interval(hits: int, count: int, *, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson, 1927), for few pictures.

    Where all or none are right, a bootstrap finds no more than that, however few there are.

    Args:
        hits: Number of pictures classified rightly.
        count: Number of all, at least 1.
        z: Standard deviations to either side; 1.96 for 95 %.

    Returns:
        The lower and the upper end, 0 to 1.
    """
    share, weight = hits / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z * np.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def top_accuracy(probabilities: Probabilities, labels: Labels, k: int) -> float:
    """Return the share of pictures whose class is among the ``k`` most probable, 0 to 1."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


def log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean negative log-likelihood of the true classes, in nats."""
    likelihood = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean())


def confidence_log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean log loss of the confidence as a forecast of being right, in nats.

    The confidence is the probability of the most probable class ("top-label calibration", Gupta
    and Ramdas, 2022); what is said of the others does not count.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    likelihood = np.where(correct, confidence, 1 - confidence)
    return float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean())


def expected_calibration_error(
    probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS
) -> float:
    """Return how far confidence and accuracy lie apart, 0 to 1.

    Confidences are sorted into bins of equal width, open below and closed above; the gap between
    mean confidence and accuracy is averaged over the bins, weighed by their pictures (Naeini et
    al., 2015; Guo et al., 2017).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    position = calibration_bins(confidence, bins)
    gaps = np.bincount(position, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def calibration_bins(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return int64 ``(N,)``: which of the bins of equal width each confidence lies in."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two classifiers on the same pictures (McNemar, 1947).

    Attributes:
        both_right: Number of pictures that both classify rightly.
        only_first: Number that the first alone does.
        only_second: Number that the second alone does.
        both_wrong: Number that neither does.
        p_value: Probability of a difference at least as large, were both equally good; from the
            exact binomial test, two-sided.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float


def mcnemar(first_correct: NDArray[np.bool_], second_correct: NDArray[np.bool_]) -> McNemar:
    """Compare two classifiers, each given as bool ``(N,)``: which pictures it has right."""
    both, neither = first_correct & second_correct, ~first_correct & ~second_correct
    first = int((first_correct & ~second_correct).sum())
    second = int((second_correct & ~first_correct).sum())
    # Were both equally good, each such picture would fall to either like a fair coin. `binomtest`
    # says the same, but SciPy's statistics take most of a second to import.
    p_value = min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5)))
    return McNemar(int(both.sum()), first, second, int(neither.sum()), p_value)


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """A class taken for another.

    Attributes:
        true: Position of the true class.
        predicted: Position of the class that was predicted instead.
        count: Number of such pictures.
        share: Their share of the true class' pictures.
    """

    true: int
    predicted: int
    count: int
    share: float


def most_confused(confusion: NDArray[np.int64], limit: int | None = None) -> list[ConfusedPair]:
    """Return which class is taken for which, most often first; nothing that never happens.

    Args:
        confusion: int64 ``(K, K)``; rows are true classes.
        limit: Number of pairs; None for all.
    """
    support = confusion.sum(axis=1)
    pairs = [
        ConfusedPair(int(true), int(predicted), int(count), float(count / support[true]))
        for (true, predicted), count in np.ndenumerate(confusion)
        if true != predicted and count
    ]
    return sorted(pairs, key=lambda pair: pair.count, reverse=True)[:limit]
