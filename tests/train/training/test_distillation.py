from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.train.votes import votes_on_the_first
from train.data.fer2013 import FaceSet
from train.errors import ConfigError
from train.training.distillation import distill
from train.training.samples import samples_of

pytestmark = pytest.mark.training


def constant_teacher(shares: list[float]) -> keras.Model:
    """Return a network that says the same of every face, from the logits."""
    inputs = keras.Input((48, 48, 1))
    zero = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = keras.layers.Dense(len(shares), kernel_initializer="zeros")(zero)
    network = keras.Model(inputs, outputs)
    network.layers[-1].bias.assign(np.log(shares))
    return network


def test_a_teacher_has_a_share_of_the_labels(tiny_set: FaceSet) -> None:
    votes = votes_on_the_first(tiny_set, sad=10)
    shares = [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    plain = samples_of(tiny_set, votes)
    targets = distill(plain, constant_teacher(shares), 0.25).targets
    expected = 0.75 * np.eye(7)[tiny_set.labels] + 0.25 * np.array(shares)
    assert targets.dtype == np.float32
    assert np.allclose(targets[:, :7], expected, atol=1e-5)
    assert np.array_equal(targets[:, 7:], plain.targets[:, 7:])


def test_a_teacher_of_other_classes(tiny_set: FaceSet) -> None:
    with pytest.raises(ConfigError, match="6 classes"):
        distill(samples_of(tiny_set), constant_teacher([1 / 6] * 6), 0.5)
