from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Keras has one backend a process, and the other tests' is TensorFlow.
SCRIPT = """
import keras, numpy as np
from train.fused import batch_norm_layer

Plain, Fused = keras.layers.BatchNormalization, batch_norm_layer()
assert Fused is not Plain
rng = np.random.default_rng(0)
shape = (64, 9, 7, 5)
plain, fused = Plain(momentum=0.9), Fused(momentum=0.9)
for layer in (plain, fused):
    layer.build((None, *shape[1:]))
assert [v.name for v in plain.variables] == [v.name for v in fused.variables]
fused.set_weights([rng.uniform(0.5, 1.5, v.shape) for v in plain.variables])
plain.set_weights(fused.get_weights())


def answers(layer, inputs, training):
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(inputs), training=training))


for step in range(3):
    inputs = rng.normal(2.0, 3.0, shape).astype(np.float32)
    for training in (True, False):
        left, right = (answers(layer, inputs, training) for layer in (plain, fused))
        assert left.shape == right.shape
        np.testing.assert_allclose(right, left, rtol=2e-3, atol=1e-3)
# PyTorch's moving variance is the unbiased one: larger by n / (n - 1), here by 1 / 4031.
for left, right in zip(plain.get_weights(), fused.get_weights()):
    np.testing.assert_allclose(right, left, rtol=1e-3)
print("same")
"""


def test_the_fused_layer_agrees_with_keras() -> None:
    pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("same")


def test_other_backends_use_the_layer_of_keras() -> None:
    import keras

    from train.fused import batch_norm_layer

    if keras.backend.backend() == "torch":
        pytest.skip("Keras runs on PyTorch here")
    assert batch_norm_layer() is keras.layers.BatchNormalization
