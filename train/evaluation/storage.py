"""Reading and writing what was found out about a model and about the data set; without Keras.

``python -m train explore`` and ``parity --save`` write beside every model, and ``audit --save`` in
``assets/fer2013``:

* ``predictions.parquet``, what the model says of every picture,
* ``features.parquet``, where the network puts every picture, and its neighbours there,
* ``robustness.json``, accuracy on spoilt pictures,
* ``architecture.json``, the network layer by layer,
* ``crowd.json``, agreement with FER+, where its votes were given,
* ``parity.json``, what finding and aligning a face costs,
* ``wild.json``, ordinary photos, where ``wild --save`` measured them,
* ``audit.parquet``, what is wrong with the data set.

They hold names and numbers, no pictures. A model's files say which network, temperatures and
mixture they were measured with; after another export, calibration or mixture they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from fer_core.classifier import CONFIG_FILE, LABELS_FILE, TFLITE_FILE, read_model_json
from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.errors import TableError
from train.evaluation.parquet import read_table, write_table
from train.evaluation.records import (
    Architecture,
    Audit,
    AuditSummary,
    Crowd,
    Features,
    ParityTable,
    Predictions,
    Robustness,
    Wild,
)
from train.files import write_json

# What is stored beside a model, and in which file.
RECORD_FILES: dict[type[Any], str] = {
    Predictions: "predictions.parquet",
    Features: "features.parquet",
    Robustness: "robustness.json",
    Architecture: "architecture.json",
    Crowd: "crowd.json",
    ParityTable: "parity.json",
    Wild: "wild.json",
}
AUDIT_FILE = "audit.parquet"
AUDIT_DIR = Path(__file__).resolve().parents[2] / "assets" / "fer2013"
_NEIGHBOUR, _SIMILARITY = "neighbour_", "similarity_"
# What the columns of each reading begin with, and those of the crowd's answers.
_WAYS = {
    (LABELS, ONE_VIEW): "p_",
    (LABELS, FLIP): "f_",
    (LABELS, CROPS): "c_",
    (PEOPLE, FLIP): "people_",
}
_VOTES = "votes_"
_MEASURED_WITH = "measured_with"

Columns = Mapping[str, NDArray[Any]]
Record = TypeVar("Record")


class MissingRecord(ModelError):
    """What is asked for was not measured yet; the message says which command does it."""


def write_record(folder: Path, record: Any) -> Path:
    """Store what was found out about a model, stamped with what it was measured with.

    Args:
        folder: The model's, such as ``MODELS_DIR / "fer7"``.
        record: Of a type in ``RECORD_FILES``.

    Returns:
        The file.

    Raises:
        ModelError: The folder has no usable configuration.
    """
    file = folder / RECORD_FILES[type(record)]
    if type(record) in _TABLES:
        to_columns, _ = _TABLES[type(record)]
        write_table(file, to_columns(record), _measured_with(folder))
    else:
        write_json(file, {_MEASURED_WITH: _measured_with(folder), **asdict(record)})
    return file


def read_record(folder: Path, kind: type[Record]) -> Record:
    """Read what was found out about a model.

    Args:
        folder: The model's, such as ``MODELS_DIR / "fer7"``.
        kind: A type in ``RECORD_FILES``.

    Raises:
        MissingRecord: It was not measured yet.
        ModelError: The file is damaged, or of another network, temperature or mixture.
    """
    name = RECORD_FILES[kind]
    if not (folder / name).exists():
        raise MissingRecord(
            f"The model '{folder.name}' has no {name} yet; `python -m train explore "
            f"{folder.name}` writes it."
        )
    try:
        if kind in _TABLES:
            content, measured_with = read_table(folder / name)
        else:
            content = read_model_json(folder, name)
            measured_with = content.pop(_MEASURED_WITH)
        _check_current(folder, name, measured_with)
        if kind not in _TABLES:
            return TypeAdapter(kind).validate_python(content)
        _, from_columns = _TABLES[kind]
        record: Record = from_columns(content, folder)
        return record
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(folder, name) from error


def _columns_of_predictions(predictions: Predictions) -> dict[str, NDArray[Any]]:
    # In float32: in float16 two of a picture's probabilities can become equal, and its most
    # probable class another one.
    columns: dict[str, NDArray[Any]] = {
        "name": predictions.names,
        "split": predictions.splits,
        "label": predictions.words,
        "leaked": predictions.leaked,
        "crowd": predictions.crowd,
    }
    for way, rows in predictions.probabilities.items():
        for index, emotion in enumerate(predictions.class_set.labels):
            columns[_WAYS[way] + emotion] = rows[:, index]
    for index, answer in enumerate(predictions.answers):
        columns[_VOTES + answer] = predictions.votes[:, index]
    return columns


def _predictions_of(columns: Columns, folder: Path) -> Predictions:
    known = _class_set(folder)
    position = {label: index for index, label in enumerate(known.labels)}
    answers = [name.removeprefix(_VOTES) for name in columns if name.startswith(_VOTES)]
    ways = {way: prefix for way, prefix in _WAYS.items() if answers or way[0] == LABELS}
    return Predictions(
        columns["name"],
        columns["split"],
        np.array([position[label] for label in columns["label"].tolist()], np.int64),
        columns["leaked"],
        columns["crowd"],
        {
            way: _stacked(columns, [prefix + label for label in known.labels])
            for way, prefix in ways.items()
        },
        _stacked(columns, [_VOTES + answer for answer in answers])
        if answers
        else np.empty((len(columns["name"]), 0), np.float32),
        tuple(answers),
        known,
    )


def _columns_of_features(features: Features) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        "name": features.names,
        "x": features.map_xy[:, 0],
        "y": features.map_xy[:, 1],
    }
    for index in range(features.neighbours.shape[1]):
        columns[f"{_NEIGHBOUR}{index}"] = features.neighbours[:, index].astype(np.int32)
        # To three digits, which is all that a reader wants of a similarity.
        columns[f"{_SIMILARITY}{index}"] = features.similarities[:, index].astype(np.float16)
    return columns


def _features_of(columns: Columns, folder: Path) -> Features:
    count = sum(name.startswith(_NEIGHBOUR) for name in columns)
    neighbours = [columns[f"{_NEIGHBOUR}{index}"] for index in range(count)]
    return Features(
        columns["name"],
        _stacked(columns, ["x", "y"]),
        np.stack(neighbours, axis=1).astype(np.int64),
        _stacked(columns, [f"{_SIMILARITY}{index}" for index in range(count)]),
    )


# The records with a row per picture: to columns, and back, in the class set of the folder's model.
_TABLES: dict[
    type[Any], tuple[Callable[[Any], dict[str, NDArray[Any]]], Callable[[Columns, Path], Any]]
] = {
    Predictions: (_columns_of_predictions, _predictions_of),
    Features: (_columns_of_features, _features_of),
}


def write_audit(audit: Audit, folder: Path = AUDIT_DIR) -> Path:
    """Store an audit of the data set, and return the file."""
    columns = {_name_of(field): getattr(audit, field) for field in _AUDIT_COLUMNS}
    write_table(folder / AUDIT_FILE, columns, asdict(audit.summary))
    return folder / AUDIT_FILE


def read_audit(folder: Path = AUDIT_DIR) -> Audit | None:
    """Read the stored audit of the data set; None where there is none.

    Raises:
        TableError: The file is damaged.
    """
    try:
        columns, about = read_table(folder / AUDIT_FILE)
        summary = TypeAdapter(AuditSummary).validate_python(about)
        return Audit(**{f: columns[_name_of(f)] for f in _AUDIT_COLUMNS}, summary=summary)
    except FileNotFoundError:
        return None
    except (KeyError, ValidationError) as error:
        raise TableError(f"{AUDIT_FILE} is damaged; run `python -m train audit --save`.") from error


_AUDIT_COLUMNS = tuple(field for field in Audit.__slots__ if field != "summary")


def _name_of(field: str) -> str:
    return {"names": "name", "splits": "split", "emotions": "label"}.get(field, field)


def _stacked(columns: Columns, names: list[str]) -> NDArray[np.float32]:
    return np.stack([columns[name] for name in names], axis=1).astype(np.float32)


def _class_set(folder: Path) -> ClassSet:
    labels = read_model_json(folder, LABELS_FILE)
    for known in CLASS_SETS.values():
        if labels == list(known.labels):
            return known
    raise ModelError(f"The labels of the model '{folder.name}' are those of no class set.")


def _measured_with(folder: Path) -> dict[str, Any]:
    """Return what the probabilities depend on, from the model's configuration."""
    config = read_model_json(folder, CONFIG_FILE)
    try:
        return {
            "sha256": config["sha256"][TFLITE_FILE],
            "temperature": config["temperature"],
            "mixture": config["mixture"],
        }
    except (KeyError, TypeError) as error:
        raise _damaged(folder, CONFIG_FILE) from error


def _check_current(folder: Path, name: str, measured_with: Any) -> None:
    if measured_with != _measured_with(folder):
        raise ModelError(
            f"{name} of the model '{folder.name}' was measured before its last export, "
            f"calibration or mixture; run `python -m train explore {folder.name}` again."
        )


def _damaged(folder: Path, name: str) -> ModelError:
    return ModelError(
        f"{name} of the model '{folder.name}' is damaged; run `python -m train explore "
        f"{folder.name}` again."
    )
