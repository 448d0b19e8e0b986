"""What the data set's page looks at: all that is known of the pictures, and the one opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.errors import ModelError
from train.data.fer2013 import SIDE, FaceSet
from train.data.ferplus import Votes, read_votes
from train.errors import DataError, TableError
from train.evaluation.label_issues import LabelIssues, find_label_issues
from train.evaluation.records import Audit, Predictions
from ui.common import explorer_data
from ui.dataset.rows import PictureRows, picture_rows

VOTES_VARIABLE = "FERPLUS"
_VOTES_KEY = "dataset-votes"
_VOTES_FILE = "ferplus.csv"


@dataclass(frozen=True, slots=True)
class Collection:
    """The data set as far as it is here, and what is stored about it.

    Attributes:
        dataset: FER-2013, or None.
        audit: What the audit found, or None.
        predictions: What each model says, by its name; those that cannot be read are left out.
        rows: All of it, picture by picture.
        faults: A sentence for everything that is missing.
    """

    dataset: FaceSet | None
    audit: Audit | None
    predictions: dict[str, Predictions]
    rows: PictureRows
    faults: tuple[str, ...]

    def faces_of(self, ids: Sequence[str]) -> NDArray[np.uint8] | None:
        """Return pictures, uint8 ``(N, 48, 48)``, grey where one is missing; None without any."""
        if self.dataset is None:
            return None
        rows = self.rows.index.positions_of(ids)
        faces = np.full((len(ids), SIDE, SIDE), 128, np.uint8)
        faces[rows >= 0] = self.dataset.faces_gray[rows[rows >= 0]]
        return faces

    def face_of(self, picture: str) -> NDArray[np.uint8] | None:
        """Return one picture by its id, uint8 ``(48, 48)``, or None where it is not there."""
        row = self.rows.index.position_of(picture)
        if self.dataset is None or row < 0:
            return None
        face: NDArray[np.uint8] = self.dataset.faces_gray[row]
        return face


def collection() -> Collection:
    """Return what there is to look at; put together once for all visitors."""
    faults = []
    dataset = explorer_data.dataset()
    # The rows of fer2013.csv have names of their own, under which other pictures are known.
    foreign = dataset is not None and bool(explorer_data.pictures_note())
    audit: Audit | None = None
    predictions: dict[str, Predictions] = {}
    if foreign:
        faults.append(explorer_data.pictures_note())
    else:
        try:
            audit = explorer_data.the_audit()
            if audit is None:
                faults.append(
                    "The data set has not been audited; `python -m train audit --data PATH --save` "
                    "does it."
                )
        except TableError as error:
            faults.append(str(error))
        for name in explorer_data.model_names():
            try:
                predictions[name] = explorer_data.stored(Predictions, name)
            except ModelError as error:
                faults.append(str(error))
    return _collected(dataset, audit, tuple(predictions.items()), tuple(faults))


# What goes in is itself cached, so the same objects come again. The result holds on to them, so
# that none of their ids can become another's while it is kept.
@st.cache_resource(
    show_spinner=False,
    max_entries=4,
    hash_funcs={FaceSet: id, Audit: id, Predictions: id},
)
def _collected(
    dataset: FaceSet | None,
    audit: Audit | None,
    predictions: tuple[tuple[str, Predictions], ...],
    faults: tuple[str, ...],
) -> Collection:
    models = dict(predictions)
    return Collection(dataset, audit, models, picture_rows(dataset, audit, models), faults)


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Audit: id, Predictions: id})
def _label_issues(
    audit: Audit, predictions: Predictions | None
) -> tuple[LabelIssues, Audit, object]:
    return find_label_issues(audit, predictions), audit, predictions


def label_issues_of(audit: Audit, predictions: Predictions | None) -> LabelIssues:
    """Return the likely wrong labels, ranked once for all visitors."""
    return _label_issues(audit, predictions)[0]


def votes_place() -> Path | None:
    """Return where the votes are: as the visitor or the environment says, or beside the data."""
    said = st.session_state.get(_VOTES_KEY) or os.environ.get(VOTES_VARIABLE, "").strip()
    if said:
        return Path(os.path.expanduser(said))
    place = explorer_data.data_place()
    nearby = [] if place is None else [place / _VOTES_FILE, place.parent / _VOTES_FILE]
    return next((path for path in nearby if os.path.isfile(path)), None)


def set_votes_place(path: str) -> None:
    """Remember for this session where FER+'s votes are; "" for the usual places."""
    st.session_state[_VOTES_KEY] = path.strip()


def votes() -> tuple[Votes | None, str]:
    """Return FER+'s votes, or None and why not, "" where no place is known."""
    place = votes_place()
    if place is None:
        return None, ""
    found: tuple[Votes | None, str] = _read_votes(str(place), explorer_data.age_of(place))
    return found


@st.cache_resource(show_spinner="Reading the votes …", max_entries=2)
def _read_votes(place: str, age: int) -> tuple[Votes | None, str]:
    try:
        return read_votes(Path(place)), ""
    except DataError as error:
        return None, str(error)
