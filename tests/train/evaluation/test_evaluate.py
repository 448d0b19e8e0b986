from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.errors import ModelError
from fer_core.labels import FER6, FER7
from fer_core.tta import FLIP, ONE_VIEW
from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, read_votes
from train.errors import DataError
from train.evaluation.audit import audit
from train.evaluation.evaluate import (
    Evaluation,
    PeopleEvaluation,
    as_line,
    as_text,
    evaluate,
    evaluate_all,
    evaluate_people,
    people_as_text,
    save_evaluation,
)
from train.evaluation.explore import explore
from train.evaluation.records import Predictions
from train.evaluation.storage import read_record


@pytest.fixture
def leaky_set(tiny_set: FaceSet) -> FaceSet:
    """The tiny set with three test pictures replaced by Training's."""
    faces = tiny_set.faces_gray.copy()
    tests = np.flatnonzero(tiny_set.splits == "PrivateTest")[[0, 5, 9]]
    faces[tests] = faces[np.flatnonzero(tiny_set.splits == "Training")[:3]]
    return dataclasses.replace(tiny_set, faces_gray=faces)


def test_figures_are_those_of_the_served_model(models_dir: Path, leaky_set: FaceSet) -> None:
    result = evaluate("fer7", leaky_set, "PrivateTest", models_dir)
    faces = leaky_set.split("PrivateTest")
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    predicted = classifier.predict(faces.faces_gray, ONE_VIEW).argmax(axis=1)
    correct = predicted == faces.labels
    assert result.pictures == 56
    assert result.accuracy == pytest.approx(correct.mean())
    assert result.accuracy_interval[0] < result.accuracy < result.accuracy_interval[1]
    assert np.array(result.confusion).sum() == 56
    assert np.array(result.confusion)[faces.labels[0], predicted[0]] >= 1
    assert result.per_class["happy"]["support"] == 8
    assert result.top2_accuracy >= result.accuracy
    assert result.leaked == 3
    others = np.ones(56, bool)
    others[[0, 5, 9]] = False
    assert result.accuracy_without_leaked == pytest.approx(correct[others].mean())


def test_flip_averages_both_views(models_dir: Path, tiny_set: FaceSet) -> None:
    one = evaluate("fer7", tiny_set, "PublicTest", models_dir)
    both = evaluate("fer7", tiny_set, "PublicTest", models_dir, FLIP)
    mirrored = dataclasses.replace(tiny_set, faces_gray=tiny_set.faces_gray[:, :, ::-1].copy())
    assert both.views == "flip"
    assert both.log_loss != one.log_loss
    again = evaluate("fer7", mirrored, "PublicTest", models_dir, FLIP)
    assert again.log_loss == pytest.approx(both.log_loss)
    assert "mirror image" in both.protocol


def test_all_at_once_is_each_alone(models_dir: Path, tiny_set: FaceSet) -> None:
    results = evaluate_all("fer7", tiny_set, models_dir)
    assert len(results) == 9
    for result in results:
        alone = evaluate("fer7", tiny_set, result.split, models_dir, result.views)
        assert result.confusion == alone.confusion
        assert (result.leaked, result.protocol) == (alone.leaked, alone.protocol)
        assert result.log_loss == pytest.approx(alone.log_loss)
    assert "ten crops" in results[-1].protocol
    # The tiny model is one network, without the people's reading.
    assert results[-1].networks == 1
    assert f"accuracy {results[0].accuracy:.2%}" in as_line(results[0])


def test_stored_predictions_are_measured_alike(models_dir: Path, tiny_set: FaceSet) -> None:
    explore("fer7", tiny_set, models_dir, only=["predictions"])
    predictions = read_record(models_dir / "fer7", Predictions)
    anew = evaluate_all("fer7", tiny_set, models_dir)
    for one, other in zip(
        evaluate_all("fer7", tiny_set, models_dir, predictions), anew, strict=True
    ):
        assert (one.split, one.views, one.confusion) == (other.split, other.views, other.confusion)
        assert one.log_loss == pytest.approx(other.log_loss, rel=1e-4)
    with pytest.raises(DataError, match="other pictures"):
        evaluate_all("fer7", tiny_set, models_dir, predictions.where(np.arange(100)))


def test_each_network_alone_and_the_people(
    ensembles_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    votes = read_votes(tiny_votes)
    results = evaluate_all("fer7", tiny_set, ensembles_dir, votes=votes)
    labels = [one for one in results if isinstance(one, Evaluation)]
    people = [one for one in results if isinstance(one, PeopleEvaluation)]
    assert (len(labels), len(people)) == (9 + 2 * 3, 3)
    alone = [one for one in labels if one.member and one.split == "PublicTest"]
    assert [one.member for one in alone] == ["one", "two"]
    assert {one.networks for one in alone} == {1}
    faces = tiny_set.split("PublicTest")
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=ensembles_dir)
    logits = classifier.member_logits(faces.faces_gray, ONE_VIEW)
    for number, one in enumerate(alone):
        right = logits[:, number, :7].argmax(axis=1) == faces.labels
        assert one.accuracy == pytest.approx(right.mean())
        assert f"{one.member} alone" in one.protocol and f"{one.member} alone" in as_line(one)
    for one in people:
        single = evaluate_people("fer7", tiny_set, one.split, ensembles_dir, votes)
        assert single.figures.people.confusion == one.figures.people.confusion
        assert f"{one.figures.people.share:.2%}" in as_line(one)
        assert f"{one.figures.votes.share:.2%}" in people_as_text(one)
    explore("fer7", tiny_set, ensembles_dir, only=["predictions"])
    stored = read_record(ensembles_dir / "fer7", Predictions)
    again = evaluate_all("fer7", tiny_set, ensembles_dir, stored, votes=votes)
    for one, other in zip(results, again, strict=True):
        assert as_line(one)[:40] == as_line(other)[:40]
        assert one.protocol == other.protocol


