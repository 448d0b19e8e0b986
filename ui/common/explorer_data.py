"""What the explorer's pages read: findings stored beside the models, and FER-2013's pictures.

All is read once for all visitors, and again when its file has changed. The arrays are shared, so
they cannot be written to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.classifier import CONFIG_FILE, LABELS_FILE, METRICS_FILE, MODELS_DIR, read_model_json
from fer_core.labels import CLASS_SETS, FER6, FER7
from train.data.fer2013 import SIDE, FaceSet, load_fer2013
from train.data.picture_ids import PictureIndex
from train.errors import DataError
from train.evaluation import storage
from train.evaluation.records import Audit
from ui.common.layout import plain
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
    """Return the shipped models, those of the pages' class sets first."""
    found = {path.parent.name for path in MODELS_DIR.glob(f"*/{LABELS_FILE}")}
    known = [name for name in CLASS_SET_NAMES if name in found]
    return known + sorted(found - set(known))


def model_title(name: str) -> str:
    """Return a model's name to read, such as "7 emotions"."""
    return f"{len(CLASS_SETS[name])} emotions" if name in CLASS_SETS else name


def stored(kind: type[Record], model: str) -> Record:
    """Return what was found out about a model.

    Args:
        kind: A type in ``train.evaluation.storage.RECORD_FILES``, such as ``Predictions``.
        model: Name of the model.

    Raises:
        ModelError: That is not stored, or not of the model as it is now; a sentence says which.
    """
    record: Record = _beside_model(
        lambda folder: storage.read_record(folder, kind), model, storage.RECORD_FILES[kind]
    )
    return record


def metrics_of(model: str) -> dict[str, Any]:
    """Return what ``evaluate --save`` measured, by split and views.

    Raises:
        ModelError: It is missing or damaged.
    """
    content: dict[str, Any] = _beside_model(
        lambda folder: read_model_json(folder, METRICS_FILE), model, METRICS_FILE
    )
    return content


def the_audit() -> Audit | None:
    """Return the stored audit of the data set, or None.

    Raises:
        TableError: It is damaged.
    """
    file = storage.AUDIT_DIR / storage.AUDIT_FILE
    result: Audit | None = _read(storage.read_audit, str(file), _ages(file))
    return result


def _beside_model(reader: Callable[[Path], Any], model: str, file: str) -> Any:
    folder = MODELS_DIR / model
    # The configuration decides whether a stored file is still of this network.
    return _read(reader, str(folder / file), _ages(folder / file, folder / CONFIG_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _read(_reader: Callable[[Path], Any], file: str, ages: tuple[int, ...]) -> Any:
    return _locked(_reader(Path(file).parent))


def _ages(*paths: Path) -> tuple[int, ...]:
    return tuple(age_of(path) for path in paths)


def age_of(path: Path) -> int:
    """Return when a file changed last, in nanoseconds; 0 where there is none, or no access."""
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _locked(record: Any) -> Any:
    """Make the arrays of a record read-only, and return it."""
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
    """A data set, or why there is none.

    Attributes:
        faces: The data set.
        index: Where its pictures are; None where they are named otherwise than elsewhere.
        fault: A sentence, or "".
    """

    faces: FaceSet | None = None
    index: PictureIndex | None = None
    fault: str = ""


def data_place() -> Path | None:
    """Return where the visitor, or else the environment, says that the data set is."""
    place = st.session_state.get(_PLACE_KEY) or os.environ.get(DATA_VARIABLE, "").strip()
    # Unlike Path.expanduser, this leaves a user whom nobody knows as it is: nothing is there.
    return Path(os.path.expanduser(place)) if place else None


def set_data_place(path: str) -> None:
    """Remember for this session where the data set is; "" for where the environment says."""
    st.session_state[_PLACE_KEY] = path.strip()


def dataset() -> FaceSet | None:
    """Return FER-2013, loaded once for all visitors, at first with a spinner; None without it."""
    return _loaded().faces


def dataset_fault() -> str:
    """Return why a data set whose place is known cannot be used, a sentence, or ""."""
    return _loaded().fault


def pictures_note() -> str:
    """Return what to show where pictures are missing, as Markdown; "" where they can be shown."""
    loaded = _loaded()
    if loaded.faces is None:
        return f"{plain(loaded.fault)} {PICTURES_NEEDED}".strip()
    return _OTHER_NAMES if loaded.index is None else ""


def pictures_of(
    ids: NDArray[np.str_] | Sequence[str],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """Find pictures.

    Args:
        ids: str ``(N,)``, as ``train.data.picture_ids`` makes them.

    Returns:
        uint8 ``(N, 48, 48)``, and bool ``(N,)`` for which of them are there, the others being
        grey; None without the data set.
    """
    loaded = _loaded()
    if loaded.faces is None:
        return None
    index = loaded.index or PictureIndex(np.empty(0, np.str_))
    positions = index.positions_of(ids)
    known = positions >= 0
    faces = np.full((len(positions), SIDE, SIDE), 128, np.uint8)
    faces[known] = loaded.faces.faces_gray[positions[known]]
    return faces, known


def picture_of(picture: str) -> NDArray[np.uint8] | None:
    """Return one picture by its id, uint8 ``(48, 48)``, or None where it is not there."""
    found = pictures_of([picture])
    return found[0][0] if found is not None and found[1][0] else None


def _loaded() -> _Loaded:
    place = data_place()
    if place is None:
        return _Loaded()
    loaded: _Loaded = _load(str(place), _ages(place))
    return loaded


# A failure is kept too, so that a damaged archive is not read again with every click.
@st.cache_resource(
    show_spinner="Reading FER-2013; a packed one takes some seconds …",
    show_time=True,
    max_entries=2,
)
def _load(place: str, ages: tuple[int, ...]) -> _Loaded:
    path = Path(place)
    try:
        faces: FaceSet = _locked(load_fer2013(path))
    except DataError as error:
        return _Loaded(fault=str(error))
    if path.suffix.lower() == ".csv":
        return _Loaded(faces)
    return _Loaded(faces, PictureIndex(faces.ids))
