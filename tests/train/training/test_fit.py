from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_core.preprocessing import normalize_faces
from tests.train.votes import clear_votes
from train.data.fer2013 import FaceSet
from train.errors import CheckpointError, ConfigError, DataError
from train.training.config import TrainConfig
from train.training.fit import CHECKPOINT_FILE, LOG_FILE, MODEL_FILE, fit
from train.training.weights import named_weights

RESIDUAL = {
    "kind": "residual",
    "stem_filters": 4,
    "stem_pool": 2,
    "dropout": 0.3,
    "stages": [{"filters": 8, "pool": 2}],
}
VGG = {
    "kind": "vgg",
    "head": "flatten",
    "batch_norm": False,
    "dense": [8],
    "dropout": 0.3,
    "stages": [{"filters": 4, "pool": 4, "dropout": 0.1}, {"filters": 4, "pool": 2}],
}

pytestmark = pytest.mark.training


def weights_of(path: Path) -> list[np.ndarray]:
    return keras.saving.load_model(path, compile=False).get_weights()


def equal(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def rows_of(run_dir: Path) -> list[dict[str, str]]:
    with (run_dir / LOG_FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_interrupted_run_ends_in_the_same_weights(
    tiny_set: FaceSet, tiny_run: dict[str, Any], tmp_path: Path
) -> None:
    # The size changes behind the interruption, and every class has its weight.
    tiny_run |= {
        "network": RESIDUAL,
        "sizes": [{"start": 0.0, "size": 24}, {"start": 0.9, "size": 48}],
        "class_weighting": "sqrt",
    }
    assert_interruption_is_harmless(tiny_run, tiny_set, tmp_path)


def test_so_does_one_with_a_dense_head_and_a_part_held_out(
    tiny_set: FaceSet, quick_run: dict[str, Any], tmp_path: Path
) -> None:
    quick_run |= {"network": VGG, "validation": "held-out", "held_out": 0.2}
    assert_interruption_is_harmless(quick_run, tiny_set, tmp_path)


def assert_interruption_is_harmless(run: dict[str, Any], dataset: FaceSet, folder: Path) -> None:
    """Train through, and with a stop after the first epoch, to the same weights and logs."""
    config = TrainConfig.model_validate(run | {"epochs": 3})
    through, stopped = folder / "through", folder / "stopped"
    model = fit(config, dataset, through)
    assert model == through / MODEL_FILE

    assert fit(config, dataset, stopped, stop_after_epoch=1) is None
    assert not (stopped / MODEL_FILE).exists()
    # As if the machine had stopped between the epoch's log and its checkpoint.
    with (stopped / LOG_FILE).open("a") as file:
        file.write("1,0.1,2.0,0.1,2.0\n")
    resumed = fit(config, dataset, stopped, resume=True)

    assert resumed is not None
    assert equal(weights_of(model), weights_of(resumed))
    assert rows_of(through) == rows_of(stopped)
    assert [row["epoch"] for row in rows_of(through)] == ["0", "1", "2"]
    assert list((through / "tensorboard").iterdir())


def test_what_ships_is_the_moving_average(
    tiny_set: FaceSet, tiny_run: dict[str, Any], tmp_path: Path
) -> None:
    """Without batch statistics, the last validation accuracy is that of the saved network."""
    config = TrainConfig.model_validate(tiny_run | {"network": VGG})
    path = fit(config, tiny_set, tmp_path)
    network = keras.saving.load_model(path, compile=False)
    validation = tiny_set.split("PublicTest")
    logits = keras.ops.convert_to_numpy(network(normalize_faces(validation.faces_gray)))
    accuracy = (logits.argmax(axis=1) == validation.labels).mean()
    assert network.input_shape == (None, 48, 48, 1)
    assert float(rows_of(tmp_path)[-1]["val_accuracy"]) == pytest.approx(accuracy, abs=1e-6)


def test_training_learns(trained_run: Path) -> None:
    losses = [float(row["loss"]) for row in rows_of(trained_run)]
    assert losses[-1] < losses[0]


def test_a_finished_run_resumes_to_itself(
    tiny_set: FaceSet, trained_run: Path, tiny_run: dict[str, Any], tmp_path: Path
) -> None:
    content = (trained_run / CHECKPOINT_FILE).read_bytes()
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    again = fit(TrainConfig.model_validate(tiny_run), tiny_set, tmp_path, resume=True)
    assert again is not None
    assert equal(weights_of(again), weights_of(trained_run / MODEL_FILE))
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == content


def test_the_crowd_teaches_and_has_outputs_of_its_own(
    tiny_set: FaceSet, trained_run: Path, quick_run: dict[str, Any], tmp_path: Path
) -> None:
    quick_run |= {"crowd_weight": 1.0, "epochs": 2, "class_weighting": "sqrt"}
    config = TrainConfig.model_validate(quick_run)
    votes = clear_votes(tiny_set)
    model = fit(config, tiny_set, tmp_path / "crowd", votes=votes)
    assert model is not None
    assert keras.saving.load_model(model, compile=False).output_shape == (None, 15)
    assert fit(config, tiny_set, tmp_path / "part", votes=votes, stop_after_epoch=1) is None
    resumed = fit(config, tiny_set, tmp_path / "part", votes=votes, resume=True)
    assert resumed is not None
    assert equal(weights_of(model), weights_of(resumed))
    # As accurate on what it is shown; more to learn is more to lose.
    first, alone = rows_of(tmp_path / "crowd")[0], rows_of(trained_run)[0]
    assert float(first["val_loss"]) > float(alone["val_loss"])
    assert float(first["val_accuracy"]) <= 1


@pytest.mark.parametrize(
    ("setting", "option"), [("crowd_weight", "--votes"), ("framed_share", "--framed")]
)
def test_what_a_configuration_learns_from_must_be_named(
    tiny_set: FaceSet, tiny_run: dict[str, Any], tmp_path: Path, setting: str, option: str
) -> None:
    config = TrainConfig.model_validate(tiny_run | {setting: 0.5})
    with pytest.raises(ConfigError, match=option):
        fit(config, tiny_set, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_starts_from_the_weights_of_another(
    tiny_set: FaceSet, trained_run: Path, quick_run: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(trained_run, tmp_path / "first")
    # So small a rate that the weights stay what they were.
    still = {"peak_rate": 1e-9, "weight_decay": 0.0, "ema_decay": 0.0}
    quick_run |= {"start": "first", "optimizer": still, "epochs": 1, "crowd_weight": 1.0}
    config = TrainConfig.model_validate(quick_run)
    model = fit(config, tiny_set, tmp_path / "second", votes=clear_votes(tiny_set))
    assert model is not None
    old, new = (
        named_weights(keras.saving.load_model(file, compile=False))
        for file in (tmp_path / "first" / MODEL_FILE, model)
    )
    assert new.keys() - old.keys() == {"crowd/0", "crowd/1"}
    # The batch statistics are taken anew, in the same way.
    assert all(np.allclose(old[key], new[key], rtol=1e-2, atol=1e-3) for key in old)


def test_the_start_has_its_share_in_the_weights(
    tiny_set: FaceSet, trained_run: Path, quick_run: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(trained_run, tmp_path / "first")
    files = [tmp_path / "first" / MODEL_FILE]
    for name, share in (("own", 0.0), ("shared", 0.25)):
        change = {"start": "first", "start_share": share, "epochs": 1}
        model = fit(TrainConfig.model_validate(quick_run | change), tiny_set, tmp_path / name)
        assert model is not None
        files.append(model)
    old, own, shared = (
        [
            keras.ops.convert_to_numpy(variable)
            # The statistics are taken anew, for the weights as they are saved.
            for variable in keras.saving.load_model(file, compile=False).trainable_variables
        ]
        for file in files
    )
    assert not all(np.allclose(a, b) for a, b in zip(old, own, strict=True))
    for a, b, c in zip(old, own, shared, strict=True):
        np.testing.assert_allclose(c, 0.25 * a + 0.75 * b, rtol=1e-4, atol=1e-6)


def test_a_run_learns_from_another(
    tiny_set: FaceSet, trained_run: Path, quick_run: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(trained_run, tmp_path / "first")
    losses = []
    for name, weight in (("labels", 0.0), ("taught", 1.0)):
        change = {"teacher": "first", "teacher_weight": weight, "epochs": 1}
        config = TrainConfig.model_validate(quick_run | change)
        assert fit(config, tiny_set, tmp_path / name) is not None
        losses.append(rows_of(tmp_path / name)[0])
    # The same steps from the same weights, towards other targets; validation has the labels.
    assert losses[0]["loss"] != losses[1]["loss"]


@pytest.mark.parametrize("role", ["start", "teacher"])
@pytest.mark.parametrize("fault", ["missing", "another"])
def test_a_start_that_does_not_fit(
    tiny_set: FaceSet,
    trained_run: Path,
    tiny_run: dict[str, Any],
    tmp_path: Path,
    fault: str,
    role: str,
) -> None:
    message = "holds no finished run"
    if fault == "another":
        shutil.copytree(trained_run, tmp_path / "first")
        tiny_run |= {"network": VGG} if role == "start" else {"classes": "fer6"}
        message = "another network" if role == "start" else "7 classes"
    config = TrainConfig.model_validate(tiny_run | {role: "first"})
    with pytest.raises(ConfigError, match=message):
        fit(config, tiny_set, tmp_path / "second")


@pytest.mark.parametrize("change", [{"seed": 4}, {"epochs": 5}, {"optimizer": {}}])
def test_another_configuration_is_refused(
    tiny_set: FaceSet,
    trained_run: Path,
    tiny_run: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes((trained_run / CHECKPOINT_FILE).read_bytes())
    with pytest.raises(CheckpointError, match="another configuration"):
        fit(TrainConfig.model_validate(tiny_run | change), tiny_set, tmp_path, resume=True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "flipped"])
def test_a_damaged_checkpoint_is_refused(
    tiny_set: FaceSet, trained_run: Path, tiny_run: dict[str, Any], tmp_path: Path, damage: str
) -> None:
    whole = (trained_run / CHECKPOINT_FILE).read_bytes()
    middle = len(whole) // 2
    content = {
        "truncated": whole[:middle],
        "empty": b"",
        "text": b"no checkpoint",
        "flipped": whole[:middle]
        + bytes(byte ^ 0xFF for byte in whole[middle:][:64])
        + whole[middle + 64 :],
    }[damage]
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        fit(TrainConfig.model_validate(tiny_run), tiny_set, tmp_path, resume=True)


def test_the_checkpoint_of_another_network_is_refused(
    tiny_set: FaceSet, trained_run: Path, tiny_run: dict[str, Any], tmp_path: Path
) -> None:
    with np.load(trained_run / CHECKPOINT_FILE) as stored:
        arrays = dict(stored)
    arrays["v0000"] = arrays["v0000"][..., :2]
    np.savez(tmp_path / CHECKPOINT_FILE, **arrays)
    with pytest.raises(CheckpointError, match="another network"):
        fit(TrainConfig.model_validate(tiny_run), tiny_set, tmp_path, resume=True)


def test_a_missing_split_stops_before_training(
    tiny_set: FaceSet, tiny_run: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="PublicTest"):
        fit(TrainConfig.model_validate(tiny_run), tiny_set.split("Training"), tmp_path / "run")
