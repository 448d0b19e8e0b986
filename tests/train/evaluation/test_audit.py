from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.labels import FER7
from fer_core.tta import VIEW_COUNTS
from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, Votes, read_votes
from train.evaluation.audit import BLANK, BY_CROWD, BY_DETECTOR, as_text, audit, write_csv
from train.evaluation.label_issues import LabelIssues, find_label_issues
from train.evaluation.records import Audit, Predictions
from train.evaluation.storage import read_audit


@pytest.fixture(scope="module")
def whole_audit(whole_set: FaceSet, ferplus_file: Path) -> Audit:
    return audit(whole_set, read_votes(ferplus_file))


@pytest.fixture
def without_yunet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "missing.onnx"))


@pytest.fixture
def messy(tiny_set: FaceSet) -> FaceSet:
    """The tiny set with a leaked, a conflicting, a darkened and a blank picture."""
    faces, labels = tiny_set.faces_gray.copy(), tiny_set.labels
    training = np.flatnonzero(tiny_set.splits == "Training")
    public, private = (np.flatnonzero(tiny_set.splits == s) for s in ("PublicTest", "PrivateTest"))
    same = training[labels[training] == labels[public[0]]][0]
    other = training[labels[training] != labels[same]][0]
    faces[public[0]] = faces[same]
    faces[other] = faces[same]
    faces[private[0]] = (faces[training[-1]] * 0.6).astype(np.uint8)
    faces[private[1]] = 17
    return dataclasses.replace(tiny_set, faces_gray=faces)


def test_the_published_counts_come_out(whole_audit: Audit) -> None:
    found = whole_audit.summary
    assert found.pictures == 35_887
    assert found.identical_groups == 1_516
    assert found.identical_pictures == 3_369
    assert found.identical_conflicting == 57
    assert found.leaked == 568
    assert found.voted == 35_710


def test_near_duplicates_hold_the_identical_ones(whole_audit: Audit) -> None:
    grouped = whole_audit.identical >= 0
    assert (whole_audit.near[grouped] >= 0).all()
    pairs = np.unique(np.stack([whole_audit.identical, whole_audit.near])[:, grouped], axis=1)
    assert pairs.shape[1] == whole_audit.summary.identical_groups
    assert whole_audit.summary.near_pictures > 1.5 * whole_audit.summary.identical_pictures
    assert whole_audit.summary.near_leaked > whole_audit.summary.leaked


def test_what_is_no_face_by_the_crowd(whole_audit: Audit) -> None:
    without = np.isnan(whole_audit.crowd_share)
    assert without.sum() == 177
    assert (whole_audit.no_face[without] != "").all()
    assert whole_audit.summary.no_face < 250


def test_the_stored_audit_is_this_one(whole_audit: Audit) -> None:
    stored = read_audit()
    assert stored is not None
    assert stored.summary == whole_audit.summary
    for field in ("names", "emotions", "identical", "no_face", "crowd_emotion"):
        assert np.array_equal(getattr(stored, field), getattr(whole_audit, field)), field


@pytest.mark.usefixtures("without_yunet")
def test_a_messy_set(messy: FaceSet, tiny_set: FaceSet) -> None:
    result, before = audit(messy), audit(tiny_set).summary
    found = result.summary
    assert found.identical_groups == before.identical_groups + 1
    assert found.identical_conflicting == before.identical_conflicting + 1
    assert found.leaked == before.leaked + 1
    assert found.near_leaked == before.near_leaked + 2
    assert found.near_across == before.near_across + 2
    assert (found.blank, found.no_face) == (before.blank + 1, before.no_face + 1)
    assert (found.voted, found.crowd_doubts) == (0, 0)
    made = np.flatnonzero(messy.splits == "PrivateTest")[1]
    assert result.no_face[made] == BLANK
    assert (result.contrast[made], result.brightness[made]) == (0, 17)
    assert np.isnan(result.crowd_share).all() and (result.crowd_emotion == "").all()
    assert f"{found.near_pictures:,}" in as_text(result)
    assert "download" in found.methods["no_face"]


@pytest.mark.usefixtures("without_yunet")
def test_pictures_without_anything_wrong(tiny_set: FaceSet) -> None:
    two = tiny_set.where(np.array([0, 70]))
    found = audit(two).summary
    assert (found.identical_groups, found.near_groups, found.leaked, found.no_face) == (0, 0, 0, 0)


