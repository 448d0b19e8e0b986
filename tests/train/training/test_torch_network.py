from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from fer_core.network_config import NetworkConfig
from tests.conftest import ROOT
from train.errors import ConfigError

torch = pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
from train.training.torch_network import TorchNetwork  # noqa: E402

STAGES = [{"filters": 8, "depth": 1, "pool": 2}, {"filters": 16, "depth": 2, "pool": 1}]
SETTINGS: dict[str, Any] = {
    "kind": "residual", "stem_filters": 8, "stem_pool": 2, "squeeze": 4, "dropout": 0.3,
    "stages": STAGES,
}  # fmt: skip


def network(seed: int = 0, **settings: Any) -> Any:
    torch.manual_seed(seed)
    return TorchNetwork(NetworkConfig.model_validate({**SETTINGS, **settings}), 7, 8).eval()


# Keras has one backend a process, and the other tests' is TensorFlow.
SCRIPT = """
import numpy as np, torch
import keras
from fer_core.network import build_network
from fer_core.network_config import NetworkConfig
from fer_core.preprocessing import normalize_faces
from train.training.campaign_config import MemberConfig
from train.training.device_fit import _Trainer
from train.training.device_pictures import DevicePictures
from train.training.targets import TargetLoss
from train.training.torch_network import TorchNetwork
from train.training.weights import named_weights, set_named_weights

torch.manual_seed(0)
rng = np.random.default_rng(0)
settings = dict(
    kind="residual", stem_filters=8, stem_pool=2,
    stages=[dict(filters=8, depth=1, pool=2), dict(filters=16, depth=2, pool=1)],
)


def in_keras(config, weights):
    model = build_network(config, 7, num_answers=8)
    assert named_weights(model).keys() == weights.keys()
    set_named_weights(model, weights)
    return model


for squeeze in (0, 4):
    config = NetworkConfig(squeeze=squeeze, **settings)
    network = TorchNetwork(config, 7, 8).eval()
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    faces = rng.normal(size=(5, 48, 48, 1)).astype(np.float32)
    theirs = in_keras(config, network.keras_weights())(faces, training=False)
    ours = network(torch.from_numpy(faces).permute(0, 3, 1, 2))
    np.testing.assert_allclose(
        ours.detach().numpy(), keras.ops.convert_to_numpy(theirs), rtol=1e-4, atol=1e-4
    )

# Training: six steps on one batch, without variation and dropout.
count = 64
faces = rng.integers(0, 256, (count, 48, 48)).astype(np.uint8)
labels = np.eye(7, dtype=np.float32)[rng.integers(0, 7, count)]
targets = np.hstack([labels, rng.dirichlet(np.ones(8), count).astype(np.float32)])
network = TorchNetwork(config, 7, 8)
model = in_keras(config, network.keras_weights())
member = MemberConfig(
    name="same", precision="float32", batch_size=count, network=config, crowd_weight=0.7,
    optimizer=dict(weight_decay=5e-3, momentum=0.8, ema_decay=0.9, label_smoothing=0.1),
)
pictures = DevicePictures(
    torch.from_numpy(faces)[None], torch.from_numpy(targets)[None],
    torch.eye(2, 3).repeat(count, 1, 1), 7,
)
trainer = _Trainer(network.train(), member, pictures)
model.compile(
    optimizer=keras.optimizers.SGD(
        0.05, momentum=0.8, nesterov=True, weight_decay=5e-3, use_ema=True, ema_momentum=0.9
    ),
    loss=TargetLoss(7, 0.1, 0.7),
)
rows, mask = np.arange(count), np.ones((48, 48), np.float32)
before = network.keras_weights()
for step in range(6):
    # Keras begins its average with the weights after the first step.
    trainer.train_on(rows, np.zeros_like(rows), mask, 0.05, 0.1 if step else 1.0)
    loss = model.train_on_batch(normalize_faces(faces), targets)
    np.testing.assert_allclose(float(trainer.loss), float(loss), rtol=1e-4)
after, moved = network.keras_weights(), 0
for layer in model.layers:
    for number, variable in enumerate(layer.weights):
        name = f"{layer.name}/{number}"
        # PyTorch's moving variance is the unbiased one.
        exact = "moving_variance" not in variable.name
        np.testing.assert_allclose(
            after[name], keras.ops.convert_to_numpy(variable),
            rtol=1e-3 if exact else 2e-2, atol=2e-4 if exact else 1e-3, err_msg=name,
        )
        moved = max(moved, np.abs(after[name] - before[name]).max())
assert moved > 0.05, moved
averages = {id(p): a for p, a in zip(trainer.optimizer.parameters, trainer.optimizer.averages)}
by_keras = {
    variable.path: keras.ops.convert_to_numpy(average)
    for variable, average in zip(
        model.trainable_variables, model.optimizer._model_variables_moving_average
    )
}
ours = averages[id(network.labels.weight)].detach().numpy().T
np.testing.assert_allclose(ours, by_keras["logits/kernel"], rtol=1e-3, atol=2e-4)
assert np.abs(ours - after["logits/0"]).max() > 1e-3
print("same")
"""


def test_logits_and_training_agree_with_those_of_keras() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("same")


@pytest.mark.parametrize("squeeze", [0, 4])
def test_weights_go_from_one_network_to_another(squeeze: int) -> None:
    one, other = network(squeeze=squeeze), network(1, squeeze=squeeze)
    faces = torch.randn(3, 1, 48, 48)
    assert not torch.equal(one(faces), other(faces))
    other.load_keras_weights(one.keras_weights())
    assert torch.equal(one(faces), other(faces))
    assert one(faces).shape == (3, 15)


def test_weights_in_float16_answer_nearly_the_same() -> None:
    one, other = network(), network(1)
    halved = {name: weight.astype(np.float16) for name, weight in one.keras_weights().items()}
    other.load_keras_weights(halved)
    faces = torch.randn(3, 1, 48, 48)
    torch.testing.assert_close(one(faces), other(faces), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"squeeze": 0}, "excite"),
        ({"stages": [STAGES[0], {**STAGES[1], "depth": 3}]}, "stage2_block3"),
        ({"stages": [STAGES[0], {**STAGES[1], "kernel_size": 5}]}, r"\(5, 5, 8, 16\)"),
    ],
)
def test_weights_of_another_architecture_change_nothing(
    settings: dict[str, Any], word: str
) -> None:
    changed = network()
    before = changed.keras_weights()
    with pytest.raises(ValueError, match=word):
        changed.load_keras_weights(network(1, **settings).keras_weights())
    after = changed.keras_weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "vgg"}, {"stem_filters": 0}, {"batch_norm": False}, {"head": "flatten"},
        {"dense": [8]}, {"stages": [{"filters": 8, "dropout": 0.1}]},
    ],
)  # fmt: skip
def test_other_architectures_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="residual"):
        network(**settings)


def test_logits_are_float32_in_bfloat16() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = network()(torch.randn(2, 1, 48, 48))
    assert logits.dtype == torch.float32
    head = network().labels.weight
    assert head.dtype == torch.float32
