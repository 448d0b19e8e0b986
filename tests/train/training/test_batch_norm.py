from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_core.network import NetworkConfig, build_network
from fer_core.preprocessing import normalize_faces
from train.training.batch_norm import reestimate_statistics

pytestmark = pytest.mark.training

STAGES = ({"filters": 3}, {"filters": 4})


def _faces(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 6, 6), np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


def _network(batch_norm: bool = True) -> keras.Model:
    keras.utils.set_random_seed(1)
    config = {"kind": "vgg", "stages": STAGES, "batch_norm": batch_norm}
    return build_network(NetworkConfig.model_validate(config), 7)


def _first_normalization(network: keras.Model) -> keras.layers.BatchNormalization:
    return next(
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    )


@pytest.mark.parametrize("count", [5, 256, 600])
def test_the_statistics_are_those_of_the_pictures(count: int) -> None:
    network, faces = _network(), _faces(count)
    reestimate_statistics(network, faces, seed=0)
    before = keras.Model(network.input, _first_normalization(network).input)
    order = np.random.default_rng(0).permutation(count)[: max(count, 256) // 256 * 256]
    values = keras.ops.convert_to_numpy(before(normalize_faces(faces[order])))
    mean = keras.ops.convert_to_numpy(_first_normalization(network).moving_mean)
    assert mean == pytest.approx(values.mean(axis=(0, 1, 2)), abs=1e-5)


def test_weights_and_momentum_stay() -> None:
    network = _network()
    before = [keras.ops.convert_to_numpy(weight) for weight in network.trainable_weights]
    reestimate_statistics(network, _faces(20), seed=0)
    for old, new in zip(before, network.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))
    assert _first_normalization(network).momentum == 0.9


def test_a_network_without_batch_normalisation_is_left_alone() -> None:
    network = _network(batch_norm=False)
    before = [np.copy(weight) for weight in network.get_weights()]
    reestimate_statistics(network, _faces(20), seed=0)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
