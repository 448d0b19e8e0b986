"""Reading many faces in every way that a model offers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import EmotionClassifier
from fer_core.ensemble import EnsembleClassifier
from fer_core.tta import CROPS, ENSEMBLE, VIEW_COUNTS

_CHUNK = 256


def read_views(
    classifier: EmotionClassifier,
    accurate: EnsembleClassifier,
    faces_gray: NDArray[np.uint8],
    views: str,
) -> NDArray[np.float32]:
    """Reads faces in one way, with a progress bar.

    Args:
        classifier: The model.
        accurate: The same, with its partner.
        faces_gray: uint8 ``(N, H, W)``.
        views: One of ``fer_core.tta.TTA_MODES``.

    Returns:
        float32 ``(N, K)``.
    """
    predict = accurate.predict if views == ENSEMBLE else partial(classifier.predict, views=views)
    return np.concatenate([predict(faces_gray[rows]) for rows in _chunks(faces_gray)])


def read_all_views(
    classifier: EmotionClassifier, accurate: EnsembleClassifier, faces_gray: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Reads faces in every way, with progress bars.

    Args:
        classifier: The model.
        accurate: The same, with its partner.
        faces_gray: uint8 ``(N, H, W)``.

    Returns:
        float32 ``(N, K)`` by each of ``fer_core.tta.TTA_MODES``.
    """
    ways = {views: read_views(classifier, accurate, faces_gray, views) for views in VIEW_COUNTS}
    refined = [
        accurate.with_partner(ways[CROPS][rows], faces_gray[rows]) for rows in _chunks(faces_gray)
    ]
    return {**ways, ENSEMBLE: np.concatenate(refined)}


def _chunks(faces_gray: NDArray[np.uint8]) -> Iterable[slice]:
    starts = range(0, len(faces_gray), _CHUNK)
    return tqdm([slice(start, start + _CHUNK) for start in starts], unit="batch", disable=None)
