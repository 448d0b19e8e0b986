from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_core.labels import FER6
from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, EXPRESSIONS, Votes
from train.training.targets import TargetLoss, label_accuracy, samples_of


def votes_on_the_first(dataset: FaceSet, **counts: int) -> Votes:
    row = np.array([counts.get(answer.replace(" ", "_"), 0) for answer in ANSWERS])
    return Votes({str(dataset.ids[0]): row})


def test_labels_alone_are_one_hot(tiny_set: FaceSet) -> None:
    samples = samples_of(tiny_set)
    assert samples.targets.dtype == np.float32
    assert np.array_equal(samples.targets, np.eye(7)[tiny_set.labels])
    assert len(samples) == len(tiny_set)
    assert samples.faces_gray is tiny_set.faces_gray


def test_the_crowd_stands_behind_the_labels(tiny_set: FaceSet) -> None:
    six = tiny_set.as_classes(FER6)
    votes = votes_on_the_first(six, disgust=4, sad=2, unknown=3, not_a_face=1)
    targets = samples_of(six, votes).targets
    assert targets.shape == (len(six), 6 + 8)
    assert np.array_equal(targets[:, :6], np.eye(6)[six.labels])
    # Four in ten neither chose nor count.
    assert targets[0, 6 + EXPRESSIONS.index("disgust")] == pytest.approx(0.4)
    assert targets[0, 6 + EXPRESSIONS.index("sad")] == pytest.approx(0.2)
    assert targets[0, 6:].sum() == pytest.approx(0.6)
    assert targets[1:, 6:].sum() == 0


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
