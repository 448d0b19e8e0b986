from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from tests.said import said_always
from train.data.fer2013 import FaceSet
from train.evaluation.audit import audit
from train.evaluation.records import Audit, Features, Predictions
from ui.dataset.filters import RIGHT, WRONG, Filters, ordered, select
from ui.dataset.rows import (
    PictureRows,
    class_counts,
    neighbours_of,
    picture_rows,
)


@pytest.fixture(scope="module")
def audited(tiny_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit of the tiny set, with votes that were made up for its first pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_YUNET", str(tmp_path_factory.mktemp("no") / "none.onnx"))
        found = audit(tiny_set)
    emotions, shares = found.crowd_emotion.astype("<U8"), found.crowd_share.copy()
    emotions[:3] = found.emotions[0], "fear" if found.emotions[1] != "fear" else "sad", ""
    shares[:3] = 0.9, 0.6, 0.4
    return dataclasses.replace(found, crowd_emotion=emotions, crowd_share=shares)


def said(dataset: FaceSet, class_set=FER7) -> Predictions:
    """Made-up predictions: the label with 0.6, 0.7 or 0.8, every fifth time something else."""
    faces = dataset.as_classes(class_set)
    count, labels = len(faces), faces.labels.copy()
    labels[::5] = (labels[::5] + 1) % len(class_set)
    best = np.resize(np.array([0.6, 0.7, 0.8], np.float32), count)
    rows = np.repeat(((1 - best) / (len(class_set) - 1))[:, None], len(class_set), axis=1)
    rows[np.arange(count), labels] = best
    return said_always(faces.names, faces.splits, faces.labels, rows, class_set)


@pytest.fixture(scope="module")
def rows(tiny_set: FaceSet, audited: Audit) -> PictureRows:
    models = {"fer7": said(tiny_set), "fer6": said(tiny_set, FER6)}
    return picture_rows(tiny_set, audited, models)


def test_rows_of_a_data_set(rows: PictureRows, tiny_set: FaceSet) -> None:
    assert len(rows) == len(tiny_set)
    assert (rows.ids == tiny_set.ids).all()
    assert (rows.audited == np.arange(len(tiny_set))).all()
    six = rows.opinions["fer6"]
    assert ((six.said == "") == (rows.emotions == "disgust")).all()
    assert (np.isnan(six.confidence) == (rows.emotions == "disgust")).all()


def test_rows_without_a_data_set(tiny_set: FaceSet, audited: Audit) -> None:
    models = {"fer6": said(tiny_set, FER6), "fer7": said(tiny_set)}
    by_audit = picture_rows(None, audited, models)
    assert (by_audit.ids == audited.ids).all()
    by_model = picture_rows(None, None, models)
    assert len(by_model) == len(tiny_set), "the model that knows the most pictures"
    assert len(picture_rows(None, None, {})) == 0


def test_what_is_stored_in_another_order_finds_its_picture(
    tiny_set: FaceSet, audited: Audit
) -> None:
    order = np.random.default_rng(0).permutation(len(tiny_set))[: len(tiny_set) // 2]
    part = tiny_set.where(order)
    found = picture_rows(part, audited, {"fer7": said(tiny_set)})
    assert (audited.ids[found.audited] == found.ids).all()
    assert (audited.emotions[found.audited] == found.emotions).all()
    whole = picture_rows(tiny_set, audited, {"fer7": said(tiny_set)}).opinions["fer7"]
    assert np.array_equal(found.opinions["fer7"].probabilities, whole.probabilities[order])


def test_one_name_with_two_labels_is_two_pictures(tiny_set: FaceSet) -> None:
    twice = tiny_set.where(np.array([0, np.flatnonzero(tiny_set.labels != tiny_set.labels[0])[0]]))
    twice = dataclasses.replace(twice, names=np.array(["Training_1", "Training_1"]))
    found = picture_rows(twice, None, {"fer7": said(twice)})
    assert found.index.positions_of(found.ids).tolist() == [0, 1]


def test_no_filter_lets_all_through(rows: PictureRows, audited: Audit) -> None:
    assert len(select(rows, audited, "fer7", Filters())) == len(rows)


def test_by_split_and_label(rows: PictureRows, audited: Audit) -> None:
    filters = Filters(splits=("PublicTest",), emotions=("sad", "fear"))
    chosen = select(rows, audited, "fer7", filters)
    assert len(chosen) == 16
    assert set(rows.splits[chosen]) == {"PublicTest"}
    assert set(rows.emotions[chosen]) == {"sad", "fear"}


def test_right_and_wrong_are_what_the_model_knows(rows: PictureRows, audited: Audit) -> None:
    opinion = rows.opinions["fer6"]
    right, wrong = (
        select(rows, audited, "fer6", Filters(result=result)) for result in (RIGHT, WRONG)
    )
    assert len(right) + len(wrong) == (rows.emotions != "disgust").sum()
    assert (opinion.said[right] == rows.emotions[right]).all()
    assert (opinion.said[wrong] != rows.emotions[wrong]).all() and len(wrong)


def test_by_what_the_model_says(rows: PictureRows, audited: Audit) -> None:
    filters = Filters(predicted=("happy",), confidence=(0.65, 0.75))
    chosen = select(rows, audited, "fer7", filters)
    opinion = rows.opinions["fer7"]
    assert len(chosen)
    assert set(opinion.said[chosen]) == {"happy"}
    assert opinion.confidence[chosen] == pytest.approx(0.7)
    assert len(select(rows, audited, None, filters)) == 0


def test_the_ends_of_a_slider_belong_to_it(rows: PictureRows, audited: Audit) -> None:
    at_most = select(rows, audited, "fer7", Filters(confidence=(0.0, 0.7)))
    at_least = select(rows, audited, "fer7", Filters(confidence=(0.7, 1.0)))
    middle = (rows.opinions["fer7"].confidence == np.float32(0.7)).sum()
    assert len(at_most) + len(at_least) == len(rows) + middle


def test_by_the_crowd(rows: PictureRows, audited: Audit) -> None:
    def chosen(**filters) -> list[int]:
        return select(rows, audited, "fer7", Filters(**filters)).tolist()

    assert chosen(crowd_says="label") == [0]
    assert chosen(crowd_says="other") == [1]
    assert chosen(crowd_says="none") == list(range(2, len(rows)))
    assert chosen(crowd=(0.5, 1.0)) == [0, 1], "without votes there is no agreement"


def test_by_quality(rows: PictureRows, audited: Audit) -> None:
    bounds = {"brightness": (0.0, 100.0), "sharpness": (100.0, float("inf"))}
    chosen = select(rows, audited, "fer7", Filters(measures=bounds))
    expected = (audited.brightness <= 100) & (audited.sharpness >= 100)
    assert np.array_equal(chosen, np.flatnonzero(expected)) and len(chosen)
    assert len(select(rows, None, "fer7", Filters(measures=bounds))) == 0


@pytest.mark.parametrize(
    ("finding", "field"), [("duplicates", "near"), ("leaks", "near_leaked"), ("no face", "no_face")]
)
def test_by_findings(rows: PictureRows, audited: Audit, finding: str, field: str) -> None:
    values = getattr(audited, field).copy()
    values[[4, 7]] = {"near": 0, "near_leaked": True, "no_face": "blank"}[field]
    changed = dataclasses.replace(audited, **{field: values})
    nothing = {"near": -1, "near_leaked": False, "no_face": ""}[field]
    chosen = select(rows, changed, "fer7", Filters(only=finding))
    assert np.array_equal(chosen, np.flatnonzero(values != nothing)) and {4, 7} <= set(chosen)


def test_pictures_that_were_not_audited_pass_no_such_filter(
    tiny_set: FaceSet, audited: Audit
) -> None:
    half = {
        field: getattr(audited, field)[: len(audited) // 2]
        for field in Audit.__slots__
        if field != "summary"
    }
    known = Audit(**half, summary=audited.summary)
    rows = picture_rows(tiny_set, known, {})
    chosen = select(rows, known, None, Filters(measures={"brightness": (0.0, 255.0)}))
    assert chosen.tolist() == list(range(len(known)))
    by_contrast = ordered(rows, np.arange(len(rows)), known, None, "contrast")
    assert set(by_contrast[: len(known)]) == set(range(len(known))), "unknown ones come last"


@pytest.mark.parametrize("order", ["confidence", "doubt"])
def test_order_by_confidence(rows: PictureRows, audited: Audit, order: str) -> None:
    sorted_rows = ordered(rows, np.arange(len(rows)), audited, "fer6", order)
    values = rows.opinions["fer6"].confidence[sorted_rows]
    known = values[~np.isnan(values)]
    assert np.isnan(values[len(known) :]).all()
    assert (np.diff(known) <= 0).all() if order == "confidence" else (np.diff(known) >= 0).all()


def test_order_keeps_equal_ones_in_place(rows: PictureRows, audited: Audit) -> None:
    sorted_rows = ordered(rows, np.arange(len(rows)), audited, "fer7", "confidence")
    best = rows.opinions["fer7"].confidence == np.float32(0.8)
    assert (sorted_rows[: best.sum()] == np.flatnonzero(best)).all()


def test_order_by_what_is_not_known_changes_nothing(rows: PictureRows) -> None:
    chosen = np.array([5, 3, 8])
    for order in ("sharpness", "votes"):
        assert ordered(rows, chosen, None, "fer7", order).tolist() == [5, 3, 8]
    assert ordered(rows, chosen, None, None, "confidence").tolist() == [5, 3, 8]


def test_neighbours_are_rows(rows: PictureRows, tiny_set: FaceSet) -> None:
    six = said(tiny_set, FER6)
    count = len(six)
    neighbours = np.stack([(np.arange(count) + step) % count for step in range(1, 9)], axis=1)
    similarities = np.tile(np.linspace(0.9, 0.2, 8, dtype=np.float32), (count, 1))
    features = Features(six.names, np.zeros((count, 2), np.float32), neighbours, similarities)
    places = rows.index.positions_of(six.ids)
    found, values = neighbours_of(int(places[2]), places, features)
    assert found.tolist() == places[3:11].tolist()
    assert values.tolist() == similarities[0].tolist()
    disgust = int(np.flatnonzero(rows.emotions == "disgust")[0])
    assert len(neighbours_of(disgust, places, features)[0]) == 0


def test_class_counts(rows: PictureRows) -> None:
    assert class_counts(rows.splits, rows.emotions, FER7.labels, "Training").tolist() == [24] * 7
    assert class_counts(rows.splits, rows.emotions, FER7.labels, "none").tolist() == [0] * 7
