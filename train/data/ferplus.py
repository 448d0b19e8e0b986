"""The crowd's votes on FER-2013, which are called FER+.

Barsoum et al., 2016, "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced
Label Distribution".
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import FER7, ClassSet
from train.data.picture_ids import picture_id
from train.data.sources import check_source, lines_of
from train.errors import DataError

# The ten answers in the order of FER+, the first seven by FER-2013's names for them.
ANSWERS = (
    "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown",
    "not a face",
)  # fmt: skip
_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
    "unknown", "NF",
)  # fmt: skip
EXPRESSIONS = ANSWERS[:8]
NOT_A_FACE = ANSWERS.index("not a face")


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes by picture.

    Attributes:
        counts: Votes for each of ``ANSWERS``, int64 ``(10,)``, by the id of the picture, such as
            "PublicTest_123/happy".
    """

    counts: dict[str, NDArray[np.int64]]

    def of(self, ids: NDArray[np.str_]) -> NDArray[np.int64]:
        """Return the votes on N pictures, int64 ``(N, 10)``; rows of 0 where there are none.

        Args:
            ids: str ``(N,)``, of the pictures.
        """
        none = np.zeros(len(ANSWERS), np.int64)
        rows = [self.counts.get(picture, none) for picture in ids.tolist()]
        return np.array(rows, np.int64).reshape(-1, len(ANSWERS))


def read_votes(path: Path) -> Votes:
    """Read ``ferplus.csv``: the path of each picture, and its votes for ten answers.

    Raises:
        DataError: The file is missing, has other columns, or a row without whole numbers.
    """
    counts = {}
    try:
        with check_source(path, "table of votes").open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(lines_of(file, path))
            if not {"image", *_COLUMNS} <= set(reader.fieldnames or ()):
                raise DataError(f"{path} has no columns image, {', '.join(_COLUMNS)}.")
            for number, row in enumerate(reader):
                picture = PurePosixPath(row["image"])
                try:
                    votes = np.array([int(row[column]) for column in _COLUMNS], np.int64)
                except (TypeError, ValueError, OverflowError) as error:
                    raise DataError(f"{path}, row {number + 1}: not ten whole numbers.") from error
                counts[picture_id(picture.stem, picture.parent.name)] = votes
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder, not a table of votes.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not counts:
        raise DataError(f"{path} has no votes.")
    return Votes(counts)


def expression_shares(votes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the share of voters for each of ``EXPRESSIONS``.

    Args:
        votes: int64 ``(N, 10)``.

    Returns:
        float32 ``(N, 8)``. Votes for "unknown" and "not a face" make a row sum to less than 1; a
        row without votes is 0.
    """
    total = np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return np.asarray(votes[:, : len(EXPRESSIONS)] / total, np.float32)


def majority(votes: NDArray[np.int64], class_set: ClassSet = FER7) -> NDArray[np.int64]:
    """Return what most voters chose, int64 ``(N,)``: a position in ``class_set.labels``.

    Args:
        votes: int64 ``(N, 10)``.
        class_set: The emotions that count.

    Returns:
        -1 without votes, for a tie, and where most chose an answer that is not in the set.
    """
    position = [
        class_set.labels.index(answer) if answer in class_set.labels else -1 for answer in ANSWERS
    ]
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return np.where(tied, -1, np.array(position)[votes.argmax(axis=1)])


def decided(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what the crowd decided by the rule of FER+, int64 ``(N,)``: a position in ``ANSWERS``.

    Barsoum et al. (2016) measure on these decisions: an answer with a single vote is an outlier and
    does not count; of the votes that are left, the decision has more than half. So a tie decides
    nothing.

    Args:
        votes: int64 ``(N, 10)``.

    Returns:
        One of the eight ``EXPRESSIONS``; -1 without votes, without such a majority, and where it is
        for "unknown" or "not a face".
    """
    counted = np.where(votes > 1, votes, 0)
    best = counted.argmax(axis=1)
    clear = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(clear & (best < len(EXPRESSIONS)), best, -1)


def vote_shares(votes: NDArray[np.int64], answers: Sequence[str]) -> NDArray[np.float64]:
    """Return how the votes for some answers are shared out among them.

    Args:
        votes: int64 ``(N, 10)``.
        answers: A of ``ANSWERS``.

    Returns:
        float64 ``(N, A)``; rows sum to 1, or to 0 where nobody gave one of the answers.
    """
    counts = votes[:, [ANSWERS.index(answer) for answer in answers]]
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
