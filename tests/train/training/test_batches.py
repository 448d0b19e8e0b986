from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fer_core import classifier
from fer_core.preprocessing import normalize_faces
from train.data.fer2013 import FaceSet
from train.training import batches
from train.training.batches import FaceBatches
from train.training.config import TrainConfig
from train.training.samples import samples_of

pytestmark = pytest.mark.training


@pytest.fixture
def training(tiny_set: FaceSet) -> FaceSet:
    return tiny_set.split("Training")


def batches_of(training: FaceSet, run: dict[str, Any], first_epoch: int = 0) -> FaceBatches:
    return FaceBatches(samples_of(training), TrainConfig.model_validate(run), first_epoch)


def test_serving_prepares_faces_as_training_does() -> None:
    assert batches.normalize_faces is normalize_faces
    assert classifier.normalize_faces is normalize_faces


def test_training_preprocesses_as_serving_does(training: FaceSet, tiny_run: dict[str, Any]) -> None:
    tiny_run["augmentation"] = {}
    inputs, targets = batches_of(training, tiny_run)[1]
    served = normalize_faces(training.faces_gray)
    positions = [int(np.flatnonzero((served == face).all(axis=(1, 2, 3)))[0]) for face in inputs]
    assert inputs.dtype == np.float32
    assert inputs.shape == (32, 48, 48, 1)
    assert np.array_equal(targets.argmax(axis=1), training.labels[positions])
    assert (targets.sum(axis=1) == 1).all()


def test_every_picture_comes_once_an_epoch(training: FaceSet, tiny_run: dict[str, Any]) -> None:
    tiny_run["augmentation"] = {}
    batches = batches_of(training, tiny_run)
    assert len(batches) == len(training) // 32
    seen = [face.tobytes() for index in range(len(batches)) for face in batches[index][0]]
    known = [face.tobytes() for face in normalize_faces(training.faces_gray)]
    assert len(set(seen)) > 0.95 * len(seen)
    assert all(seen.count(face) <= known.count(face) for face in set(seen))


def test_a_resumed_stream_is_the_one_that_was_left(
    training: FaceSet, tiny_run: dict[str, Any]
) -> None:
    through, resumed = batches_of(training, tiny_run), batches_of(training, tiny_run, first_epoch=1)
    first = through[0]
    through.begin_epoch(1)
    assert not np.array_equal(through[0][0], first[0])
    for index in (2, 0):
        for left, right in zip(through[index], resumed[index], strict=True):
            assert np.array_equal(left, right)


def test_another_seed_gives_other_batches(training: FaceSet, tiny_run: dict[str, Any]) -> None:
    one = batches_of(training, tiny_run)[0][0]
    two = batches_of(training, {**tiny_run, "seed": 4})[0][0]
    assert not np.array_equal(one, two)


def test_the_pictures_grow_with_the_phases(training: FaceSet, tiny_run: dict[str, Any]) -> None:
    tiny_run["sizes"] = [{"start": 0.0, "size": 32}, {"start": 0.75, "size": 48}]
    batches = batches_of(training, tiny_run)
    sides = []
    for epoch in range(4):
        batches.begin_epoch(epoch)
        sides.append(batches[0][0].shape[1])
    assert sides == [32, 32, 48, 48]


def test_a_set_smaller_than_a_batch_is_one_batch(
    training: FaceSet, tiny_run: dict[str, Any]
) -> None:
    batches = batches_of(training.where(np.arange(5)), tiny_run)
    assert len(batches) == 1
    assert batches[0][0].shape == (5, 48, 48, 1)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_pictures_is_framed(
    training: FaceSet, tiny_run: dict[str, Any], share: float
) -> None:
    tiny_run |= {"framed_share": share, "batch_size": len(training)}
    tiny_run["augmentation"] = {}
    config = TrainConfig.model_validate(tiny_run)
    # A gradient, which no picture is; the first picture has no crop.
    crop = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48) // 10
    framed: list[list[np.ndarray]] = [[crop.astype(np.uint8)] for _ in range(len(training))]
    framed[0] = []
    batches = FaceBatches(replace(samples_of(training), framed_gray=framed), config)
    faces, _ = batches[0]
    shown = np.isclose(faces, normalize_faces([crop.astype(np.uint8)])).all(axis=(1, 2, 3)).sum()
    assert {0.0: shown == 0, 0.5: 0 < shown < len(faces) - 1, 1.0: shown == len(faces) - 1}[share]
