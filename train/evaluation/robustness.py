"""A model on spoilt pictures, measured as Hendrycks and Dietterich (2019) do."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import EmotionClassifier
from train.data.fer2013 import FaceSet
from train.evaluation import metrics
from train.evaluation.corruptions import CORRUPTIONS, corrupt
from train.evaluation.records import Robustness, RobustnessRow

CLEAN = "none"


def measure_robustness(
    classifier: EmotionClassifier,
    dataset: FaceSet,
    split: str,
    *,
    limit: int | None = None,
    seed: int = 0,
) -> Robustness:
    """Measure a model on pictures spoilt in every way, at every strength of ``CORRUPTIONS``.

    Args:
        classifier: The model.
        dataset: FER-2013, labelled in the model's classes.
        split: Where the pictures are from.
        limit: Number of pictures, drawn at random; None for all. All conditions see the same.
        seed: Decides which pictures are chosen, the noise and the places of the occlusion.

    Raises:
        DataError: The data set lacks the split.
    """
    faces = dataset.split(split)
    if limit is not None and limit < len(faces):
        faces = faces.where(np.sort(np.random.default_rng(seed).permutation(len(faces))[:limit]))
    clean = classifier.predict(faces.faces_gray)
    conditions = [
        (kind, strength) for kind, way in CORRUPTIONS.items() for strength in way.strengths
    ]
    rows = []
    for kind, strength in tqdm(conditions, unit="condition", disable=None):
        # A kind's own numbers, whatever other kinds there are.
        rng = np.random.default_rng((seed, zlib.crc32(kind.encode())))
        spoilt = classifier.predict(corrupt(faces.faces_gray, kind, strength, rng))
        rows.append(_row(kind, strength, spoilt, clean, faces.labels))
    return Robustness(
        split, len(faces), seed, _row(CLEAN, 0, clean, clean, faces.labels), tuple(rows)
    )


def _row(
    kind: str,
    strength: float,
    spoilt: NDArray[np.float32],
    clean: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> RobustnessRow:
    predicted = spoilt.argmax(axis=1)
    scores = metrics.class_scores(metrics.confusion_matrix(labels, predicted, spoilt.shape[1]))
    return RobustnessRow(
        kind,
        float(strength),
        float((predicted == labels).mean()),
        scores.macro_f1,
        float(spoilt.max(axis=1).mean()),
        float(np.abs(spoilt - clean).sum(axis=1).mean() / 2),
        float((predicted != clean.argmax(axis=1)).mean()),
    )
