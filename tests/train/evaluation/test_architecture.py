from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.errors import ModelError
from fer_core.network import build_network
from fer_core.network_config import NetworkConfig
from train.evaluation.architecture import describe, read_keras

pytestmark = pytest.mark.training


def test_the_layers_add_up(models_dir: Path) -> None:
    network = read_keras(models_dir / "fer7")
    table = describe(network)
    assert table.parameters == network.count_params()
    names = [layer.name for layer in table.layers]
    assert all(
        source in names[:index]
        for index, layer in enumerate(table.layers)
        for source in layer.inputs
    )
    assert table.layers[0].inputs == () and table.layers[0].output_shape == (48, 48, 1)
    add = next(layer for layer in table.layers if layer.kind == "Add")
    assert len(add.inputs) == 2
    # By member and emotion.
    assert table.layers[-1].output_shape == (1, 7)


def test_multiply_adds_by_hand() -> None:
    config = NetworkConfig.model_validate(
        {
            "kind": "vgg",
            "stages": [{"filters": 4, "pool": 2}, {"filters": 8, "pool": 1}],
            "dense": [5],
            "dropout": 0.25,
        }
    )
    table = describe(build_network(config, 7))
    first, second = 48 * 48 * 9 * 4, 24 * 24 * 9 * 4 * 8
    assert table.multiply_adds == first + second + 8 * 5 + 5 * 7
    convolutions = [layer for layer in table.layers if layer.kind == "Conv2D"]
    assert [layer.multiply_adds for layer in convolutions] == [first, second]
    assert convolutions[0].settings == "3×3"
    assert [layer.settings for layer in table.layers if layer.kind == "Dropout"] == [
        "rate 0.25"
    ] * 2


def test_a_missing_and_a_damaged_network(models_dir: Path) -> None:
    file = models_dir / "fer7" / "model.keras"
    file.write_bytes(b"no network")
    with pytest.raises(ModelError, match="cannot be loaded"):
        read_keras(file.parent)
    file.unlink()
    with pytest.raises(ModelError, match=r"model\.keras is missing"):
        read_keras(file.parent)
