"""What ships beside the networks: current, small, and what a new measurement gives."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import pytest

from fer_core.classifier import METRICS_FILE, MODELS_DIR
from fer_core.readings import LABELS, PEOPLE, BothReadings
from fer_core.tta import FLIP, VIEW_COUNTS
from train.data.fer2013 import EXPECTED_COUNTS, FaceSet
from train.data.ferplus import Votes
from train.data.picture_ids import PictureIndex
from train.evaluation import metrics
from train.evaluation.corruptions import CORRUPTIONS
from train.evaluation.curves import precision_recall_curve, roc_curve
from train.evaluation.evaluate import evaluate
from train.evaluation.people import people_figures
from train.evaluation.records import Architecture, Crowd, Features, Predictions, Robustness
from train.evaluation.storage import read_record

NAMES = ("fer7", "fer6")
FLOOR = 0.69
MEASURED = [
    (name, split, views)
    for name in NAMES
    for split in ("PublicTest", "PrivateTest", "test")
    for views in VIEW_COUNTS
]


@functools.cache
def shipped(name: str) -> Predictions:
    """Return what ships of a network's predictions; not to be changed."""
    return read_record(MODELS_DIR / name, Predictions)


@pytest.fixture(scope="module", params=NAMES)
def predictions(request: pytest.FixtureRequest) -> Predictions:
    return shipped(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_a_model_are_small(name: str) -> None:
    files = [
        file for file in (MODELS_DIR / name).iterdir() if file.suffix not in (".keras", ".tflite")
    ]
    assert sum(file.stat().st_size for file in files) < 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_there_and_current(name: str) -> None:
    folder = MODELS_DIR / name
    rows = len(shipped(name))
    assert len(read_record(folder, Features)) == rows
    assert read_record(folder, Crowd) is not None
    robustness = read_record(folder, Robustness)
    assert [(row.kind, row.strength) for row in robustness.rows] == [
        (kind, strength) for kind, way in CORRUPTIONS.items() for strength in way.strengths
    ]
    config = json.loads((folder / "config.json").read_text())
    assert read_record(folder, Architecture).parameters == config["parameters"]


def test_every_known_picture_is_there(predictions: Predictions) -> None:
    known = predictions.class_set.labels
    expected = {
        split: sum(
            count for label, count in zip(_all_labels(), counts, strict=True) if label in known
        )
        for split, counts in EXPECTED_COUNTS.items()
    }
    found = {split: int((predictions.splits == split).sum()) for split in expected}
    assert found == expected
    assert len(np.unique(predictions.ids)) == len(predictions)
    np.testing.assert_allclose(predictions.verdicts().probabilities.sum(axis=1), 1, atol=1e-5)


def _all_labels() -> tuple[str, ...]:
    from fer_core.labels import FER7

    return FER7.labels


def test_neighbours_are_other_pictures() -> None:
    features = read_record(MODELS_DIR / "fer7", Features)
    rows = np.arange(len(features))[:, np.newaxis]
    assert (features.neighbours != rows).all()
    assert features.neighbours.min() >= 0 and features.neighbours.max() < len(features)
    assert (np.diff(features.similarities, axis=1) <= 0).all()
    assert np.isfinite(features.map_xy).all()


@pytest.mark.parametrize(("name", "split", "views"), MEASURED)
def test_stored_figures_are_those_of_the_stored_predictions(
    name: str, split: str, views: str
) -> None:
    content = json.loads((MODELS_DIR / name / METRICS_FILE).read_text(encoding="utf-8"))
    figures = content[split][views]
    part = shipped(name).split(split)
    rows, labels = part.probabilities[LABELS, views], part.labels
    predicted = rows.argmax(axis=1)
    count = len(labels)
    # Single pictures can fall on the other side on another processor, no more.
    assert count == figures["pictures"]
    assert (predicted == labels).mean() == pytest.approx(figures["accuracy"], abs=3 / count)
    assert metrics.log_loss(rows, labels) == pytest.approx(figures["log_loss"], abs=1e-3)
    assert metrics.top_accuracy(rows, labels, 2) == pytest.approx(
        figures["top2_accuracy"], abs=3 / count
    )
    assert metrics.expected_calibration_error(rows, labels) == pytest.approx(
        figures["ece"], abs=1e-3
    )
    assert part.leaked.sum() == figures["leaked"]
    confusion = metrics.confusion_matrix(labels, predicted, len(part.class_set))
    assert np.abs(confusion - np.array(figures["confusion"])).sum() <= 6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", ["PublicTest", "PrivateTest", "test"])
def test_stored_figures_of_the_people_are_those_of_the_stored_predictions(
    real_votes: Votes, name: str, split: str
) -> None:
    content = json.loads((MODELS_DIR / name / METRICS_FILE).read_text(encoding="utf-8"))
    stored = content[split][PEOPLE]["figures"]
    part = shipped(name).split(split)
    read = BothReadings(
        part.probabilities[LABELS, FLIP], part.probabilities[PEOPLE, FLIP], part.votes
    )
    votes = real_votes.of(part.ids)
    figures = people_figures(read, part.answers, part.class_set, votes, part.leaked)
    for own, kept in ((figures.votes, stored["votes"]), (figures.people, stored["people"])):
        assert own.pictures == kept["pictures"]
        assert own.share == pytest.approx(kept["share"], abs=3 / own.pictures)
    assert figures.people_shares.error == pytest.approx(stored["people_shares"]["error"], abs=1e-3)
    assert part.people_verdicts().correct.mean() == pytest.approx(figures.people.share)


@pytest.mark.parametrize("views", VIEW_COUNTS)
def test_figures_are_scikit_learns(predictions: Predictions, views: str) -> None:
    from sklearn import metrics as sk

    tests = predictions.split("test")
    rows, labels = tests.probabilities[LABELS, views], tests.labels
    predicted = rows.argmax(axis=1)
    size = len(tests.class_set)
    confusion = metrics.confusion_matrix(labels, predicted, size)
    scores = metrics.class_scores(confusion)
    assert np.array_equal(confusion, sk.confusion_matrix(labels, predicted))
    assert scores.macro_f1 == pytest.approx(sk.f1_score(labels, predicted, average="macro"))
    assert scores.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(labels, predicted))
    normalized = rows.astype(np.float64) / rows.sum(axis=1, keepdims=True, dtype=np.float64)
    assert metrics.log_loss(rows, labels) == pytest.approx(
        sk.log_loss(labels, normalized), rel=1e-5
    )
    assert metrics.top_accuracy(rows, labels, 2) == pytest.approx(
        sk.top_k_accuracy_score(labels, rows, k=2)
    )
    for position in range(size):
        own = labels == position
        assert roc_curve(rows[:, position], own).area == pytest.approx(
            sk.roc_auc_score(own, rows[:, position])
        )
        assert precision_recall_curve(rows[:, position], own).area == pytest.approx(
            sk.average_precision_score(own, rows[:, position])
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_new_evaluation_gives_the_stored_predictions(whole_set: FaceSet, name: str) -> None:
    """On all of Training, for what is leaked, and every eighth picture of the test splits.

    Another processor may round a handful of pictures over the edge.
    """
    tests = np.flatnonzero(whole_set.splits != "Training")
    kept = np.concatenate([np.flatnonzero(whole_set.splits == "Training"), tests[::8]])
    part = whole_set.where(np.sort(kept))
    stored_part = shipped(name)
    known = PictureIndex(part.ids).positions_of(stored_part.ids) >= 0
    stored_part = stored_part.where(known).split("test")
    measured = evaluate(name, part, "test", MODELS_DIR, FLIP)
    probabilities = stored_part.probabilities[LABELS, FLIP]
    correct = probabilities.argmax(axis=1) == stored_part.labels
    assert measured.pictures == len(stored_part) > 850
    assert measured.accuracy >= FLOOR
    assert measured.accuracy == pytest.approx(correct.mean(), abs=3 / len(correct))
    assert measured.log_loss == pytest.approx(
        metrics.log_loss(probabilities, stored_part.labels), abs=1e-3
    )
    assert measured.leaked == stored_part.leaked.sum()


def test_six_and_seven_classes_share_their_pictures() -> None:
    seven, six = (shipped(name).verdicts() for name in NAMES)
    shared = seven.where(seven.words != "disgust")
    assert np.array_equal(shared.ids, six.ids)
    result = metrics.mcnemar(shared.correct, six.correct)
    total = sum(dataclasses.astuple(result)[:4])
    assert total == len(six)
    assert 0 <= result.p_value <= 1


def test_pictures_of_the_archive_are_found(whole_set: FaceSet) -> None:
    predictions = shipped("fer6")
    positions = PictureIndex(whole_set.ids).positions_of(predictions.ids)
    assert (positions >= 0).all()
    assert len(np.unique(positions)) == len(positions)
