"""What the tests of the audit and of the label issues look into."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes
from train.evaluation.audit import audit
from train.evaluation.records import Audit


@pytest.fixture(scope="session")
def whole_audit(whole_set: FaceSet, real_votes: Votes) -> Audit:
    """The audit of the whole data set; not to be changed."""
    return audit(whole_set, real_votes)


@pytest.fixture
def without_yunet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """YuNet is not to be had, so that no picture is looked at by it."""
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
