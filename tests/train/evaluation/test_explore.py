"""From a model and the data set to the files that the pages read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW, VIEW_COUNTS
from train.cli import exploring
from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, Votes
from train.errors import DataError
from train.evaluation import corruptions, metrics, storage
from train.evaluation.evaluate import evaluate
from train.evaluation.explore import PARTS, explore
from train.evaluation.records import Crowd, Features, Predictions, Robustness
from train.evaluation.robustness import measure_robustness


@pytest.fixture
def classifier(models_dir: Path) -> EmotionClassifier:
    return EmotionClassifier.load("fer7", reading=LABELS, models_dir=models_dir)


def test_everything_is_measured_and_agrees_with_evaluate(
    models_dir: Path, tiny_set: FaceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {kind: corruptions.CORRUPTIONS[kind] for kind in ("blur", "noise")}
    monkeypatch.setattr("train.evaluation.robustness.CORRUPTIONS", few)
    labels = np.array(tiny_set.class_set.labels)[tiny_set.labels]
    agreed = np.eye(10, dtype=int)[[ANSWERS.index(label) for label in labels]] * 10
    votes = Votes(dict(zip(tiny_set.ids.tolist(), agreed, strict=True)))
    folder = models_dir / "fer7"
    files = explore("fer7", tiny_set, models_dir, votes=votes)
    assert sorted(file.name for file in files) == [
        "architecture.json",
        "crowd.json",
        "features.parquet",
        "predictions.parquet",
        "robustness.json",
    ]
    predictions = storage.read_record(folder, Predictions)
    assert np.array_equal(predictions.names, tiny_set.names)
    for split in ("PublicTest", "PrivateTest", "test"):
        for views in VIEW_COUNTS:
            part = predictions.split(split)
            expected = evaluate("fer7", tiny_set, split, models_dir, views)
            rows = part.probabilities[LABELS, views]
            assert metrics.log_loss(rows, part.labels) == pytest.approx(expected.log_loss)
            confusion = metrics.confusion_matrix(part.labels, rows.argmax(axis=1), 7)
            assert confusion.tolist() == expected.confusion
            assert part.leaked.sum() == expected.leaked
    for views in (FLIP, CROPS):
        rows = predictions.probabilities[LABELS, views]
        assert np.isnan(rows[tiny_set.splits == "Training"]).all()
    assert predictions.crowd.tolist() == tiny_set.words.tolist()

    assert np.array_equal(storage.read_record(folder, Features).names, tiny_set.names)
    robustness = storage.read_record(folder, Robustness)
    served = predictions.split("PublicTest").verdicts(FLIP)
    assert robustness.pictures == 56
    assert robustness.clean.accuracy == pytest.approx(served.correct.mean())
    crowd = storage.read_record(folder, Crowd)
    assert (crowd.pictures, crowd.without_votes, crowd.undecided) == (112, 0, 0)
    assert crowd.rows[-1].crowd_label == 1


def test_both_readings_of_several_networks_are_stored(
    ensembles_dir: Path, tiny_set: FaceSet
) -> None:
    explore("fer7", tiny_set, ensembles_dir, only=["predictions"])
    stored = storage.read_record(ensembles_dir / "fer7", Predictions)
    tests = tiny_set.splits != "Training"
    classifier = EmotionClassifier.load("fer7", models_dir=ensembles_dir)
    read = classifier.predict_both(tiny_set.faces_gray[tests])
    assert stored.answers == classifier.answers
    for way, rows in (
        (stored.probabilities[LABELS, FLIP], read.labels),
        (stored.probabilities[PEOPLE, FLIP], read.people),
        (stored.votes, read.votes),
    ):
        np.testing.assert_allclose(way[tests], rows, atol=1e-5)
        assert np.isnan(way[~tests]).all()
    one_view = classifier.with_reading(LABELS).predict(tiny_set.faces_gray, ONE_VIEW)
    np.testing.assert_allclose(stored.probabilities[LABELS, ONE_VIEW], one_view, atol=1e-4)
    # Nobody was asked.
    assert set(stored.crowd.tolist()) == {""}


def test_a_part_alone(models_dir: Path, tiny_set: FaceSet) -> None:
    files = explore("fer7", tiny_set, models_dir, only=["predictions"])
    assert [file.name for file in files] == ["predictions.parquet"]
    assert not (models_dir / "fer7" / "features.parquet").exists()


def test_without_votes_an_old_agreement_goes(models_dir: Path, tiny_set: FaceSet) -> None:
    file = models_dir / "fer7" / "crowd.json"
    file.write_text("{}")
    assert explore("fer7", tiny_set, models_dir, only=["crowd"]) == []
    assert not file.exists()


def test_a_data_set_without_training(models_dir: Path, tiny_set: FaceSet) -> None:
    with pytest.raises(DataError, match="Training"):
        explore("fer7", tiny_set.split("test"), models_dir, only=["predictions"])


def test_the_command_knows_the_parts() -> None:
    assert exploring.PARTS == PARTS


# ---------------------------------------------------------------- robustness


def test_robustness_by_hand(classifier: EmotionClassifier, tiny_set: FaceSet) -> None:
    result = measure_robustness(classifier, tiny_set, "PublicTest")
    faces = tiny_set.split("PublicTest")
    clean = classifier.predict(faces.faces_gray)
    row = next(row for row in result.rows if (row.kind, row.strength) == ("jpeg", 10))
    spoilt = classifier.predict(
        corruptions.corrupt(faces.faces_gray, "jpeg", 10, np.random.default_rng())
    )
    assert row.accuracy == pytest.approx((spoilt.argmax(axis=1) == faces.labels).mean())
    assert row.mean_confidence == pytest.approx(float(spoilt.max(axis=1).mean()))
    assert row.mean_change == pytest.approx(float(np.abs(spoilt - clean).sum(axis=1).mean() / 2))
    assert row.changed == (spoilt.argmax(axis=1) != clean.argmax(axis=1)).mean()
    assert (result.clean.mean_change, result.clean.changed) == (0, 0)
    assert [row.kind for row in result.rows] == [
        kind for kind, way in corruptions.CORRUPTIONS.items() for _ in way.strengths
    ]


def test_robustness_is_repeatable_on_a_part(
    classifier: EmotionClassifier, tiny_set: FaceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = {"noise": corruptions.CORRUPTIONS["noise"]}
    monkeypatch.setattr("train.evaluation.robustness.CORRUPTIONS", noise)
    first, second = (measure_robustness(classifier, tiny_set, "test", limit=20) for _ in range(2))
    assert first == second
    assert first.pictures == 20
    assert first != measure_robustness(classifier, tiny_set, "test", limit=20, seed=1)
