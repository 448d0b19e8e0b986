from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR, EmotionClassifier, read_model_files
from fer_core.errors import ModelError
from fer_core.network_config import CROWD_LAYER, LABELS_LAYER, member_prefix
from fer_core.preprocessing import normalize_faces
from fer_core.tta import ONE_VIEW
from train.data.fer2013 import FaceSet
from train.evaluation.readings import Readings, _check_linear, read_features_of


@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_shipped_networks_are_read_as_they_are_served(
    tiny_set: FaceSet, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("train.evaluation.readings.MAX_BATCH", 3)
    faces = tiny_set.faces_gray[:4]  # more than one batch
    readings = read_features_of(read_model_files(MODELS_DIR / name), faces)
    served = EmotionClassifier.load(name).logits(faces, ONE_VIEW)
    np.testing.assert_allclose(readings.logits, served, atol=1e-5)


@pytest.mark.training
@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_shipped_networks_show_what_their_answers_follow_from(tiny_set: FaceSet, name: str) -> None:
    from train.evaluation.architecture import read_keras

    faces = tiny_set.faces_gray[:33]  # more than one batch
    readings = read_features_of(read_model_files(MODELS_DIR / name), faces)
    served = EmotionClassifier.load(name).logits(faces, ONE_VIEW)
    np.testing.assert_allclose(readings.logits, served, atol=1e-5)
    network = read_keras(MODELS_DIR / name)
    members = np.split(readings.features, 2, axis=1)
    for head, rows in ((LABELS_LAYER, slice(None, -8)), (CROWD_LAYER, slice(-8, None))):
        answers = []
        for number, features in enumerate(members):
            last = network.get_layer(member_prefix(number) + head)
            answers.append(features @ last.kernel.numpy() + last.bias.numpy())
        # The served weights are rounded to int8, and so differ a little.
        np.testing.assert_allclose(np.mean(answers, axis=0), served[:, rows], atol=6e-2)


def test_features_are_those_of_the_keras_network(models_dir: Path, tiny_set: FaceSet) -> None:
    import keras

    from train.evaluation.architecture import read_keras

    folder = models_dir / "fer7"
    faces = tiny_set.faces_gray[:40]
    network = read_keras(folder)
    before = keras.Model(network.input, network.get_layer("m1_logits").input)
    expected = keras.ops.convert_to_numpy(before(normalize_faces(faces), training=False))
    readings = read_features_of(read_model_files(folder), faces)
    np.testing.assert_allclose(readings.features, expected, atol=3e-2)


def test_one_face_is_read_as_among_many(models_dir: Path, tiny_set: FaceSet) -> None:
    files = read_model_files(models_dir / "fer7")
    many = read_features_of(files, tiny_set.faces_gray[:35])
    alone = read_features_of(files, tiny_set.faces_gray[34:35])
    np.testing.assert_allclose(many.features[34:], alone.features, atol=1e-5)


def test_a_network_with_a_dense_head_shows_it(models_dir: Path, tiny_set: FaceSet) -> None:
    import keras

    from fer_core.network import build_network
    from train.training.config import TrainConfig
    from train.training.export import export_model

    content = json.loads((models_dir / "fer7" / "config.json").read_text())["members"][0][
        "training"
    ]
    content["network"] |= {"kind": "vgg", "head": "flatten", "dense": [12]}
    config = TrainConfig.model_validate(content)
    run = models_dir.parent / "run"
    run.mkdir()
    keras.utils.set_random_seed(0)
    build_network(config.network, 7).save(run / "model.keras")
    (run / "config.json").write_text(config.model_dump_json())
    (run / "training.csv").write_text("epoch\n")
    export_model([run], models_dir, "dense")
    faces = tiny_set.faces_gray[:40]
    readings = read_features_of(read_model_files(models_dir / "dense"), faces)
    assert readings.features.shape == (40, 12)
    assert (readings.features >= 0).all()


def test_features_that_the_answers_do_not_follow_from_are_refused() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 4)).astype(np.float32)
    logits = features @ rng.normal(size=(4, 3)).astype(np.float32) + 1
    _check_linear(Readings(logits, features), "right")
    with pytest.raises(ModelError, match="'wrong'"):
        _check_linear(Readings(logits**2, features), "wrong")
