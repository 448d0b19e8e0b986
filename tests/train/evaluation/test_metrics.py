from __future__ import annotations

import math

import numpy as np
import pytest

from train.evaluation import metrics

# Three classes; the third is never predicted.
LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])
CONFUSION = np.array([[2, 1, 0], [0, 2, 0], [1, 0, 0]])


def test_confusion_matrix_has_true_rows() -> None:
    assert np.array_equal(metrics.confusion_matrix(LABELS, PREDICTED, 3), CONFUSION)


def test_scores_by_class() -> None:
    scores = metrics.class_scores(CONFUSION)
    assert scores.precision == pytest.approx([2 / 3, 2 / 3, 0])
    assert scores.recall == pytest.approx([2 / 3, 1, 0])
    assert scores.f1 == pytest.approx([2 / 3, 4 / 5, 0])
    assert scores.support.tolist() == [3, 2, 1]
    assert scores.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 3)
    assert scores.balanced_accuracy == pytest.approx(5 / 9)


def test_macro_f1_is_not_accuracy() -> None:
    """A classifier that always says the most frequent class has a low macro-F1."""
    scores = metrics.class_scores(np.array([[90, 0], [10, 0]]))
    assert scores.macro_f1 == pytest.approx(0.5 * 180 / 190)
    assert scores.balanced_accuracy == pytest.approx(0.5)


def test_a_class_without_pictures_does_not_count_for_balanced_accuracy() -> None:
    scores = metrics.class_scores(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert scores.balanced_accuracy == pytest.approx((3 / 4 + 1) / 2)
    assert scores.f1[2] == 0


def test_the_interval_is_that_of_resampled_pictures() -> None:
    correct = np.arange(400) % 10 < 7
    low, high = metrics.bootstrap_interval(correct)
    drawn = np.random.default_rng(1).integers(0, 400, (4000, 400))
    expected = np.quantile(correct[drawn].mean(axis=1), [0.025, 0.975])
    assert (low, high) == pytest.approx(expected.tolist(), abs=0.006)
    assert low < 0.7 < high


def test_the_interval_is_repeatable_and_narrows_with_pictures() -> None:
    few, many = np.arange(100) % 2 == 0, np.arange(10_000) % 2 == 0
    assert metrics.bootstrap_interval(many) == metrics.bootstrap_interval(many)
    assert metrics.bootstrap_interval(many) != metrics.bootstrap_interval(many, seed=9)
    widths = [high - low for low, high in map(metrics.bootstrap_interval, (few, many))]
    assert widths[0] == pytest.approx(10 * widths[1], rel=0.15)


def test_the_interval_of_a_perfect_classifier_is_a_point() -> None:
    assert metrics.bootstrap_interval(np.ones(5, bool)) == (1.0, 1.0)


def test_top_accuracy() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    labels = np.array([0, 1, 2])
    values = [metrics.top_accuracy(probabilities, labels, k) for k in (1, 2, 3)]
    assert values == pytest.approx([1 / 3, 2 / 3, 1])


def test_log_loss() -> None:
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1]], np.float32)
    expected = -(math.log(0.5) + math.log(0.1)) / 2
    assert metrics.log_loss(probabilities, np.array([0, 1])) == pytest.approx(expected, rel=1e-6)


def test_confidence_log_loss_asks_only_whether_the_verdict_is_right() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    expected = -(math.log(0.7) + math.log(1 - 0.6)) / 2
    for wrong in (0, 1):
        labels = np.array([0, wrong])
        assert metrics.confidence_log_loss(probabilities, labels) == pytest.approx(expected)


def test_confidence_log_loss_of_a_certain_error_is_large_but_finite() -> None:
    assert 700 < metrics.confidence_log_loss(np.array([[1.0, 0.0]]), np.array([1])) < math.inf


