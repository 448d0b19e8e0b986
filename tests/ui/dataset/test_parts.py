from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from fer_core.labels import FER7
from fer_core.types import DetectedFace, FaceBox
from tests.said import said_always
from train.data.fer2013 import FaceSet
from train.evaluation.audit import audit
from train.evaluation.label_issues import LabelIssues
from train.evaluation.records import Audit, Features, Predictions
from train.training.augment import augment_face
from train.training.config import AugmentationConfig
from ui.dataset.audit import IDENTICAL, NEAR, as_csv, groups_to_show
from ui.dataset.augment import augmented_grid
from ui.dataset.map import feature_map, in_part, selected_positions
from ui.dataset.means import mean_faces
from ui.dataset.overview import balance_chart
from ui.dataset.pipeline import as_seen, draw_face, draw_frame_landmarks


@pytest.fixture
def doubles(tiny_set: FaceSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Audit:
    """The audit of the tiny set with three copies of one picture, one of them mislabelled."""
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "none.onnx"))
    faces = tiny_set.faces_gray.copy()
    training, public = (np.flatnonzero(tiny_set.splits == s) for s in ("Training", "PublicTest"))
    same = training[tiny_set.labels[training] == tiny_set.labels[public[0]]]
    other = training[tiny_set.labels[training] != tiny_set.labels[public[0]]]
    faces[[same[0], other[0]]] = faces[public[0]]
    faces[same[2]] = faces[same[1]]
    return audit(dataclasses.replace(tiny_set, faces_gray=faces))


def test_groups_begin_with_the_largest(doubles: Audit) -> None:
    groups = groups_to_show(doubles, IDENTICAL, across=False, conflicting=False)
    sizes = [len(group) for group in groups]
    assert sizes[:2] == [3, 2] and sizes == sorted(sizes, reverse=True)
    for group in groups:
        assert len(set(doubles.identical[group].tolist())) == 1
    assert sum(map(len, groups)) == (doubles.identical >= 0).sum()


@pytest.mark.parametrize(("across", "conflicting"), [(True, False), (False, True), (True, True)])
def test_groups_that_leak_or_conflict(doubles: Audit, across: bool, conflicting: bool) -> None:
    groups = groups_to_show(doubles, IDENTICAL, across=across, conflicting=conflicting)
    everything = groups_to_show(doubles, IDENTICAL, across=False, conflicting=False)
    kept = [group.tolist() for group in groups]
    for group in everything:
        leaks = len(set((doubles.splits[group] == "Training").tolist())) == 2
        conflicts = len(set(doubles.emotions[group].tolist())) > 1
        wanted = (leaks or not across) and (conflicts or not conflicting)
        assert (group.tolist() in kept) == wanted
    assert 0 < len(groups) < len(everything)


def test_no_groups(doubles: Audit) -> None:
    lonely = dataclasses.replace(doubles, near=np.full(len(doubles), -1))
    assert groups_to_show(lonely, NEAR, across=False, conflicting=False) == []


def test_findings_as_csv(doubles: Audit) -> None:
    issues = LabelIssues(
        np.array([5]), np.array(["fear"]), np.array([0.5]), np.array(["crowd"]), np.array([True])
    )
    rows = list(csv.DictReader(io.StringIO(as_csv(doubles, issues).decode())))
    assert rows[0]["name"] == doubles.names[5] and rows[0]["suggested"] == "fear"
    found = (doubles.near >= 0) | (doubles.no_face != "")
    assert len(rows) == len(set(np.flatnonzero(found).tolist()) | {5})


def test_mean_faces_are_numpys(tiny_set: FaceSet) -> None:
    means, spreads, counts = mean_faces(tiny_set, "Training")
    assert counts.tolist() == [24] * 7
    for label in range(7):
        own = tiny_set.faces_gray[(tiny_set.splits == "Training") & (tiny_set.labels == label)]
        assert means[label] == pytest.approx(own.mean(axis=0))
        assert spreads[label] == pytest.approx(own.std(axis=0), abs=1e-6)


def test_mean_faces_of_nothing(tiny_set: FaceSet) -> None:
    means, spreads, counts = mean_faces(tiny_set, "no such split")
    assert not means.any() and not spreads.any() and not counts.any()


def test_the_grid_is_what_training_makes(tiny_set: FaceSet) -> None:
    face = tiny_set.faces_gray[0]
    config = AugmentationConfig(rotation_deg=20, erase_probability=1.0)
    sheet = augmented_grid(face, config, seed=5)
    first = augment_face(face, config, np.random.default_rng(5), 48)
    # Enlarged twice by a smooth interpolation: every second pixel's mean is near the original.
    shown = sheet[2:98, 2:98].reshape(48, 2, 48, 2).mean(axis=(1, 3))
    assert np.abs(shown - first).mean() < 3
    assert not np.array_equal(sheet, augmented_grid(face, config, seed=6))
    assert np.array_equal(sheet, augmented_grid(face, config, seed=5))


