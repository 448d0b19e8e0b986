from __future__ import annotations

import keras
import numpy as np
import pytest

from train.training.targets import TargetLoss, label_accuracy

pytestmark = pytest.mark.training


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_loss_is_the_labels_and_a_share_of_the_crowds(weight: float) -> None:
    rng = np.random.default_rng(0)
    labels = np.eye(7, dtype=np.float32)[[2, 5]]
    crowd = np.zeros((2, 8), np.float32)
    crowd[0, :2] = 0.7, 0.1
    logits = rng.normal(size=(2, 15)).astype(np.float32)
    smooth = 0.9 * labels + 0.1 / 7
    expected = -(smooth * log_softmax(logits[:, :7])).sum(axis=1)
    expected -= weight * (crowd * log_softmax(logits[:, 7:])).sum(axis=1)
    loss = TargetLoss(7, 0.1, weight)(np.hstack([labels, crowd]), logits)
    assert float(loss) == pytest.approx(float(expected.mean()), rel=1e-5)


def test_the_accuracy_is_that_of_the_labels() -> None:
    targets = np.hstack([np.eye(7)[[0, 1]], np.eye(8)[[3, 3]]]).astype(np.float32)
    outputs = np.hstack([np.eye(7)[[0, 2]], 9 * np.eye(8)[[3, 3]]]).astype(np.float32)
    metric = label_accuracy(7)
    metric.update_state(targets, outputs)
    assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(0.5)