def test_log_loss_of_an_excluded_class_is_large_but_finite() -> None:
    assert 700 < metrics.log_loss(np.array([[1.0, 0.0]]), np.array([1])) < math.inf


def test_calibration_error_by_hand() -> None:
    # Two bins: 0.6 is alone and right, gap 0.4; 0.8 and 0.9 share one, gap |0.85 - 0.5| = 0.35.
    probabilities = np.array([[0.6, 0.4], [0.2, 0.8], [0.9, 0.1]])
    labels = np.array([0, 1, 1])
    error = metrics.expected_calibration_error(probabilities, labels, bins=4)
    assert error == pytest.approx((1 * 0.4 + 2 * 0.35) / 3)


def test_calibration_error_cancels_inside_a_bin_only() -> None:
    probabilities = np.array([[0.55, 0.45], [0.95, 0.05]])
    labels = np.array([0, 1])
    apart = metrics.expected_calibration_error(probabilities, labels, bins=10)
    together = metrics.expected_calibration_error(probabilities, labels, bins=1)
    assert apart == pytest.approx((0.45 + 0.95) / 2)
    assert together == pytest.approx(abs(0.75 - 0.5))


def test_certain_and_right_is_calibrated() -> None:
    assert metrics.expected_calibration_error(np.eye(3), np.arange(3)) == 0


def test_scores_are_scikit_learns() -> None:
    from sklearn import metrics as sk

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    probabilities = rng.dirichlet(np.ones(5), 400) + np.eye(5)[labels] * 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predicted, 5)
    scores = metrics.class_scores(confusion)
    assert np.array_equal(confusion, sk.confusion_matrix(labels, predicted))
    precision, recall, f1, support = sk.precision_recall_fscore_support(labels, predicted)
    np.testing.assert_allclose(scores.precision, precision)
    np.testing.assert_allclose(scores.recall, recall)
    np.testing.assert_allclose(scores.f1, f1)
    assert np.array_equal(scores.support, support)
    assert scores.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, predicted))
    assert metrics.log_loss(probabilities, labels) == pytest.approx(
        sk.log_loss(labels, probabilities)
    )
    assert metrics.top_accuracy(probabilities, labels, 2) == pytest.approx(
        sk.top_k_accuracy_score(labels, probabilities, k=2)
    )


def test_mcnemar_by_hand() -> None:
    # 1 and 5 pictures that only one has right: 2 * (1 + 6) / 2**6.
    first = np.array([True] * 4 + [True] * 1 + [False] * 5 + [False] * 2)
    second = np.array([True] * 4 + [False] * 1 + [True] * 5 + [False] * 2)
    result = metrics.mcnemar(first, second)
    assert (result.both_right, result.both_wrong) == (4, 2)
    assert (result.only_first, result.only_second) == (1, 5)
    assert result.p_value == pytest.approx(14 / 64)
    assert metrics.mcnemar(second, first).p_value == pytest.approx(14 / 64)


def test_a_classifier_does_not_differ_from_itself() -> None:
    correct = np.arange(10) % 3 == 0
    assert metrics.mcnemar(correct, correct).p_value == 1


def test_many_pictures_show_a_small_difference() -> None:
    first = np.arange(5000) % 10 < 7
    second = first.copy()
    second[first.nonzero()[0][:60]] = False
    assert metrics.mcnemar(first, second).p_value < 1e-15


def test_the_most_confused_come_first() -> None:
    confusion = np.array([[50, 3, 7], [9, 20, 0], [1, 0, 4]])
    pairs = metrics.most_confused(confusion)
    assert [(pair.true, pair.predicted, pair.count) for pair in pairs] == [
        (1, 0, 9),
        (0, 2, 7),
        (0, 1, 3),
        (2, 0, 1),
    ]
    assert pairs[0].share == pytest.approx(9 / 29)
    assert metrics.most_confused(confusion, limit=1) == pairs[:1]
    assert metrics.most_confused(np.eye(3, dtype=np.int64)) == []
