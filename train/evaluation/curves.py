"""Curves of a classifier, on arrays alone; arguments as in ``train.evaluation.metrics``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.evaluation.metrics import ECE_BINS, Labels, Probabilities, calibration_bins


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a class against all others, and the area under it.

    Attributes:
        x: float64 ``(P,)``: false-positive rate of a ROC curve, recall of a precision-recall
            curve; rising.
        y: float64 ``(P,)``: true-positive rate, or precision.
        thresholds: float64 ``(P,)``, the lowest probability that counts as the class.
        area: Area under a ROC curve; average precision of a precision-recall curve. NaN where
            the class has no pictures, or a ROC curve nothing but the class.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    area: float


def roc_curve(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Curve:
    """Return the receiver operating characteristic of one class against all others.

    Args:
        scores: floating ``(N,)``, the class' probabilities.
        positive: bool ``(N,)``, which pictures are of the class.
    """
    thresholds, hits, alarms = _by_threshold(scores, positive)
    wanted, others = int(positive.sum()), int((~positive).sum())
    x = np.r_[0.0, alarms / max(others, 1)]
    y = np.r_[0.0, hits / max(wanted, 1)]
    area = float(np.trapezoid(y, x)) if wanted and others else math.nan
    return Curve(x, y, np.r_[np.inf, thresholds], area)


def precision_recall_curve(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Curve:
    """Return precision against recall of one class against all others.

    The area is the average precision, a sum over the steps: joining the points by straight
    lines would be too kind (Davis and Goadrich, 2006).

    Args:
        scores: floating ``(N,)``, the class' probabilities.
        positive: bool ``(N,)``, which pictures are of the class.
    """
    thresholds, hits, alarms = _by_threshold(scores, positive)
    wanted = int(positive.sum())
    precision, recall = hits / (hits + alarms), hits / max(wanted, 1)
    area = float((np.diff(recall, prepend=0.0) * precision).sum()) if wanted else math.nan
    return Curve(np.r_[0.0, recall], np.r_[1.0, precision], np.r_[np.inf, thresholds], area)


def _by_threshold(
    scores: NDArray[np.floating], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return every score, falling, with the positives and the negatives that reach it."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order].astype(np.float64)
    # Pictures of one score pass a threshold together.
    last = np.r_[np.flatnonzero(np.diff(falling)), len(falling) - 1]
    hits = np.cumsum(positive[order])[last].astype(np.float64)
    return falling[last], hits, last + 1 - hits


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence against accuracy, in B bins of equal width, open below and closed above.

    Attributes:
        edges: float64 ``(B + 1,)``, from 0 to 1.
        counts: int64 ``(B,)``, pictures a bin: the confidence histogram.
        confidence: float64 ``(B,)``, mean confidence; NaN in an empty bin.
        accuracy: float64 ``(B,)``, share classified rightly; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(probabilities: Probabilities, labels: Labels, bins: int = ECE_BINS) -> Reliability:
    """Return the reliability diagram whose gaps ``expected_calibration_error`` averages."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    position = calibration_bins(confidence, bins)
    counts = np.bincount(position, minlength=bins)
    means = [
        np.where(counts > 0, np.bincount(position, values, bins) / np.maximum(counts, 1), np.nan)
        for values in (confidence, correct)
    ]
    return Reliability(np.linspace(0, 1, bins + 1), counts, *means)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a threshold below which a verdict is "uncertain" leaves.

    Attributes:
        thresholds: float64 ``(T,)``, rising.
        coverage: float64 ``(T,)``, share of pictures whose confidence reaches the threshold.
        accuracy: float64 ``(T,)``, share of these classified rightly; NaN where none is left.
    """

    thresholds: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def accuracy_by_coverage(
    probabilities: Probabilities, labels: Labels, thresholds: NDArray[np.floating] | None = None
) -> Coverage:
    """Return accuracy against coverage (El-Yaniv and Wiener, 2010).

    Args:
        probabilities: See above.
        labels: See above.
        thresholds: Confidences, rising; by default 0 to 1 in steps of 0.01.
    """
    limits = np.linspace(0, 1, 101) if thresholds is None else thresholds.astype(np.float64)
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    correct = (probabilities.argmax(axis=1) == labels)[order]
    first = np.searchsorted(confidence[order].astype(np.float64), limits, side="left")
    left = len(labels) - first
    hits = np.r_[np.cumsum(correct[::-1])[::-1], 0][first]
    accuracy = np.where(left > 0, hits / np.maximum(left, 1), np.nan)
    return Coverage(limits, left / len(labels), accuracy)
