from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, Votes
from train.evaluation.audit import BLANK, BY_CROWD, BY_DETECTOR, as_text, audit, write_csv
from train.evaluation.label_issues import LabelIssues
from train.evaluation.records import Audit
from train.evaluation.storage import read_audit


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
    ids = few.ids.tolist()
    agreed, seen_by_two = np.zeros(10, int), np.zeros(10, int)
    agreed[ANSWERS.index(few.words[0])] = 10
    seen_by_two[ANSWERS.index("not a face")] = 2
    seen_by_two[ANSWERS.index("happy")] = 8
    votes = Votes({ids[0]: agreed, ids[1]: agreed, ids[2]: seen_by_two})
    assert audit(few, votes).no_face.tolist() == ["", "", BY_CROWD, BY_CROWD]


def test_the_detector_shows_what_is_no_face(
    real_set: FaceSet, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    faces = real_set.faces_gray[:30].copy()
    faces[7] = 0
    cv2.putText(faces[7], "!", (14, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 255, 3)
    few = dataclasses.replace(real_set.where(np.arange(30)), faces_gray=faces)
    signs = audit(few).no_face
    assert signs[7] == BY_DETECTOR
    assert (signs == BY_DETECTOR).sum() <= 4


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