def test_votes_show_what_is_no_face(tiny_set: FaceSet) -> None:
    few = tiny_set.where(np.arange(4))
    emotions = np.array(FER7.labels)[few.labels]
    keys = list(zip(few.names.tolist(), emotions.tolist(), strict=True))
    agreed, seen_by_two = np.zeros(10, int), np.zeros(10, int)
    agreed[ANSWERS.index(emotions[0])] = 10
    seen_by_two[ANSWERS.index("not a face")] = 2
    seen_by_two[ANSWERS.index("happy")] = 8
    votes = Votes({keys[0]: agreed, keys[1]: agreed, keys[2]: seen_by_two})
    assert audit(few, votes).no_face.tolist() == ["", "", BY_CROWD, BY_CROWD]


def test_the_detector_shows_what_is_no_face(
    tiny_set: FaceSet, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    faces = tiny_set.faces_gray[:30].copy()
    faces[7] = 0
    cv2.putText(faces[7], "!", (14, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, 3)
    few = dataclasses.replace(tiny_set.where(np.arange(30)), faces_gray=faces)
    signs = audit(few).no_face
    assert signs[7] == BY_DETECTOR
    assert (signs == BY_DETECTOR).sum() <= 4


# ---------------------------------------------------------------- likely wrong labels


def test_training_is_doubted_by_the_crowd_and_tests_by_the_model(
    messy: FaceSet, without_yunet: None
) -> None:
    emotions = np.array(FER7.labels)[messy.labels]
    happy, sad = ANSWERS.index("happy"), ANSWERS.index("sad")
    table = {}
    for name, emotion in zip(messy.names.tolist(), emotions.tolist(), strict=True):
        table[name, emotion] = np.eye(10, dtype=int)[ANSWERS.index(emotion)] * 10
    training = [i for i in np.flatnonzero(messy.splits == "Training") if emotions[i] == "sad"]
    tests = [i for i in np.flatnonzero(messy.splits == "PublicTest") if emotions[i] == "sad"]
    for index, share in ((training[0], 9), (training[1], 6), (tests[0], 9)):
        row = np.zeros(10, int)
        row[happy], row[sad] = share, 10 - share
        table[messy.names[index], "sad"] = row
    result = audit(messy, Votes(table))
    assert result.summary.crowd_doubts == 3

    certain = np.eye(7, dtype=np.float32)[messy.labels] * 0.6 + 0.4 / 7
    for index in (tests[0], training[2]):
        certain[index] = [0, 0, 0, 0.75, 0.25, 0, 0]
    predictions = Predictions(
        messy.names,
        messy.splits,
        messy.labels,
        np.zeros(len(messy), bool),
        dict.fromkeys(VIEW_COUNTS, certain),
        FER7,
    )
    issues = find_label_issues(result, predictions)
    assert issues.positions.tolist() == [training[0], tests[0], training[1]]
    assert issues.margins == pytest.approx([0.8, 0.5, 0.2], abs=1e-6)
    assert issues.sources.tolist() == ["crowd", "model", "crowd"]
    assert issues.suggested.tolist() == ["happy"] * 3
    assert issues.agreed.all()
    assert len(find_label_issues(result)) == issues.likely == 2


def test_a_model_of_six_classes_doubts_its_own(whole_audit: Audit) -> None:
    """Its rows are not those of the audit, which has disgust too."""
    rows = np.flatnonzero((whole_audit.splits == "PublicTest") & (whole_audit.emotions == "happy"))
    from fer_core.labels import FER6

    says_sad = np.eye(6, dtype=np.float32)[[FER6.labels.index("sad")] * len(rows)]
    labels = np.full(len(rows), FER6.labels.index("happy"))
    predictions = Predictions(
        whole_audit.names[rows],
        whole_audit.splits[rows],
        labels,
        np.zeros(len(rows), bool),
        dict.fromkeys(VIEW_COUNTS, says_sad),
        FER6,
    )
    issues = find_label_issues(whole_audit, predictions)
    by_model = issues.sources == "model"
    assert np.array_equal(np.sort(issues.positions[by_model]), rows)
    assert (issues.margins[by_model] == 1).all()
    assert (np.diff(issues.margins) <= 0).all()
    assert (issues.margins > 0).all()


def test_the_table_has_the_doubts_on_top(
    messy: FaceSet, tmp_path: Path, without_yunet: None
) -> None:
    result = audit(messy)
    issues = LabelIssues(
        np.array([5]), np.array(["sad"]), np.array([0.9]), np.array(["model"]), np.array([False])
    )
    path = tmp_path / "audit.csv"
    count = write_csv(result, issues, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    assert rows[0]["name"] == messy.names[5]
    assert (rows[0]["suggested"], rows[0]["doubt"], rows[0]["doubted_by"]) == (
        "sad",
        "0.900",
        "model",
    )
    assert sum(row["no_face"] == "blank" for row in rows) == result.summary.blank
    assert all(row["near_group"] or row["no_face"] for row in rows[1:])
    assert sum(row["near_leaked"] == "True" for row in rows) == result.summary.near_leaked
