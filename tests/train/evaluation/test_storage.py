from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.errors import ModelError
from fer_core.labels import FER7
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.ferplus import ANSWERS
from train.errors import TableError
from train.evaluation import storage
from train.evaluation.records import (
    Architecture,
    Audit,
    AuditSummary,
    Crowd,
    CrowdRow,
    Features,
    LayerRow,
    MixtureRow,
    Predictions,
    Recall,
    Robustness,
    RobustnessRow,
    Wild,
    WildFigures,
    WildReading,
)

ROW = RobustnessRow("blur", 1.5, 0.6, 0.5, 0.7, 0.1, 0.2)
ROBUSTNESS = Robustness("PublicTest", 10, 0, dataclasses.replace(ROW, kind="none"), (ROW, ROW))
ARCHITECTURE = Architecture((LayerRow("a", "Conv2D", ("b", "c"), (4, 4, 8), 5, 6, "3×3"),), 5, 6)
CROWD = Crowd(7, 1, 2, (CrowdRow(0.5, 0.6, 7, 0.1, 0.2, 0.3, 0.4), CrowdRow(0.6, 1, 1, 1, 0, 1)))
FIGURES = WildFigures(0.8, (0.7, 0.9), 0.6, {"happy": Recall(9, 0.8, (0.7, 0.9))})
WILD = Wild(
    "yunet", 9, 8, (WildReading("people", FIGURES, {"F": FIGURES}),),
    (MixtureRow(0.5, 0.7, 0.6, 0.5, None),),
)  # fmt: skip


