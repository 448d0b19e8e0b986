from __future__ import annotations

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from tests.said import said_always
from train.data.fer2013 import FaceSet
from train.data.ferplus import ANSWERS, Votes
from train.evaluation.audit import audit
from train.evaluation.label_issues import find_label_issues
from train.evaluation.storage import read_audit


def test_training_is_doubted_by_the_crowd_and_tests_by_the_model(
    messy: FaceSet, without_yunet: None
) -> None:
    emotions = messy.words
    happy, sad = ANSWERS.index("happy"), ANSWERS.index("sad")
    table = {
        picture: np.eye(10, dtype=int)[ANSWERS.index(emotion)] * 10
        for picture, emotion in zip(messy.ids.tolist(), emotions.tolist(), strict=True)
    }
    training = [i for i in np.flatnonzero(messy.splits == "Training") if emotions[i] == "sad"]
    tests = [i for i in np.flatnonzero(messy.splits == "PublicTest") if emotions[i] == "sad"]
    for index, share in ((training[0], 9), (training[1], 6), (tests[0], 9)):
        row = np.zeros(10, int)
        row[happy], row[sad] = share, 10 - share
        table[messy.ids[index]] = row
    result = audit(messy, Votes(table))
    assert result.summary.crowd_doubts == 3

    certain = np.eye(7, dtype=np.float32)[messy.labels] * 0.6 + 0.4 / 7
    for index in (tests[0], training[2]):
        certain[index] = [0, 0, 0, 0.75, 0.25, 0, 0]
    predictions = said_always(
        messy.names,
        messy.splits,
        messy.labels,
        certain,
        FER7,
    )
    issues = find_label_issues(result, predictions)
    assert issues.positions.tolist() == [training[0], tests[0], training[1]]
    assert issues.margins == pytest.approx([0.8, 0.5, 0.2], abs=1e-6)
    assert issues.sources.tolist() == ["crowd", "model", "crowd"]
    assert issues.suggested.tolist() == ["happy"] * 3
    assert issues.agreed.all()
    assert len(find_label_issues(result)) == issues.likely == 2


def test_a_model_of_six_classes_doubts_its_own() -> None:
    """Its rows are not those of the audit, which has disgust too."""
    whole_audit = read_audit()
    assert whole_audit is not None
    rows = np.flatnonzero((whole_audit.splits == "PublicTest") & (whole_audit.emotions == "happy"))
    says_sad = np.eye(6, dtype=np.float32)[[FER6.labels.index("sad")] * len(rows)]
    labels = np.full(len(rows), FER6.labels.index("happy"))
    predictions = said_always(
        whole_audit.names[rows],
        whole_audit.splits[rows],
        labels,
        says_sad,
        FER6,
    )
    issues = find_label_issues(whole_audit, predictions)
    by_model = issues.sources == "model"
    assert np.array_equal(np.sort(issues.positions[by_model]), rows)
    assert (issues.margins[by_model] == 1).all()
    assert (np.diff(issues.margins) <= 0).all()
    assert (issues.margins > 0).all()
