from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.ensemble import EnsembleClassifier, partner_of
from fer_core.errors import ModelError
from fer_core.labels import FER6, FER7
from fer_core.tta import CROPS

FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)


@pytest.mark.parametrize("name", ["fer7", "fer6"])
def test_it_reads_in_the_models_own_emotions(name: str) -> None:
    accurate = EnsembleClassifier.load(name)
    probabilities = accurate.predict(FACES)
    assert accurate.networks == 2
    assert accurate.labels == EmotionClassifier.load(name).labels
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (3, len(accurate.labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert accurate.predict([]).shape == (0, len(accurate.labels))


def test_six_emotions_are_the_mean_of_both_networks() -> None:
    six, seven = EmotionClassifier.load("fer6"), EmotionClassifier.load("fer7")
    own = six.predict(FACES, CROPS)
    other = seven.predict(FACES, CROPS, temperature=six.temperature)
    other = np.delete(other, FER7.labels.index("disgust"), axis=1)
    other /= other.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        EnsembleClassifier(six, seven).predict(FACES), (own + other) / 2, atol=1e-6
    )


def test_what_the_partner_does_not_know_stays() -> None:
    six, seven = EmotionClassifier.load("fer6"), EmotionClassifier.load("fer7")
    disgust = FER7.labels.index("disgust")
    combined = EnsembleClassifier(seven, six).predict(FACES)
    own = seven.predict(FACES, CROPS)
    np.testing.assert_allclose(combined[:, disgust], own[:, disgust], atol=1e-6)
    assert np.abs(combined - own).max() > 1e-5


def test_without_a_partner_it_is_the_network_alone(tmp_path: Path) -> None:
    shutil.copytree(MODELS_DIR / "fer6", tmp_path / "fer6")
    alone = EnsembleClassifier.load("fer6", models_dir=tmp_path)
    assert alone.networks == 1
    expected = EmotionClassifier.load("fer6").predict(FACES, CROPS)
    np.testing.assert_allclose(alone.predict(FACES), expected, atol=1e-6)
    with pytest.raises(ModelError):
        EnsembleClassifier.load("fer7", models_dir=tmp_path)


def test_partners() -> None:
    assert partner_of(EmotionClassifier.load("fer7")) == FER6.name
    assert partner_of(EmotionClassifier.load("fer6")) == FER7.name
