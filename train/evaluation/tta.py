"""Reading many faces in every way that a model offers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import EmotionClassifier

_CHUNK = 256


def read_views(
    classifier: EmotionClassifier,
    faces_gray: NDArray[np.uint8],
    views: str,
) -> NDArray[np.float32]:
    """Read faces in one way, with a progress bar.

    Args:
        classifier: The model.
        faces_gray: uint8 ``(N, H, W)``.
        views: One of ``fer_core.tta.VIEW_COUNTS``.

    Returns:
        float32 ``(N, K)``.
    """
    return np.concatenate(
        [classifier.predict(faces_gray[rows], views) for rows in _chunks(faces_gray)]
    )


def read_logits(
    classifier: EmotionClassifier, faces_gray: NDArray[np.uint8], views: str
) -> NDArray[np.float32]:
    """Read faces for both readings, with a progress bar; arguments as of ``read_views``.

    Returns:
        float32 ``(N, K + A)``, as ``EmotionClassifier.logits``.
    """
    return np.asarray(read_member_logits(classifier, faces_gray, views).mean(axis=1), np.float32)


def read_member_logits(
    classifier: EmotionClassifier, faces_gray: NDArray[np.uint8], views: str
) -> NDArray[np.float32]:
    """Read faces by each network, with a progress bar; arguments as of ``read_views``.

    Returns:
        float32 ``(N, M, K + A)``, as ``EmotionClassifier.member_logits``.
    """
    return np.concatenate(
        [classifier.member_logits(faces_gray[rows], views) for rows in _chunks(faces_gray)]
    )


def _chunks(faces_gray: NDArray[np.uint8]) -> Iterable[slice]:
    starts = range(0, len(faces_gray), _CHUNK)
    return tqdm([slice(start, start + _CHUNK) for start in starts], unit="batch", disable=None)
