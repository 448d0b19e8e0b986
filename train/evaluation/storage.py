"""Reading and writing what was found out about a model and about the data set; without Keras.

``python -m train explore`` writes beside every model, and ``python -m train audit --save`` in
``assets/fer2013``:

* ``predictions.parquet``, what the model says of every picture,
* ``features.parquet``, where the network puts every picture, and its neighbours there,
* ``robustness.json``, accuracy on spoilt pictures,
* ``architecture.json``, the network layer by layer,
* ``crowd.json``, agreement with FER+, where its votes were given,
* ``audit.parquet``, what is wrong with the data set.

They hold names and numbers, no pictures. A model's files say which network and temperature they
were measured with; after another export or calibration they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from fer_core.classifier import CONFIG_FILE, LABELS_FILE, TFLITE_FILE, read_model_json
from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import FaceSet
from train.errors import TableError
from train.evaluation.parquet import read_table, write_table
from train.evaluation.records import (
    Architecture,
    Audit,
    AuditSummary,
    Crowd,
    Features,
    Predictions,
    Robustness,
)
from train.files import write_json

PREDICTIONS_FILE, FEATURES_FILE = "predictions.parquet", "features.parquet"
ROBUSTNESS_FILE, ARCHITECTURE_FILE = "robustness.json", "architecture.json"
CROWD_FILE, AUDIT_FILE = "crowd.json", "audit.parquet"
AUDIT_DIR = Path(__file__).resolve().parents[2] / "assets" / "fer2013"
_NEIGHBOUR, _SIMILARITY = "neighbour_", "similarity_"
_VIEWS = {ONE_VIEW: "p_", FLIP: "f_", CROPS: "c_"}
_MEASURED_WITH = "measured_with"

Columns = Mapping[str, NDArray[Any]]
Record = TypeVar("Record")


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Stores predictions in a model's folder.

    Probabilities are kept in float32: in float16 two of a picture's can become equal, and its
    most probable class another one.

    Raises:
        ModelError: The folder has no usable configuration.
    """
    emotions = predictions.class_set.labels
    columns: dict[str, NDArray[Any]] = {
        "name": predictions.names,
        "split": predictions.splits,
        "label": np.array(emotions)[predictions.labels],
        "leaked": predictions.leaked,
    }
    for index, emotion in enumerate(emotions):
        for views, prefix in _VIEWS.items():
            columns[prefix + emotion] = predictions.by_views[views][:, index]
    write_table(folder / PREDICTIONS_FILE, columns, _measured_with(folder))


def read_predictions(folder: Path) -> Predictions:
    """Reads what a model says of FER-2013's pictures.

    Args:
        folder: The model's, such as ``MODELS_DIR / "fer7"``.

    Raises:
        ModelError: The file is missing, damaged, or of another network or temperature.
    """
    columns = _read_columns(folder, PREDICTIONS_FILE)
    known = _class_set(folder)
    position = {label: index for index, label in enumerate(known.labels)}
    try:
        return Predictions(
            columns["name"],
            columns["split"],
            np.array([position[label] for label in columns["label"].tolist()], np.int64),
            columns["leaked"],
            {
                views: _stacked(columns, [prefix + label for label in known.labels])
                for views, prefix in _VIEWS.items()
            },
            known,
        )
    except KeyError as error:
        raise _damaged(folder, PREDICTIONS_FILE) from error


def write_features(folder: Path, features: Features) -> None:
    """Stores places in feature space in a model's folder.

    Raises:
        ModelError: The folder has no usable configuration.
    """
    columns: dict[str, NDArray[Any]] = {
        "name": features.names,
        "x": features.map_xy[:, 0],
        "y": features.map_xy[:, 1],
    }
    for index in range(features.neighbours.shape[1]):
        columns[f"{_NEIGHBOUR}{index}"] = features.neighbours[:, index].astype(np.int32)
        # To three digits, which is all that a reader wants of a similarity.
        columns[f"{_SIMILARITY}{index}"] = features.similarities[:, index].astype(np.float16)
    write_table(folder / FEATURES_FILE, columns, _measured_with(folder))


def read_features(folder: Path) -> Features:
    """Reads where a model's network puts FER-2013's pictures.

    Args:
        folder: The model's.

    Raises:
        ModelError: The file is missing, damaged, or of another network or temperature.
    """
    columns = _read_columns(folder, FEATURES_FILE)
    count = sum(name.startswith(_NEIGHBOUR) for name in columns)
    try:
        neighbours = [columns[f"{_NEIGHBOUR}{index}"] for index in range(count)]
        return Features(
            columns["name"],
            _stacked(columns, ["x", "y"]),
            np.stack(neighbours, axis=1).astype(np.int64),
            _stacked(columns, [f"{_SIMILARITY}{index}" for index in range(count)]),
        )
    except (KeyError, ValueError) as error:
        raise _damaged(folder, FEATURES_FILE) from error