def test_without_augmentation_all_copies_are_the_picture(tiny_set: FaceSet) -> None:
    sheet = augmented_grid(tiny_set.faces_gray[0], AugmentationConfig(), seed=0)
    side = 100
    cells = sheet.reshape(sheet.shape[0] // side, side, sheet.shape[1] // side, side)
    cells = cells.swapaxes(1, 2).reshape(-1, side, side)
    assert len(cells) == 24 and (cells == cells[0]).all()


def predictions(count: int) -> Predictions:
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.ones(7), count).astype(np.float32)
    splits = np.resize(np.array(["Training", "PublicTest", "PrivateTest"]), count)
    names = np.array([f"{split}_{number}" for number, split in enumerate(splits)])
    labels = np.resize(np.arange(7), count)
    return said_always(names, splits, labels, rows, FER7)


@pytest.mark.parametrize(("part", "share"), [("test", 2 / 3), ("Training", 1 / 3), ("all", 1)])
def test_parts_of_the_map(part: str, share: float) -> None:
    said = predictions(30)
    positions = in_part(said, part)
    assert len(positions) == 30 * share
    if part != "all":
        assert ((said.splits[positions] == "Training") == (part == "Training")).all()


@pytest.mark.parametrize("coloring", ["label", "predicted", "result"])
def test_every_point_of_the_map_is_a_picture(coloring: str) -> None:
    said = predictions(30)
    places = np.random.default_rng(2).normal(size=(30, 2)).astype(np.float32)
    features = Features(said.names, places, np.zeros((30, 8), np.int64), np.zeros((30, 8)))
    positions = in_part(said, "test")
    figure = feature_map(said, features, positions, coloring)
    drawn = np.concatenate([trace.customdata for trace in figure.data])
    assert sorted(drawn.tolist()) == positions.tolist()
    emotions = np.array(said.class_set.labels)
    predicted = emotions[said.verdicts().predicted]
    right = np.where(predicted == emotions[said.labels], "right", "wrong")
    values = {"label": emotions[said.labels], "predicted": predicted, "result": right}[coloring]
    for trace in figure.data:
        own = trace.customdata
        assert np.array_equal(trace.x, places[own, 0]) and np.array_equal(trace.y, places[own, 1])
        assert all(trace.name.startswith(value.capitalize()) for value in values[own])


@pytest.mark.parametrize("data", [7, [7], {"0": 7}, [[7]]])
def test_selected_points_in_every_form_that_browsers_send(data: object) -> None:
    assert selected_positions([{"customdata": data}, {"customdata": 3}]) == [3, 7]
    assert selected_positions([]) == []


def test_drawing_a_face_changes_no_picture() -> None:
    image = np.full((200, 300, 3), 80, np.uint8)
    points = np.array([[np.nan, np.nan], [150, 90], [140, 110], [120, 130], [160, 130]])
    face = DetectedFace(FaceBox(100, 50, 180, 160), 0.9, points.astype(np.float32))
    drawn = draw_face(image, face)
    assert (image == 80).all()
    assert (drawn[50, 120:160] != 80).any() and (drawn[90, 150] != 80).any()
    without = draw_face(image, DetectedFace(FaceBox(-20, -5, 400, 160), 0.9))
    assert without.shape == image.shape and (without != 80).any()


def test_landmarks_are_drawn_where_the_frame_has_them() -> None:
    for side in (48, 96, 288):
        drawn = draw_frame_landmarks(np.zeros((side, side), np.uint8))
        assert drawn.shape == (240, 240, 3)
        marked = np.argwhere(drawn[..., 1] > 100)
        # The mouth's left corner, five times as large as in the 48 pixels of the frame.
        assert np.abs(marked - [35.4 * 5, 16.5 * 5]).sum(axis=1).min() <= 2


def test_the_networks_input_as_greys() -> None:
    values = np.array([[-9.0, -2.5, 0.0, 2.5, 9.0]], np.float32)
    assert as_seen(values).tolist() == [[0, 0, 127, 255, 255]]


@pytest.mark.parametrize("shares", [False, True])
def test_balance_chart(shares: bool) -> None:
    counts = {"Training": np.array([10, 0, 30, 20, 20, 10, 10]), "PublicTest": np.zeros(7, int)}
    first, second = balance_chart(counts, shares=shares).data
    assert first.y.sum() == pytest.approx(1 if shares else 100)
    assert not np.asarray(second.y).any()
