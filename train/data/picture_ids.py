"""What a picture of a data set is known by, wherever something is recorded about it.

Two file names of FER-2013 come twice, with another label: only the two together are unique.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_SEPARATOR = "/"


def picture_ids(names: NDArray[np.str_], labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the ids of N pictures, such as "PublicTest_123/happy".

    Args:
        names: str ``(N,)``, such as "PublicTest_123".
        labels: str ``(N,)``, the labels in words.

    Returns:
        str ``(N,)``.
    """
    return np.strings.add(np.strings.add(names, _SEPARATOR), labels)


def picture_id(name: str, label: str) -> str:
    """Return the id of one picture, as ``picture_ids`` does."""
    return f"{name}{_SEPARATOR}{label}"


def name_and_label(picture: str) -> tuple[str, str]:
    """Return the name and the label that a picture's id is made of."""
    name, _, label = picture.rpartition(_SEPARATOR)
    return name, label


class PictureIndex:
    """Where pictures stand in a record of N pictures."""

    def __init__(self, ids: NDArray[np.str_]) -> None:
        """Index a record.

        Args:
            ids: str ``(N,)``, in the record's order.
        """
        self._positions = {picture: position for position, picture in enumerate(ids.tolist())}

    def __len__(self) -> int:
        return len(self._positions)

    def position_of(self, picture: str) -> int:
        """Return the position of one picture; -1 for nowhere."""
        return self._positions.get(picture, -1)

    def positions_of(self, ids: NDArray[np.str_] | Sequence[str]) -> NDArray[np.int64]:
        """Return the positions of M pictures, int64 ``(M,)``; -1 for those that are nowhere."""
        pictures: Iterable[str] = ids.tolist() if isinstance(ids, np.ndarray) else ids
        positions = map(self._positions.get, pictures, itertools.repeat(-1))
        return np.fromiter(positions, np.int64, len(ids))
