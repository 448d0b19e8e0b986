"""What a network learns to say: FER-2013's labels, and on request the crowd's votes beside them.

The crowd is a second task on the same features, as in multi-task learning (Caruana, 1997): the
votes of ten people carry far less noise than the one label, but mean something a little else, so
they get outputs of their own.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fer_core.network_config import LABELS_LAYER


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
