from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.errors import ModelError
from fer_core.readings import softmax
from tests.train.votes import clear_votes
from train.data.fer2013 import FaceSet, hold_out
from train.data.ferplus import vote_shares
from train.errors import ConfigError, DataError
from train.evaluation.metrics import confidence_log_loss
from train.training.calibrate import (
    calibrate,
    fit_share_temperature,
    fit_temperature,
    set_mixture,
    share_loss,
)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_drawn_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 7))
    labels = (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_drawn_votes_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 8))
    shares = rng.multinomial(10, softmax(logits / temperature).astype(np.float64) * 0.999) / 10
    assert fit_share_temperature(logits, shares) == pytest.approx(temperature, rel=0.05)


def test_calibration_is_stored_and_served(models_dir: Path, tiny_set: FaceSet) -> None:
    file = models_dir / "fer7" / "config.json"
    content = json.loads(file.read_text())
    result = calibrate("fer7", tiny_set, models_dir)
    stored = json.loads(file.read_text())
    # A network without answers of the crowd has none to calibrate.
    assert stored.pop("temperature") == result.temperatures | {"people": 1.0}
    assert stored.pop("calibrated_on") == result.calibrated_on
    assert result.calibrated_on == {"labels": "PublicTest (56 pictures)"}
    assert stored.items() <= content.items()

    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    assert classifier.temperature == result.temperatures["labels"]
    validation = tiny_set.split("PublicTest")
    logits = classifier.logits(validation.faces_gray)
    before, after = result.losses["labels"]
    assert after <= before
    served = classifier.predict(validation.faces_gray)
    assert confidence_log_loss(served, validation.labels) == pytest.approx(after, rel=1e-5)
    assert confidence_log_loss(softmax(logits), validation.labels) == pytest.approx(before)


def test_both_readings_are_calibrated(ensembles_dir: Path, tiny_set: FaceSet) -> None:
    votes = clear_votes(tiny_set)
    result = calibrate("fer7", tiny_set, ensembles_dir, votes)
    held_out = hold_out(tiny_set.split("Training"), 0.25, 1)[1]
    classifier = EmotionClassifier.load("fer7", models_dir=ensembles_dir)
    assert classifier.temperature == result.temperatures["people"]
    forecast = classifier.predict_both(held_out.faces_gray).votes
    shares = vote_shares(votes.of(held_out.ids), classifier.answers)
    assert (shares.sum(axis=1) == 1).all()
    before, after = result.losses["people"]
    assert after <= before
    assert share_loss(forecast, shares) == pytest.approx(after, rel=1e-5)
    assert f"({len(held_out)} pictures)" in result.calibrated_on["people"]


def test_a_mixture_is_stored_and_served(ensembles_dir: Path, tiny_set: FaceSet) -> None:
    file = ensembles_dir / "fer7" / "config.json"
    before = json.loads(file.read_text())
    assert set_mixture("fer7", 0.25, ensembles_dir) == file
    assert json.loads(file.read_text()) == before | {"mixture": 0.25}
    classifier = EmotionClassifier.load("fer7", models_dir=ensembles_dir)
    assert classifier.mixture == 0.25
    logits = classifier.logits(tiny_set.faces_gray[:5])
    np.testing.assert_allclose(
        classifier.predict(tiny_set.faces_gray[:5]), classifier.both_of(logits, 0.25).people
    )
    labels = classifier.labels_of(logits)
    np.testing.assert_allclose(classifier.both_of(logits, 0).people, labels, atol=1e-6)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_an_impossible_mixture_is_not_stored(ensembles_dir: Path, weight: float) -> None:
    content = (ensembles_dir / "fer7" / "config.json").read_bytes()
    with pytest.raises(ConfigError, match="from 0 to 1"):
        set_mixture("fer7", weight, ensembles_dir)
    assert (ensembles_dir / "fer7" / "config.json").read_bytes() == content


def test_a_mixture_of_a_model_without_the_peoples_reading(models_dir: Path) -> None:
    with pytest.raises(ModelError, match="did not learn from people's votes"):
        set_mixture("fer7", 0.5, models_dir)


def test_pictures_without_votes_are_left_out(ensembles_dir: Path, tiny_set: FaceSet) -> None:
    held_out = hold_out(tiny_set.split("Training"), 0.25, 1)[1]
    votes = clear_votes(held_out.where(np.arange(len(held_out)) > 4))
    result = calibrate("fer7", tiny_set, ensembles_dir, votes)
    assert f"({len(held_out) - 5} pictures)" in result.calibrated_on["people"]
    assert f"({len(held_out)} pictures)" in result.calibrated_on["labels"]


def test_votes_must_be_named(ensembles_dir: Path, tiny_set: FaceSet) -> None:
    with pytest.raises(ConfigError, match="--votes"):
        calibrate("fer7", tiny_set, ensembles_dir)


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
    config["calibration"] = {"split": "held-out", "share": 0.25, "seed": 3}
    file.write_text(json.dumps(config))
    result = calibrate("fer7", tiny_set.split("Training"), models_dir)
    assert result.calibrated_on["labels"].startswith("a held-out 25% of Training (")


def test_public_test_takes_the_place_of_a_held_out_part(
    ensembles_dir: Path, tiny_set: FaceSet
) -> None:
    votes = clear_votes(tiny_set)
    result = calibrate("fer7", tiny_set, ensembles_dir, votes, public_test=True)
    assert result.calibrated_on["labels"] == "PublicTest (56 pictures)"
    # It is remembered, so that fitting again fits on the same.
    assert calibrate("fer7", tiny_set, ensembles_dir, votes) == result


def test_six_classes_are_not_fitted_on_pictures_that_measure_them(
    tmp_path: Path, tiny_set: FaceSet
) -> None:
    served = "model.tflite", "labels.json", "config.json"
    (tmp_path / "fer6").mkdir()
    for file in served:
        shutil.copy(MODELS_DIR / "fer6" / file, tmp_path / "fer6")
    with pytest.raises(ConfigError, match="'fer6' is measured on PublicTest"):
        calibrate("fer6", tiny_set, tmp_path, clear_votes(tiny_set), public_test=True)


@pytest.mark.parametrize("part", [None, {}, {"split": "PrivateTest"}])
def test_a_model_of_unknown_training(models_dir: Path, tiny_set: FaceSet, part: Any) -> None:
    file = models_dir / "fer7" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"calibration": part}))
    with pytest.raises(ConfigError, match="what 'fer7' is to be calibrated on"):
        calibrate("fer7", tiny_set, models_dir)
