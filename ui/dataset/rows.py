"""One row a picture: what the data set, the audit and every model say of it, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fer2013 import FaceSet
from train.data.ferplus import emotions_of
from train.evaluation.records import Audit, Features, Predictions
from ui.common.opened_picture import PictureKey


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model says of N pictures.

    Attributes:
        labels: K emotions, in the order of ``probabilities``.
        probabilities: float32 ``(N, K)``, of one view; NaN for pictures that it does not know.
        predicted: str ``(N,)``, the most probable emotion; "" for none.
        confidence: float32 ``(N,)``, its probability; NaN for none.
        label_probability: float32 ``(N,)``, that of the label; NaN for none.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    predicted: NDArray[np.str_]
    confidence: NDArray[np.float32]
    label_probability: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PictureRows:
    """N pictures, and where each is found elsewhere.

    Attributes:
        names: str ``(N,)``, as in ``FaceSet``.
        splits: str ``(N,)``.
        emotions: str ``(N,)``, FER-2013's labels.
        places: int64 ``(N,)``, positions in the data set; -1 for a picture that is not there.
        audited: int64 ``(N,)``, positions in the audit; -1 for none.
        opinions: What each model says, by its name.
        rows: The row of each picture, by name and label.
    """

    names: NDArray[np.str_]
    splits: NDArray[np.str_]
    emotions: NDArray[np.str_]
    places: NDArray[np.int64]
    audited: NDArray[np.int64]
    opinions: dict[str, Opinion]
    rows: dict[PictureKey, int]

    def __len__(self) -> int:
        return len(self.names)

    def key(self, row: int) -> PictureKey:
        """Returns the name and the label of a picture."""
        return str(self.names[row]), str(self.emotions[row])


def picture_rows(
    dataset: FaceSet | None, audit: Audit | None, models: Mapping[str, Predictions]
) -> PictureRows:
    """Puts together what is known of each picture.

    Args:
        dataset: FER-2013, whose pictures are then the rows; None where it is not there, and the
            rows are what the audit knows, else what the first model knows.
        audit: Of the data set, or None.
        models: What models say, by their names.
    """
    names, splits, emotions = _base(dataset, audit, models)
    rows = {key: row for row, key in enumerate(zip(names.tolist(), emotions.tolist(), strict=True))}
    places = np.full(len(names), -1, np.int64)
    if dataset is not None:
        places = np.arange(len(dataset))
    audited = np.full(len(names), -1, np.int64)
    if audit is not None:
        _place(audited, rows, audit.names, audit.emotions)
    opinions = {name: _opinion(rows, emotions, said) for name, said in models.items()}
    return PictureRows(names, splits, emotions, places, audited, opinions, rows)


def rows_of(rows: PictureRows, predictions: Predictions) -> NDArray[np.int64]:
    """Returns int64 ``(M,)``: the row of each of a model's M pictures; -1 for none."""
    emotions = np.array(predictions.class_set.labels)[predictions.labels]
    keys = zip(predictions.names.tolist(), emotions.tolist(), strict=True)
    return np.array([rows.rows.get(key, -1) for key in keys], np.int64)


def neighbours_of(
    row: int, rows_of_model: NDArray[np.int64], features: Features
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the pictures that a network takes for most similar.

    Args:
        row: Of the picture.
        rows_of_model: int64 ``(M,)``, as ``rows_of`` returns it.
        features: Where the model's network puts its M pictures.

    Returns:
        Rows int64 ``(J,)``, the most similar first, and similarities float32 ``(J,)``; none for a
        picture that the model does not know. Neighbours without a row are left out.
    """
    found = np.flatnonzero(rows_of_model == row)
    if not len(found):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    neighbours = rows_of_model[features.neighbours[found[0]]]
    return neighbours[neighbours >= 0], features.similarities[found[0]][neighbours >= 0]


def _base(
    dataset: FaceSet | None, audit: Audit | None, models: Mapping[str, Predictions]
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    if dataset is not None:
        return dataset.names, dataset.splits, emotions_of(dataset)
    if audit is not None:
        return audit.names, audit.splits, audit.emotions
    # The one with the most emotions knows the most pictures.
    known = max(models.values(), key=len, default=None)
    if known is None:
        nothing = np.empty(0, np.str_)
        return nothing, nothing, nothing
    return known.names, known.splits, np.array(known.class_set.labels)[known.labels]


def _place(
    found: NDArray[np.int64],
    rows: Mapping[PictureKey, int],
    names: NDArray[np.str_],
    emotions: NDArray[np.str_],
) -> None:
    """Writes into ``found``, row by row, the positions in ``names``."""
    for position, key in enumerate(zip(names.tolist(), emotions.tolist(), strict=True)):
        row = rows.get(key)
        if row is not None:
            found[row] = position


def _opinion(
    rows: Mapping[PictureKey, int], emotions: NDArray[np.str_], said: Predictions
) -> Opinion:
    labels = said.class_set.labels
    places = np.full(len(emotions), -1, np.int64)
    _place(places, rows, said.names, np.array(labels)[said.labels])
    nothing = np.full((1, len(labels)), np.nan, np.float32)
    probabilities = np.concatenate([said.probabilities, nothing])[places]
    known = places >= 0
    best = np.where(known, probabilities.argmax(axis=1), len(labels))
    own = np.concatenate([said.labels, [0]])[places]
    return Opinion(
        labels,
        probabilities,
        np.array([*labels, ""])[best],
        probabilities.max(axis=1),
        probabilities[np.arange(len(emotions)), own],
    )


def class_counts(
    splits: NDArray[np.str_], emotions: NDArray[np.str_], labels: Sequence[str], split: str
) -> NDArray[np.int64]:
    """Returns the number of pictures of each label in a split, int64 ``(K,)``."""
    inside = emotions[splits == split]
    return np.array([(inside == label).sum() for label in labels], np.int64)
