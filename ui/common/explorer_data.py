"""What the explorer's pages read: findings stored beside the models, and FER-2013's pictures.

All is read once for all visitors, and again when its file has changed. The arrays are shared, so
they cannot be written to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.classifier import CONFIG_FILE, LABELS_FILE, METRICS_FILE, MODELS_DIR, read_model_json
from fer_core.labels import CLASS_SETS, FER6, FER7
from train.data.fer2013 import SIDE, FaceSet, load_fer2013
from train.errors import DataError
from train.evaluation import storage
from train.evaluation.records import Architecture, Audit, Crowd, Features, Predictions, Robustness
from ui.common.settings import CLASS_SET_NAMES

DATA_VARIABLE = "FER2013"
_PLACE_KEY = "fer2013-place"
PICTURES_NEEDED = (
    "To see the pictures themselves, say on the page *Data set* where FER-2013 is, or set the "
    f"environment variable `{DATA_VARIABLE}`; `python -m train download` fetches it."
)
_OTHER_NAMES = (
    "The rows of fer2013.csv have other numbers than the files that the models were measured on, "
    "so these pictures cannot be found in it: give the folder or the archive with JPEG files."
)
# The split of the one figure that stands for a network: for seven emotions the one that nothing
# was chosen on; six have no choice made on either.
HEADLINE_SPLITS = {FER7.name: "PrivateTest", FER6.name: "test"}
Record = TypeVar("Record")


def model_names() -> list[str]:
    """Returns the shipped models, those of the pages' class sets first."""
    found = {path.parent.name for path in MODELS_DIR.glob(f"*/{LABELS_FILE}")}
    known = [name for name in CLASS_SET_NAMES if name in found]
    return known + sorted(found - set(known))


def model_title(name: str) -> str:
    """Returns a model's name to read, such as "7 emotions"."""
    return f"{len(CLASS_SETS[name])} emotions" if name in CLASS_SETS else name


def predictions_of(name: str) -> Predictions:
    """Returns what a model says of FER-2013's pictures.

    Raises:
        ModelError: That is not stored, or not of the model as it is now; a sentence says which.
    """
    return _stored(storage.read_predictions, name, storage.PREDICTIONS_FILE)


def features_of(name: str) -> Features:
    """Returns where a model's network puts the pictures; raises as ``predictions_of``."""
    return _stored(storage.read_features, name, storage.FEATURES_FILE)


def robustness_of(name: str) -> Robustness:
    """Returns a model's accuracy on spoilt pictures; raises as ``predictions_of``."""
    return _stored(storage.read_robustness, name, storage.ROBUSTNESS_FILE)


def architecture_of(name: str) -> Architecture:
    """Returns the table of a model's layers; raises as ``predictions_of``."""
    return _stored(storage.read_architecture, name, storage.ARCHITECTURE_FILE)


def crowd_of(name: str) -> Crowd | None:
    """Returns a model's agreement with FER+, or None without votes; raises as above."""
    return _stored(storage.read_crowd, name, storage.CROWD_FILE)


def metrics_of(name: str) -> dict[str, Any]:
    """Returns what ``evaluate --save`` measured, by split and views.

    Raises:
        ModelError: It is missing or damaged.
    """
    return _stored(_read_metrics, name, METRICS_FILE)


def the_audit() -> Audit | None:
    """Returns the stored audit of the data set, or None.

    Raises:
        TableError: It is damaged.
    """
    file = storage.AUDIT_DIR / storage.AUDIT_FILE
    result: Audit | None = _read(storage.read_audit, str(file), _ages(file))
    return result


def _read_metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_model_json(folder, METRICS_FILE)
    return content


def _stored(reader: Callable[[Path], Record], name: str, file: str) -> Record:
    folder = MODELS_DIR / name
    # The configuration decides whether a stored file is still of this network.
    ages = _ages(folder / file, folder / CONFIG_FILE)
    record: Record = _read(reader, str(folder / file), ages)
    return record


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(_reader: Callable[[Path], Any], file: str, ages: tuple[int, ...]) -> Any:
    return _locked(_reader(Path(file).parent))


def _ages(*paths: Path) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def _locked(record: Any) -> Any:
    """Makes the arrays of a record read-only, and returns it."""
    values = (
        [getattr(record, field.name) for field in fields(record)] if is_dataclass(record) else []
    )
    for value in values:
        for array in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(array, np.ndarray):
                array.setflags(write=False)
    return record


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A data set with its pictures by name and emotion, or why there is none."""

    faces: FaceSet | None
    positions: dict[tuple[str, str], int]
    fault: str


def data_place() -> Path | None:
    """Returns where the visitor, or else the environment, says that the data set is."""
    place = st.session_state.get(_PLACE_KEY) or os.environ.get(DATA_VARIABLE, "").strip()
    return Path(place).expanduser() if place else None


def set_data_place(path: str) -> None:
    """Remembers for this session where the data set is; "" for where the environment says."""
    st.session_state[_PLACE_KEY] = path.strip()


def dataset() -> FaceSet | None:
    """Returns FER-2013, loaded once for all visitors, at first with a spinner; None without it."""
    return _loaded().faces


def dataset_fault() -> str:
    """Returns why a data set whose place is known cannot be used, a sentence, or ""."""
    return _loaded().fault


def pictures_note() -> str:
    """Returns the sentence to show where pictures are missing; "" where they can be shown."""
    loaded = _loaded()
    if loaded.faces is None:
        return f"{loaded.fault} {PICTURES_NEEDED}".strip()
    return "" if loaded.positions else _OTHER_NAMES


def pictures_of(
    names: NDArray[np.str_], emotions: NDArray[np.str_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """Finds pictures by name and label, since two names come twice with other labels.

    Args:
        names: str ``(N,)``, such as "PublicTest_123".
        emotions: str ``(N,)``, FER-2013's labels.

    Returns:
        uint8 ``(N, 48, 48)``, and bool ``(N,)`` for which of them are there, the others being
        grey; None without the data set.
    """
    loaded = _loaded()
    if loaded.faces is None:
        return None
    keys = zip(names.tolist(), emotions.tolist(), strict=True)
    positions = np.array([loaded.positions.get(key, -1) for key in keys], np.int64)
    known = positions >= 0
    faces = np.full((len(positions), SIDE, SIDE), 128, np.uint8)
    faces[known] = loaded.faces.faces_gray[positions[known]]
    return faces, known


def picture_of(name: str, emotion: str) -> NDArray[np.uint8] | None:
    """Returns one picture, uint8 ``(48, 48)``, or None where it is not there."""
    found = pictures_of(np.array([name]), np.array([emotion]))
    return found[0][0] if found is not None and found[1][0] else None


def _loaded() -> _Loaded:
    place = data_place()
    if place is None:
        return _Loaded(None, {}, "")
    loaded: _Loaded = _load(str(place), _ages(place))
    return loaded


# A failure is kept too, so that a damaged archive is not read again with every click.
@st.cache_resource(show_spinner="Loading FER-2013 …", max_entries=2)
def _load(place: str, ages: tuple[int, ...]) -> _Loaded:
    path = Path(place)
    try:
        faces: FaceSet = _locked(load_fer2013(path))
    except DataError as error:
        return _Loaded(None, {}, str(error))
    if path.suffix.lower() == ".csv":
        return _Loaded(faces, {}, "")
    emotions = np.array(FER7.labels)[faces.labels]
    keys = zip(faces.names.tolist(), emotions.tolist(), strict=True)
    return _Loaded(faces, {key: index for index, key in enumerate(keys)}, "")
