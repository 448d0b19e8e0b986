from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.training

# Keras has one backend a process, and the other tests' is TensorFlow.
SCRIPT = """
import keras, numpy as np
from fer_core.network import KERAS_LAYERS
from train.training.torch_layers import layer_kinds

PLAIN, FUSED = KERAS_LAYERS, layer_kinds()
assert not set(PLAIN) & set(FUSED)
rng = np.random.default_rng(0)


def pair(kind, shape, **settings):
    layers = [getattr(kinds, kind)(**settings) for kinds in (PLAIN, FUSED)]
    for layer in layers:
        layer.build((None, *shape[1:]))
    plain, fused = layers
    assert [v.name for v in plain.variables] == [v.name for v in fused.variables]
    fused.set_weights([rng.uniform(0.5, 1.5, v.shape) for v in plain.variables])
    plain.set_weights(fused.get_weights())
    return layers


def compare(layers, inputs, **call):
    left, right = (
        keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(inputs), **call))
        for layer in layers
    )
    assert left.shape == right.shape
    np.testing.assert_allclose(right, left, rtol=2e-3, atol=1e-3)


shape = (64, 9, 7, 5)
norms = pair("batch_norm", shape, momentum=0.9)
for step in range(3):
    inputs = rng.normal(2.0, 3.0, shape).astype(np.float32)
    for training in (True, False):
        compare(norms, inputs, training=training)
# PyTorch's moving variance is the unbiased one: larger by n / (n - 1), here by 1 / 4031.
for left, right in zip(*(layer.get_weights() for layer in norms)):
    np.testing.assert_allclose(right, left, rtol=1e-3)

for kernel_size in (1, 3, 4, 5):
    for use_bias in (True, False):
        for channels in (1, 5):
            inputs = rng.normal(size=(4, 9, 7, channels)).astype(np.float32)
            settings = dict(filters=6, kernel_size=kernel_size, padding="same", use_bias=use_bias)
            compare(pair("conv", inputs.shape, **settings), inputs)
for pool in (2, 3):
    compare(pair("max_pool", shape, pool_size=pool), inputs)
print("same")
"""


def test_the_fused_layers_agree_with_those_of_keras() -> None:
    pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("same")


def test_other_backends_use_the_layers_of_keras() -> None:
    import keras

    from fer_core.network import KERAS_LAYERS
    from train.training.torch_layers import layer_kinds

    if keras.backend.backend() == "torch":
        pytest.skip("Keras runs on PyTorch here")
    assert layer_kinds() == KERAS_LAYERS
