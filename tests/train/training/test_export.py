from __future__ import annotations

import csv
import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.labels import FER7
from fer_core.preprocessing import normalize_faces
from fer_core.tta import ONE_VIEW
from tests.train.conftest import write_member
from train.data.fer2013 import FaceSet
from train.data.ferplus import EXPRESSIONS
from train.errors import ConfigError, ExportError
from train.training.export import export_model
from train.training.members import read_member
from train.training.weights import halve_weights

pytestmark = pytest.mark.training


@pytest.fixture
def run_copy(trained_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run, tmp_path / "run"))


@pytest.fixture
def converted_before(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Converting the run's network, which takes seconds, gives what it gave before."""
    content = (models_dir / "fer7" / "model.tflite").read_bytes()
    monkeypatch.setattr(
        keras.Model, "export", lambda network, path, **how: Path(path).write_bytes(content)
    )


def test_the_exported_model_is_served_with_the_trained_answers(
    models_dir: Path, tiny_set: FaceSet
) -> None:
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    network = keras.saving.load_model(models_dir / "fer7" / "model.keras", compile=False)
    faces = tiny_set.faces_gray[:37]
    expected = keras.ops.convert_to_numpy(network(normalize_faces(faces)))
    assert classifier.labels == FER7.labels
    assert classifier.temperature == 1.0
    assert expected.shape == (37, 1, 7)
    # The served weights are rounded to int8.
    served = classifier.logits(faces, ONE_VIEW)
    np.testing.assert_allclose(served, expected[:, 0], atol=5e-2)
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
    assert config["members"][0]["training"]["classes"] == "fer7"
    assert config["calibration"] == {"split": "PublicTest", "share": 0.05, "seed": 3}
    assert config["calibrated_on"] is None
    assert config["answers"] == []
    assert config["sha256"] == {
        "model.tflite": hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()
    }
    network = keras.saving.load_model(folder / "model.keras", compile=False)
    assert config["parameters"] == network.count_params()


@pytest.mark.usefixtures("converted_before")
def test_a_new_export_replaces_the_old_one_as_a_whole(run_copy: Path, models_dir: Path) -> None:
    (models_dir / "fer7" / "metrics.json").write_text("{}")
    folder = export_model([run_copy], models_dir)
    assert folder == models_dir / "fer7"
    assert not (folder / "metrics.json").exists()
    assert [path.name for path in models_dir.iterdir()] == ["fer7"]


@pytest.mark.usefixtures("converted_before")
def test_another_name(run_copy: Path, models_dir: Path) -> None:
    export_model([run_copy], models_dir, "smaller")
    assert (
        EmotionClassifier.load("smaller", reading="labels", models_dir=models_dir).name == "smaller"
    )


def test_members_are_served_together(ensembles_dir: Path, tiny_set: FaceSet) -> None:
    folder = ensembles_dir / "fer7"
    config = json.loads((folder / "config.json").read_text())
    assert [member["name"] for member in config["members"]] == ["one", "two"]
    assert config["members"][0]["training"]["epochs"] == 6
    assert sum(m["parameters"] for m in config["members"]) == config["parameters"]
    assert config["calibration"] == {"split": "held-out", "share": 0.25, "seed": 1}
    assert config["answers"] == list(EXPRESSIONS)
    network = keras.saving.load_model(folder / "model.keras", compile=False)
    faces = tiny_set.faces_gray[:21]
    answers = keras.ops.convert_to_numpy(network(normalize_faces(faces)))
    assert answers.shape == (21, 2, 15)
    assert np.abs(answers[:, 0] - answers[:, 1]).max() > 0.1
    classifier = EmotionClassifier.load("fer7", models_dir=ensembles_dir)
    assert (classifier.members, classifier.answers) == (2, EXPRESSIONS)
    served = classifier.logits(faces, ONE_VIEW)
    np.testing.assert_allclose(served, answers.mean(axis=1), atol=5e-2)


def test_the_answers_are_those_of_the_files(ensembles_dir: Path, tmp_path: Path) -> None:
    path = write_member(tmp_path, "one")
    member = read_member(path)
    network = keras.saving.load_model(ensembles_dir / "fer7" / "model.keras", compile=False)
    faces = np.random.default_rng(0).normal(size=(5, 48, 48, 1)).astype(np.float32)
    answers = keras.ops.convert_to_numpy(network(faces))[:, 0]
    np.testing.assert_allclose(member.build()(faces), answers, atol=1e-5)


def test_the_logs_stand_below_each_other(ensembles_dir: Path) -> None:
    with (ensembles_dir / "fer7" / "training.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["member"], row["epoch"]) for row in rows] == [
        ("one", "2"), ("one", "5"), ("two", "2"), ("two", "5"),
    ]  # fmt: skip
    assert {row["val_accuracy"] for row in rows} == {"0.5"}


def test_weights_in_float16_halve_the_file(tmp_path: Path) -> None:
    network = read_member(write_member(tmp_path, "one")).build()
    network.save(tmp_path / "network.keras")
    before = zipfile.ZipFile(tmp_path / "network.keras").getinfo("model.weights.h5").file_size
    halve_weights(tmp_path / "network.keras")
    halved = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    assert {weight.dtype for weight in halved.weights} == {"float32"}
    for weight, old in zip(halved.weights, network.weights, strict=True):
        np.testing.assert_allclose(weight, old, rtol=1e-3, atol=1e-6)
    after = zipfile.ZipFile(tmp_path / "network.keras").getinfo("model.weights.h5").file_size
    assert after < before - network.count_params()


def test_members_that_do_not_belong_together(run_copy: Path, tmp_path: Path) -> None:
    one, six = write_member(tmp_path, "one"), write_member(tmp_path, "six", "fer6")
    for members, what in (([one, six], "emotions"), ([one, run_copy], "answers of the crowd")):
        with pytest.raises(ExportError, match=f"different {what}"):
            export_model(members, tmp_path / "models")
    other = write_member(tmp_path, "other")
    record = json.loads(other.with_suffix(".json").read_text())
    other.with_suffix(".json").write_text(json.dumps(record | {"split_seed": 2}))
    with pytest.raises(ExportError, match="different pictures to be calibrated on"):
        export_model([one, other], tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_damaged_members_of_a_campaign(tmp_path: Path) -> None:
    path = write_member(tmp_path, "one")
    record = path.with_suffix(".json").read_text()
    for content in ("", "{}", record.replace('"depth": 1', '"depth": 2')):
        path.with_suffix(".json").write_text(content)
        with pytest.raises(ExportError, match="one"):
            export_model([path], tmp_path / "models")
    path.with_suffix(".json").write_text(record)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ExportError, match="cannot be read"):
        export_model([path], tmp_path / "models")


@pytest.mark.parametrize("file", ["model.keras", "training.csv"])
def test_an_unfinished_run(run_copy: Path, tmp_path: Path, file: str) -> None:
    (run_copy / file).unlink()
    with pytest.raises(ExportError, match=f"no finished run: {file}"):
        export_model([run_copy], tmp_path / "models")


def test_a_run_without_its_configuration(run_copy: Path, tmp_path: Path) -> None:
    (run_copy / "config.json").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        export_model([run_copy], tmp_path / "models")


def test_a_damaged_network(run_copy: Path, tmp_path: Path) -> None:
    file = run_copy / "model.keras"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ExportError, match="cannot be read"):
        export_model([run_copy], tmp_path / "models")


def test_a_network_of_another_class_set(run_copy: Path, tmp_path: Path) -> None:
    file = run_copy / "config.json"
    file.write_text(file.read_text().replace('"fer7"', '"fer6"'))
    with pytest.raises(ExportError, match="not as configured"):
        export_model([run_copy], tmp_path / "models")


@pytest.mark.usefixtures("converted_before")
def test_other_answers_are_noticed_and_leave_the_old_model(
    run_copy: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (models_dir / "fer7" / "config.json").read_bytes()
    served = EmotionClassifier.logits
    monkeypatch.setattr(
        EmotionClassifier, "logits", lambda self, *of: served(self, *of) + np.float32(10)
    )
    with pytest.raises(ExportError, match=r"differ by (9\.9|10)"):
        export_model([run_copy], models_dir)
    assert (models_dir / "fer7" / "config.json").read_bytes() == before
    assert [path.name for path in models_dir.iterdir()] == ["fer7"]


def test_another_backend_is_refused(
    run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ExportError, match="KERAS_BACKEND=tensorflow"):
        export_model([run_copy], tmp_path / "models")
