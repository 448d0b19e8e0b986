from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.labels import FER7
from fer_core.preprocessing import normalize_faces
from train.data.fer2013 import FaceSet
from train.errors import ConfigError, ExportError
from train.training.export import export_model


@pytest.fixture
def run_copy(trained_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


def test_the_exported_model_is_served_with_the_trained_answers(
    models_dir: Path, tiny_set: FaceSet
) -> None:
    classifier = EmotionClassifier.load("fer7", models_dir=models_dir)
    network = keras.saving.load_model(models_dir / "fer7" / "model.keras", compile=False)
    faces = tiny_set.faces_gray[:37]
    expected = keras.ops.convert_to_numpy(network(normalize_faces(faces)))
    assert classifier.labels == FER7.labels
    assert classifier.temperature == 1.0
    # The served weights are rounded to float16.
    np.testing.assert_allclose(classifier.logits(faces), expected, atol=5e-3)
    np.testing.assert_allclose(classifier.predict(faces).sum(axis=1), 1, atol=1e-5)


def test_the_folder_says_where_it_comes_from(models_dir: Path) -> None:
    folder = models_dir / "fer7"
    config = json.loads((folder / "config.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "labels.json",
        "model.keras",
        "model.tflite",
        "training.csv",
    ]
    assert config["training"]["classes"] == "fer7"
    assert config["calibrated_on"] is None
    assert config["sha256"] == {
        "model.tflite": hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()
    }
    network = keras.saving.load_model(folder / "model.keras", compile=False)
    assert config["parameters"] == network.count_params()


def test_a_new_export_replaces_the_old_one_as_a_whole(run_copy: Path, models_dir: Path) -> None:
    (models_dir / "fer7" / "metrics.json").write_text("{}")
    folder = export_model(run_copy, models_dir)
    assert folder == models_dir / "fer7"
    assert not (folder / "metrics.json").exists()
    assert [path.name for path in models_dir.iterdir()] == ["fer7"]


def test_another_name(run_copy: Path, models_dir: Path) -> None:
    export_model(run_copy, models_dir, "smaller")
    assert EmotionClassifier.load("smaller", models_dir=models_dir).name == "smaller"


@pytest.mark.parametrize("file", ["model.keras", "training.csv"])
def test_an_unfinished_run(run_copy: Path, tmp_path: Path, file: str) -> None:
    (run_copy / file).unlink()
    with pytest.raises(ExportError, match=f"no finished run: {file}"):
        export_model(run_copy, tmp_path / "models")


def test_a_run_without_its_configuration(run_copy: Path, tmp_path: Path) -> None:
    (run_copy / "config.json").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        export_model(run_copy, tmp_path / "models")


def test_a_damaged_network(run_copy: Path, tmp_path: Path) -> None:
    file = run_copy / "model.keras"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ExportError, match="cannot be read"):
        export_model(run_copy, tmp_path / "models")


def test_a_network_of_another_class_set(run_copy: Path, tmp_path: Path) -> None:
    file = run_copy / "config.json"
    file.write_text(file.read_text().replace('"fer7"', '"fer6"'))
    with pytest.raises(ExportError, match="not as configured"):
        export_model(run_copy, tmp_path / "models")


def test_other_answers_are_noticed_and_leave_the_old_model(
    run_copy: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (models_dir / "fer7" / "config.json").read_bytes()
    served = EmotionClassifier.logits
    monkeypatch.setattr(EmotionClassifier, "logits", lambda self, faces: served(self, faces) + 0.1)
    with pytest.raises(ExportError, match=r"differ by 0\.1"):
        export_model(run_copy, models_dir)
    assert (models_dir / "fer7" / "config.json").read_bytes() == before
    assert [path.name for path in models_dir.iterdir()] == ["fer7"]


def test_another_backend_is_refused(
    run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ExportError, match="KERAS_BACKEND=tensorflow"):
        export_model(run_copy, tmp_path / "models")