def predictions(count: int = 30) -> Predictions:
    rng = np.random.default_rng(0)
    splits = np.array(["PrivateTest", "PublicTest", "Training"])[np.arange(count) * 3 // count]
    ways = [(LABELS, ONE_VIEW), (LABELS, FLIP), (LABELS, CROPS), (PEOPLE, FLIP)]
    read = {way: rng.dirichlet(np.ones(7), count).astype(np.float32) for way in ways}
    votes = rng.dirichlet(np.ones(8), count).astype(np.float32)
    for rows in (*(read[way] for way in ways[1:]), votes):
        rows[splits == "Training"] = np.nan
    crowd = np.array(["", "contempt", "happy", "sad", "neutral"])[np.arange(count) % 5]
    names = np.array([f"{split}_{index}" for index, split in enumerate(splits)])
    leaked = (splits != "Training") & (np.arange(count) % 4 == 0)
    labels = rng.integers(0, 7, count)
    return Predictions(names, splits, labels, leaked, crowd, read, votes, ANSWERS[:8], FER7)


def features(count: int = 30) -> Features:
    rng = np.random.default_rng(1)
    return Features(
        predictions(count).names,
        rng.normal(0, 40, (count, 2)).astype(np.float32),
        rng.integers(0, count, (count, 8)),
        rng.random((count, 8)).astype(np.float32),
    )


def audit(count: int = 6) -> Audit:
    text = np.array(["", "blank", "crowd"] * (count // 3))
    numbers = np.arange(count)
    floats = numbers.astype(np.float32)
    summary = AuditSummary(*range(14), methods={"near": "Ähnlich."})
    return Audit(
        text, text, text, numbers, numbers - 1, numbers > 2, floats, floats, floats, text, text,
        np.full(count, np.nan, np.float32), floats, summary,
    )  # fmt: skip


def same(left: Any, right: Any) -> None:
    for field in dataclasses.fields(left):
        one, two = getattr(left, field.name), getattr(right, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype.kind == two.dtype.kind, field.name
            np.testing.assert_array_equal(one, two, field.name)
        elif field.name == "probabilities":
            np.testing.assert_equal(one, two, field.name)
        else:
            assert one == two, field.name


@pytest.fixture
def folder(models_dir: Path) -> Path:
    return models_dir / "fer7"


def test_predictions_come_back_to_the_last_bit(folder: Path) -> None:
    storage.write_record(folder, predictions())
    back = storage.read_record(folder, Predictions)
    same(predictions(), back)
    assert {rows.dtype for rows in back.probabilities.values()} == {np.dtype(np.float32)}
    assert back.labels.dtype == np.int64


def test_the_parts_of_predictions() -> None:
    whole = predictions()
    assert len(whole) == 30
    assert len(whole.split("test")) == 20
    assert set(whole.split("PublicTest").splits.tolist()) == {"PublicTest"}
    assert whole.where(whole.leaked).leaked.all()
    assert whole.probabilities[LABELS, ONE_VIEW] is whole.verdicts().probabilities
    assert not np.isnan(whole.split("test").verdicts(CROPS).probabilities).any()
    assert not np.isnan(whole.split("test").votes).any()


def test_the_peoples_reading_is_held_against_the_crowd() -> None:
    whole = predictions()
    said = whole.people_verdicts()
    decided = np.isin(whole.crowd, ["happy", "sad", "neutral"])
    assert said.words.tolist() == whole.crowd[decided].tolist()
    assert said.ids.tolist() == whole.ids[decided].tolist()
    np.testing.assert_array_equal(said.probabilities, whole.probabilities[PEOPLE, FLIP][decided])
    assert said.where(np.array([2])).ids.tolist() == [whole.ids[decided][2]]


def test_predictions_of_a_model_without_the_peoples_reading(folder: Path) -> None:
    whole = predictions()
    ways = {way: rows for way, rows in whole.probabilities.items() if way[0] == LABELS}
    lone = dataclasses.replace(
        whole, probabilities=ways, votes=np.empty((30, 0), np.float32), answers=()
    )
    storage.write_record(folder, lone)
    same(lone, storage.read_record(folder, Predictions))


def test_features_come_back(folder: Path) -> None:
    storage.write_record(folder, features())
    back = storage.read_record(folder, Features)
    np.testing.assert_allclose(back.similarities, features().similarities, atol=1e-3)
    same(dataclasses.replace(features(), similarities=back.similarities), back)
    assert len(back) == 30


def test_records_come_back(folder: Path) -> None:
    storage.write_record(folder, ROBUSTNESS)
    storage.write_record(folder, ARCHITECTURE)
    storage.write_record(folder, CROWD)
    storage.write_record(folder, WILD)
    assert storage.read_record(folder, Robustness) == ROBUSTNESS
    assert storage.read_record(folder, Architecture) == ARCHITECTURE
    assert storage.read_record(folder, Crowd) == CROWD
    assert storage.read_record(folder, Wild) == WILD


def test_an_audit_comes_back(tmp_path: Path) -> None:
    path = storage.write_audit(audit(), tmp_path / "new")
    assert path.is_file()
    back = storage.read_audit(tmp_path / "new")
    assert back is not None
    same(audit(), back)


RECORDS = {
    "predictions.parquet": predictions(),
    "features.parquet": features(),
    "robustness.json": ROBUSTNESS,
    "architecture.json": ARCHITECTURE,
    "crowd.json": CROWD,
    "wild.json": WILD,
}


def read(folder: Path, name: str) -> Any:
    return storage.read_record(folder, type(RECORDS[name]))


@pytest.mark.parametrize("name", RECORDS)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    with pytest.raises(storage.MissingRecord, match=f"no {name} yet.*train explore fer7"):
        read(folder, name)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("change", ["temperature", "sha256", "mixture"])
def test_a_file_of_another_network_is_refused(folder: Path, name: str, change: str) -> None:
    assert storage.write_record(folder, RECORDS[name]) == folder / name
    read(folder, name)
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config[change] = {
        "temperature": {"labels": 1.7, "people": 1.0},
        "sha256": {"model.tflite": "other"},
        "mixture": 0.3,
    }[change]
    file.write_text(json.dumps(config))
    with pytest.raises(ModelError, match="before its last export"):
        read(folder, name)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"PAR1 cut off", b"\xff\xfe{"])
def test_a_damaged_file_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"damaged|{name}"):
        read(folder, name)


@pytest.mark.parametrize("name", RECORDS)
def test_a_cut_off_file_is_named(folder: Path, name: str) -> None:
    assert storage.write_record(folder, RECORDS[name]) == folder / name
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged"):
        read(folder, name)


@pytest.mark.parametrize("name", ["predictions.parquet", "features.parquet"])
def test_a_table_of_something_else_is_refused(folder: Path, name: str) -> None:
    from train.evaluation.parquet import write_table

    measured_with = storage._measured_with(folder)
    write_table(folder / name, {"name": np.array(["a"])}, measured_with)
    with pytest.raises(ModelError, match="damaged"):
        read(folder, name)


def test_a_damaged_audit_is_named(tmp_path: Path) -> None:
    assert storage.read_audit(tmp_path) is None
    storage.write_audit(audit(), tmp_path)
    file = tmp_path / storage.AUDIT_FILE
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(TableError, match=r"audit\.parquet"):
        storage.read_audit(tmp_path)
