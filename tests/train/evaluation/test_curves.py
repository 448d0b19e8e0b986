"""Curves and areas, against scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from train.evaluation.curves import (
    accuracy_by_coverage,
    precision_recall_curve,
    reliability,
    roc_curve,
)
from train.evaluation.metrics import expected_calibration_error


def scores_of(seed: int, levels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores with or without ties, and which of them are positive."""
    rng = np.random.default_rng(seed)
    positive = rng.random(500) < 0.3
    scores = np.clip(rng.normal(0.4 + 0.2 * positive, 0.2), 0, 1)
    return (np.round(scores * levels) / levels if levels else scores), positive


@pytest.mark.parametrize("levels", [None, 10, 2])
def test_roc_is_scikit_learns(levels: int | None) -> None:
    from sklearn import metrics as sk

    scores, positive = scores_of(1, levels)
    curve = roc_curve(scores, positive)
    x, y, thresholds = sk.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert curve.area == pytest.approx(sk.roc_auc_score(positive, scores))


@pytest.mark.parametrize("levels", [None, 10, 2])
def test_precision_and_recall_are_scikit_learns(levels: int | None) -> None:
    from sklearn import metrics as sk

    scores, positive = scores_of(2, levels)
    curve = precision_recall_curve(scores, positive)
    precision, recall, thresholds = sk.precision_recall_curve(positive, scores)
    np.testing.assert_allclose(curve.x, recall[::-1])
    np.testing.assert_allclose(curve.y, precision[::-1])
    np.testing.assert_allclose(curve.thresholds[1:], thresholds[::-1])
    assert curve.area == pytest.approx(sk.average_precision_score(positive, scores))


@pytest.mark.parametrize("positive", [[False, False], [True, True]])
def test_a_class_alone_has_no_roc_area(positive: list[bool]) -> None:
    curve = roc_curve(np.array([0.2, 0.8]), np.array(positive))
    assert math.isnan(curve.area)
    assert np.isfinite(curve.x).all() and np.isfinite(curve.y).all()


def test_a_class_without_pictures_has_no_average_precision() -> None:
    assert math.isnan(precision_recall_curve(np.array([0.2, 0.8]), np.zeros(2, bool)).area)


def test_one_picture_is_a_curve() -> None:
    curve = precision_recall_curve(np.array([0.7]), np.array([True]))
    assert (curve.x.tolist(), curve.y.tolist(), curve.area) == ([0, 1], [1, 1], 1.0)


def probabilities_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), 300)
    return probabilities, rng.integers(0, 4, 300)


def test_the_gaps_of_the_reliability_diagram_are_the_calibration_error() -> None:
    probabilities, labels = probabilities_of(3)
    bins = reliability(probabilities, labels, 10)
    filled = bins.counts > 0
    gaps = np.abs(bins.confidence - bins.accuracy)[filled] * bins.counts[filled]
    assert bins.counts.sum() == 300
    assert gaps.sum() / 300 == pytest.approx(expected_calibration_error(probabilities, labels, 10))
    # Four classes: nobody is less confident than a quarter, so the first two bins are empty.
    assert np.isnan(bins.confidence[:2]).all() and np.isnan(bins.accuracy[:2]).all()
    assert ((bins.confidence > bins.edges[:-1]) & (bins.confidence <= bins.edges[1:]))[filled].all()


def test_the_histogram_is_numpys() -> None:
    probabilities, labels = probabilities_of(4)
    expected = np.histogram(probabilities.max(axis=1), 15, (0, 1))[0]
    assert np.array_equal(reliability(probabilities, labels).counts, expected)


def test_coverage_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])
    labels = np.array([0, 0, 1, 1])
    result = accuracy_by_coverage(probabilities, labels, np.array([0.0, 0.6, 0.65, 0.8, 0.95]))
    assert result.coverage.tolist() == [1, 1, 0.75, 0.5, 0]
    assert result.accuracy[:4] == pytest.approx([0.5, 0.5, 2 / 3, 0.5])
    assert math.isnan(result.accuracy[4])


def test_coverage_counts_as_serving_does() -> None:
    probabilities, labels = probabilities_of(5)
    result = accuracy_by_coverage(probabilities, labels)
    assert len(result.thresholds) == 101
    for threshold, coverage, accuracy in zip(
        result.thresholds, result.coverage, result.accuracy, strict=True
    ):
        sure = probabilities.max(axis=1) >= threshold
        assert coverage == pytest.approx(sure.mean())
        if sure.any():
            expected = (probabilities.argmax(axis=1) == labels)[sure].mean()
            assert accuracy == pytest.approx(expected)