def test_the_peoples_figures_are_those_of_the_served_reading(
    ensembles_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    result = evaluate_people("fer7", tiny_set, "PublicTest", ensembles_dir, read_votes(tiny_votes))
    faces = tiny_set.split("PublicTest")
    read = EmotionClassifier.load("fer7", models_dir=ensembles_dir).predict(faces.faces_gray)
    counts = read_votes(tiny_votes).of(faces.ids)
    # Everybody's decision is clear here, and nobody is for contempt.
    wanted = np.array([FER7.labels.index(ANSWERS[best]) for best in counts.argmax(axis=1)])
    assert result.figures.people.pictures == result.figures.votes.pictures == 56
    assert result.figures.people.share == pytest.approx((read.argmax(axis=1) == wanted).mean())
    assert "more than half of the votes" in result.protocol


def test_a_model_without_the_peoples_reading_is_refused(
    models_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    with pytest.raises(ModelError, match="did not learn from people's votes"):
        evaluate_people("fer7", tiny_set, "PublicTest", models_dir, read_votes(tiny_votes))


def test_near_duplicates_are_left_out_too(models_dir: Path, leaky_set: FaceSet) -> None:
    found = audit(leaky_set)
    near = found.near_leaked & (found.splits == "PrivateTest")
    assert near.sum() >= 3
    result = evaluate("fer7", leaky_set, "PrivateTest", models_dir, audit=found)
    faces = leaky_set.split("PrivateTest")
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    right = classifier.predict(faces.faces_gray, ONE_VIEW).argmax(axis=1) == faces.labels
    others = ~np.isin(faces.ids, found.ids[near])
    assert result.near_leaked == near.sum()
    assert result.accuracy_without_near_leaked == pytest.approx(right[others].mean())
    assert f"without {near.sum()} near" in as_text(result)
    assert evaluate("fer7", leaky_set, "PrivateTest", models_dir).near_leaked is None


def test_figures_of_networks_and_people_have_places_of_their_own(
    ensembles_dir: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    file = ensembles_dir / "fer7" / "metrics.json"
    file.write_text(json.dumps({"test": {"members": {"old": {"sha256": "another"}}}}))
    for one in evaluate_all("fer7", tiny_set, ensembles_dir, votes=read_votes(tiny_votes)):
        save_evaluation(one, ensembles_dir)
    content = json.loads(file.read_text())["test"]
    assert set(content) == {"one view", "flip", "crops", "members", "people"}
    assert list(content["members"]) == ["one", "two"]
    assert content["people"]["figures"]["votes"]["pictures"] == 112


def test_both_test_splits_together(models_dir: Path, tiny_set: FaceSet) -> None:
    assert evaluate("fer7", tiny_set, "test", models_dir).pictures == 112


def test_a_model_of_six_classes_leaves_disgust_out(tiny_set: FaceSet) -> None:
    result = evaluate("fer6", tiny_set, "test", MODELS_DIR)
    assert result.pictures == 6 * 16
    assert result.labels == FER6.labels
    assert "disgust" not in result.per_class


def test_saved_figures_stand_beside_others(models_dir: Path, tiny_set: FaceSet) -> None:
    file = models_dir / "fer7" / "metrics.json"
    file.write_text(json.dumps({"note": "kept", "PublicTest": {"flip": {"accuracy": 0.5}}}))
    result = evaluate("fer7", tiny_set, "PublicTest", models_dir)
    assert save_evaluation(result, models_dir) == file
    content = json.loads(file.read_text())
    assert content["note"] == "kept"
    assert content["PublicTest"]["flip"] == {"accuracy": 0.5}
    assert content["PublicTest"]["one view"]["accuracy"] == result.accuracy
    assert "one view of each picture" in content["PublicTest"]["one view"]["protocol"]


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_file_of_figures_is_not_overwritten(
    models_dir: Path, tiny_set: FaceSet, content: str
) -> None:
    file = models_dir / "fer7" / "metrics.json"
    file.write_text(content)
    result = evaluate("fer7", tiny_set, "PublicTest", models_dir)
    with pytest.raises(ModelError):
        save_evaluation(result, models_dir)
    assert file.read_text() == content


def test_the_text_shows_every_class_and_the_interval(models_dir: Path, tiny_set: FaceSet) -> None:
    result = evaluate("fer7", tiny_set, "PublicTest", models_dir)
    text = as_text(result)
    assert all(text.count(label) >= 3 for label in result.labels)
    assert f"{result.accuracy:.2%}" in text
    assert "10,000 resamples" in text


def test_a_missing_model_and_a_missing_split(models_dir: Path, tiny_set: FaceSet) -> None:
    with pytest.raises(ModelError, match="no model 'other'"):
        evaluate("other", tiny_set, "test", models_dir)
    with pytest.raises(DataError, match="PrivateTest"):
        evaluate("fer7", tiny_set.split("Training"), "PrivateTest", models_dir)
