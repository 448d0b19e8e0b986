"""What a network learns to say: FER-2013's labels, and on request the crowd's votes beside them.

The crowd is a second task on the same features, as in multi-task learning (Caruana, 1997): the
votes of ten people carry far less noise than the one label, but mean something a little else, so
they get outputs of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fer_core.network import LABELS_LAYER
from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes, expression_shares
from train.data.framing import Framings


@dataclass(frozen=True, slots=True)
class Samples:
    """Faces and what to say of them.

    Attributes:
        faces_gray: uint8 ``(N, 48, 48)``.
        targets: float32 ``(N, K)``, the labels one-hot; with the crowd ``(N, K + 8)``, after
            them the share of voters for each of ``EXPRESSIONS``. Voters for "unknown" and "not a
            face" make these sum to less than 1, so the crowd counts less; without votes to 0.
        framed_gray: Of each face the crops that detectors make of it, uint8 ``(48, 48)`` each.
    """

    faces_gray: NDArray[np.uint8]
    targets: NDArray[np.float32]
    framed_gray: list[list[NDArray[np.uint8]]] | None = None

    def __len__(self) -> int:
        return len(self.targets)


def samples_of(
    dataset: FaceSet, votes: Votes | None = None, framings: Framings | None = None
) -> Samples:
    """Return a data set's faces and targets, with the crowd's if there are votes."""
    framed = None if framings is None else framings.of(dataset)
    labels = np.eye(len(dataset.class_set), dtype=np.float32)[dataset.labels]
    if votes is None:
        return Samples(dataset.faces_gray, labels, framed)
    return Samples(
        dataset.faces_gray, np.hstack([labels, expression_shares(votes.of(dataset.ids))]), framed
    )


def without_crowd(model: keras.Model) -> keras.Model:
    """Return the part of a model that answers with the labels' logits alone."""
    return keras.Model(model.input, model.get_layer(LABELS_LAYER).output)


class TargetLoss(keras.losses.Loss):
    """Cross-entropy of the labels plus a share of the crowd's, where the targets have it."""

    def __init__(self, num_classes: int, label_smoothing: float, crowd_weight: float) -> None:
        super().__init__()
        self._num_classes = num_classes
        self._label_smoothing = label_smoothing
        self._crowd_weight = crowd_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses ``(B,)`` of B pictures from targets and logits ``(B, T)``."""
        split = self._num_classes
        loss = keras.losses.categorical_crossentropy(
            y_true[:, :split],
            y_pred[:, :split],
            from_logits=True,
            label_smoothing=self._label_smoothing,
        )
        if not self._crowd_weight:
            return loss
        log_shares = ops.log_softmax(y_pred[:, split:])
        return loss - self._crowd_weight * ops.sum(y_true[:, split:] * log_shares, axis=-1)


def label_accuracy(num_classes: int) -> keras.metrics.Metric:
    """Return the metric "accuracy" of the labels, whatever else the targets hold."""

    def correct(y_true: Any, y_pred: Any) -> Any:
        return keras.metrics.categorical_accuracy(y_true[:, :num_classes], y_pred[:, :num_classes])

    return keras.metrics.MeanMetricWrapper(correct, name="accuracy")
