from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.readings import softmax
from train.data.fer2013 import FaceSet
from train.errors import ConfigError, DataError
from train.evaluation.metrics import confidence_log_loss
from train.training.calibrate import calibrate, fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_drawn_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 7))
    labels = (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_is_stored_and_served(models_dir: Path, tiny_set: FaceSet) -> None:
    file = models_dir / "fer7" / "config.json"
    content = json.loads(file.read_text())
    result = calibrate("fer7", tiny_set, models_dir)
    stored = json.loads(file.read_text())
    assert stored.pop("temperature") == result.temperature
    assert stored.pop("calibrated_on") == result.calibrated_on == "PublicTest (56 pictures)"
    assert stored.items() <= content.items()

    classifier = EmotionClassifier.load("fer7", models_dir=models_dir)
    assert classifier.temperature == result.temperature
    validation = tiny_set.split("PublicTest")
    logits = classifier.logits(validation.faces_gray)
    before, after = result.confidence_loss
    assert after <= before
    served = classifier.predict(validation.faces_gray)
    assert confidence_log_loss(served, validation.labels) == pytest.approx(after, rel=1e-5)
    assert confidence_log_loss(softmax(logits), validation.labels) == pytest.approx(before)


def test_calibrating_again_gives_the_same(models_dir: Path, tiny_set: FaceSet) -> None:
    assert calibrate("fer7", tiny_set, models_dir) == calibrate("fer7", tiny_set, models_dir)


def test_the_test_pictures_are_never_looked_at(models_dir: Path, tiny_set: FaceSet) -> None:
    without = tiny_set.where(tiny_set.splits != "PrivateTest")
    assert calibrate("fer7", without, models_dir) == calibrate("fer7", tiny_set, models_dir)
    with pytest.raises(DataError, match="PublicTest"):
        calibrate("fer7", tiny_set.where(tiny_set.splits != "PublicTest"), models_dir)


def test_a_held_out_part_is_used_where_it_was_held_out(models_dir: Path, tiny_set: FaceSet) -> None:
    file = models_dir / "fer7" / "config.json"
    config = json.loads(file.read_text())
    config["training"] |= {"validation": "held-out", "held_out": 0.25}
    file.write_text(json.dumps(config))
    result = calibrate("fer7", tiny_set.split("Training"), models_dir)
    assert result.calibrated_on.startswith("a held-out 25% of Training (")


@pytest.mark.parametrize("training", [None, {}, {"classes": "fer7"}])
def test_a_model_of_unknown_training(models_dir: Path, tiny_set: FaceSet, training: Any) -> None:
    file = models_dir / "fer7" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"training": training}))
    with pytest.raises(ConfigError, match="how 'fer7' was trained"):
        calibrate("fer7", tiny_set, models_dir)
