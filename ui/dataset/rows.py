"""One row per picture: what the data set, the audit and every model say of it, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fer2013 import FaceSet
from train.data.picture_ids import PictureIndex
from train.evaluation.records import Audit, Features, Predictions, Verdicts


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model says of N pictures.

    Attributes:
        labels: K emotions, in the order of ``probabilities``.
        probabilities: float32 ``(N, K)``, of one view; NaN for pictures that it does not know.
        said: str ``(N,)``, the most probable emotion; "" for none.
        confidence: float32 ``(N,)``, its probability; NaN for none.
        label_probability: float32 ``(N,)``, that of the label; NaN for none.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    said: NDArray[np.str_]
    confidence: NDArray[np.float32]
    label_probability: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PictureRows:
    """N pictures, and where each is found elsewhere.

    Attributes:
        ids: str ``(N,)``, as ``train.data.picture_ids`` makes them; those of the data set, in its
            order, where it is there.
        splits: str ``(N,)``.
        emotions: str ``(N,)``, FER-2013's labels.
        audited: int64 ``(N,)``, positions in the audit; -1 for none.
        opinions: What each model says, by its name.
        index: The row of each picture.
    """

    ids: NDArray[np.str_]
    splits: NDArray[np.str_]
    emotions: NDArray[np.str_]
    audited: NDArray[np.int64]
    opinions: dict[str, Opinion]
    index: PictureIndex

    def __len__(self) -> int:
        return len(self.ids)


def picture_rows(
    dataset: FaceSet | None, audit: Audit | None, models: Mapping[str, Predictions]
) -> PictureRows:
    """Put together what is known of each picture.

    Args:
        dataset: FER-2013, whose pictures are then the rows; None where it is not there, and the
            rows are what the audit knows, else what the first model knows.
        audit: Of the data set, or None.
        models: What models say, by their names.
    """
    ids, splits, emotions = _base(dataset, audit, models)
    audited = np.full(len(ids), -1, np.int64)
    if audit is not None:
        audited = PictureIndex(audit.ids).positions_of(ids)
    opinions = {name: _opinion(ids, said.verdicts()) for name, said in models.items()}
    return PictureRows(ids, splits, emotions, audited, opinions, PictureIndex(ids))


def neighbours_of(
    row: int, rows_of_model: NDArray[np.int64], features: Features
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the pictures that a network takes for most similar.

    Args:
        row: Of the picture.
        rows_of_model: int64 ``(M,)``, the row of each of the model's M pictures; -1 for none.
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
        return dataset.ids, dataset.splits, dataset.words
    if audit is not None:
        return audit.ids, audit.splits, audit.emotions
    # The one with the most emotions knows the most pictures.
    known = max(models.values(), key=len, default=None)
    if known is None:
        nothing = np.empty(0, np.str_)
        return nothing, nothing, nothing
    return known.ids, known.splits, known.verdicts().words


def _opinion(ids: NDArray[np.str_], verdicts: Verdicts) -> Opinion:
    positions = PictureIndex(verdicts.ids).positions_of(ids)
    # The last one, for the pictures that the model does not know.
    nothing = np.full((1, len(verdicts.emotions)), np.nan, np.float32)
    probabilities = np.concatenate([verdicts.probabilities, nothing])[positions]
    own = np.append(verdicts.labels, 0)[positions]
    return Opinion(
        verdicts.emotions,
        probabilities,
        np.append(verdicts.said, "")[positions],
        probabilities.max(axis=1),
        probabilities[np.arange(len(ids)), own],
    )


def class_counts(
    splits: NDArray[np.str_], emotions: NDArray[np.str_], labels: Sequence[str], split: str
) -> NDArray[np.int64]:
    """Return the number of pictures of each label in a split, int64 ``(K,)``."""
    inside = emotions[splits == split]
    return np.array([(inside == label).sum() for label in labels], np.int64)
