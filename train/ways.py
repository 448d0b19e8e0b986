"""Reading many faces in every way that a model offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.accurate import AccurateClassifier
from fer_core.classifier import EmotionClassifier
from fer_core.views import ACCURATE, CROPS, VIEW_COUNTS

_CHUNK = 256


def read_faces(
    classifier: EmotionClassifier,
    accurate: AccurateClassifier,
    faces_gray: NDArray[np.uint8],
    views: str,
) -> NDArray[np.float32]:
    """Reads faces in one way, with a progress bar.

    Args:
        classifier: The model.
        accurate: The same, with its partner.
        faces_gray: uint8 ``(N, H, W)``.
        views: One of ``fer_core.views.WAYS``.

    Returns:
        float32 ``(N, K)``.
    """
    if views == ACCURATE:
        return _in_chunks(faces_gray, accurate.predict)
    return _in_chunks(faces_gray, partial(classifier.predict, views=views))


def read_all_ways(
    classifier: EmotionClassifier, accurate: AccurateClassifier, faces_gray: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Reads faces in every way, with progress bars.

    Args:
        classifier: The model.
        accurate: The same, with its partner.
        faces_gray: uint8 ``(N, H, W)``.

    Returns:
        float32 ``(N, K)`` by each of ``fer_core.views.WAYS``.
    """
    ways = {
        views: _in_chunks(faces_gray, partial(classifier.predict, views=views))
        for views in VIEW_COUNTS
    }
    starts = iter(range(0, len(faces_gray), _CHUNK))

    def refined(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        start = next(starts)
        return accurate.with_partner(ways[CROPS][start : start + len(faces)], faces)

    return {**ways, ACCURATE: _in_chunks(faces_gray, refined)}


def _in_chunks(
    faces_gray: NDArray[np.uint8],
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    starts = tqdm(range(0, len(faces_gray), _CHUNK), unit="batch", disable=None)
    return np.concatenate([predict(faces_gray[start : start + _CHUNK]) for start in starts])