def positions_in(dataset: FaceSet, predictions: Predictions) -> NDArray[np.int64]:
    """Returns int64 ``(N,)``: where each predicted picture is in a data set; -1 for nowhere.

    The two match by name and label, so only in the forms of FER-2013 with file names: the rows
    of ``fer2013.csv`` have other numbers.
    """
    labels = dataset.class_set.labels
    known = {
        (name, labels[label]): index
        for index, (name, label) in enumerate(
            zip(dataset.names.tolist(), dataset.labels.tolist(), strict=True)
        )
    }
    own = predictions.class_set.labels
    keys = zip(predictions.names.tolist(), predictions.labels.tolist(), strict=True)
    return np.array([known.get((name, own[label]), -1) for name, label in keys], np.int64)


def write_robustness(folder: Path, robustness: Robustness) -> None:
    """Stores accuracy on spoilt pictures; raises ``ModelError`` as ``write_predictions``."""
    write_record(folder, ROBUSTNESS_FILE, robustness)


def read_robustness(folder: Path) -> Robustness:
    """Reads a model's accuracy on spoilt pictures; raises as ``read_predictions``."""
    return read_record(folder, ROBUSTNESS_FILE, Robustness)


def write_architecture(folder: Path, architecture: Architecture) -> None:
    """Stores the table of layers; raises ``ModelError`` as ``write_predictions``."""
    write_record(folder, ARCHITECTURE_FILE, architecture)


def read_architecture(folder: Path) -> Architecture:
    """Reads the table of a model's layers; raises as ``read_predictions``."""
    return read_record(folder, ARCHITECTURE_FILE, Architecture)


def write_crowd(folder: Path, crowd: Crowd) -> None:
    """Stores agreement with FER+; raises ``ModelError`` as ``write_predictions``."""
    write_record(folder, CROWD_FILE, crowd)


def read_crowd(folder: Path) -> Crowd | None:
    """Reads agreement with FER+'s crowd, None without votes; raises as ``read_predictions``."""
    return read_record(folder, CROWD_FILE, Crowd) if (folder / CROWD_FILE).exists() else None


def write_audit(audit: Audit, folder: Path = AUDIT_DIR) -> Path:
    """Stores an audit of the data set, and returns the file."""
    columns = {_name_of(field): getattr(audit, field) for field in _AUDIT_COLUMNS}
    write_table(folder / AUDIT_FILE, columns, asdict(audit.summary))
    return folder / AUDIT_FILE


def read_audit(folder: Path = AUDIT_DIR) -> Audit | None:
    """Reads the stored audit of the data set; None where there is none.

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


def write_record(folder: Path, name: str, record: Any) -> None:
    """Stores a dataclass with the stamp of its model; raises as ``write_predictions``."""
    write_json(folder / name, {_MEASURED_WITH: _measured_with(folder), **asdict(record)})


def read_record(folder: Path, name: str, kind: type[Record]) -> Record:
    """Reads a dataclass that ``write_record`` stored.

    Raises:
        ModelError: The file is missing, damaged, or of another network or temperature.
    """
    if not (folder / name).exists():
        raise _missing(folder, name)
    content = read_model_json(folder, name)
    try:
        _check_current(folder, name, content.pop(_MEASURED_WITH))
        return TypeAdapter(kind).validate_python(content)
    except (ValidationError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(folder, name) from error


def _read_columns(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    try:
        columns, about = read_table(folder / name)
    except FileNotFoundError:
        raise _missing(folder, name) from None
    except TableError as error:
        raise _damaged(folder, name) from error
    _check_current(folder, name, about)
    return columns


def _stacked(columns: Columns, names: list[str]) -> NDArray[np.float32]:
    return np.stack([columns[name] for name in names], axis=1).astype(np.float32)


def _class_set(folder: Path) -> ClassSet:
    labels = read_model_json(folder, LABELS_FILE)
    for known in CLASS_SETS.values():
        if labels == list(known.labels):
            return known
    raise ModelError(f"The labels of the model '{folder.name}' are those of no class set.")


def _measured_with(folder: Path) -> dict[str, Any]:
    """Returns what the probabilities depend on, from the model's configuration."""
    config = read_model_json(folder, CONFIG_FILE)
    try:
        return {"sha256": config["sha256"][TFLITE_FILE], "temperature": config["temperature"]}
    except (KeyError, TypeError) as error:
        raise _damaged(folder, CONFIG_FILE) from error


def _check_current(folder: Path, name: str, measured_with: Any) -> None:
    if measured_with != _measured_with(folder):
        raise ModelError(
            f"{name} of the model '{folder.name}' was measured before its last export or "
            f"calibration; run `python -m train explore {folder.name}` again."
        )


def _missing(folder: Path, name: str) -> ModelError:
    return ModelError(
        f"The model '{folder.name}' has no {name} yet; `python -m train explore {folder.name}` "
        "writes it."
    )


def _damaged(folder: Path, name: str) -> ModelError:
    return ModelError(
        f"{name} of the model '{folder.name}' is damaged; run `python -m train explore "
        f"{folder.name}` again."
    )
