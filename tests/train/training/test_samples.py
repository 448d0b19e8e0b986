from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fer_core.labels import FER6
from tests.train.votes import votes_on_the_first
from train.data.fer2013 import FaceSet
from train.data.ferplus import EXPRESSIONS
from train.training.config import TrainConfig
from train.training.samples import class_weights, samples_of, split_for


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


def test_splits_of_the_configurations(tiny_set: FaceSet, tiny_run: dict[str, Any]) -> None:
    training, validation = split_for(TrainConfig.model_validate(tiny_run), tiny_set)
    assert set(training.splits) == {"Training"}
    assert set(validation.splits) == {"PublicTest"}
    tiny_run |= {"classes": "fer6", "validation": "held-out", "held_out": 0.25}
    training, validation = split_for(TrainConfig.model_validate(tiny_run), tiny_set)
    assert set(training.splits) == set(validation.splits) == {"Training"}
    assert len(training) + len(validation) == 6 * 24
    assert len(training.class_set) == 6
    assert not set(training.names) & set(validation.names)


def test_class_weights(tiny_set: FaceSet, tiny_run: dict[str, Any]) -> None:
    training = tiny_set.split("Training")
    # 24 angry pictures and 6 disgusted ones.
    few = training.where(
        np.r_[np.flatnonzero(training.labels == 0), np.flatnonzero(training.labels == 1)[:6]]
    )
    weights = {}
    for kind in ("none", "balanced", "sqrt"):
        tiny_run["class_weighting"] = kind
        targets = samples_of(few).targets
        weights[kind] = class_weights(TrainConfig.model_validate(tiny_run), targets)
    assert weights["none"] is None
    balanced, sqrt = weights["balanced"], weights["sqrt"]
    assert balanced is not None
    assert sqrt is not None
    assert balanced[1] / balanced[0] == pytest.approx(4)
    assert sqrt[1] / sqrt[0] == pytest.approx(2)
    assert (24 * balanced[0] + 6 * balanced[1]) / 30 == pytest.approx(1)
