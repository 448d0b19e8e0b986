"""The convolutional network in Keras 3, built from a configuration.

Importing this module imports Keras and its backend; only training, export and explanation do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import layers

from fer_core.network_config import (
    CROWD_LAYER,
    LABELS_LAYER,
    NetworkConfig,
    StageConfig,
    member_prefix,
)
from fer_core.preprocessing import INPUT_SIZE


class LayerKinds(NamedTuple):
    """The classes of a network's heavy layers; ``train.training.torch_layers`` has faster ones."""

    conv: type[layers.Conv2D] = layers.Conv2D
    batch_norm: type[layers.BatchNormalization] = layers.BatchNormalization
    max_pool: type[layers.MaxPooling2D] = layers.MaxPooling2D


KERAS_LAYERS = LayerKinds()


def build_network(
    config: NetworkConfig,
    num_classes: int,
    *,
    num_answers: int = 0,
    input_size: int | None = INPUT_SIZE,
    kinds: LayerKinds = KERAS_LAYERS,
) -> keras.Model:
    """Build the network with random weights.

    Args:
        config: The architecture.
        num_classes: Number of labels K.
        num_answers: Number of the crowd's answers A; 0 for a network without that head.
        input_size: Side of the input in pixels; None for any size, which a "flatten" head
            does not allow.
        kinds: The classes of its layers.

    Returns:
        A model from float32 ``(N, input_size, input_size, 1)``, as ``normalize_faces`` makes
        it, to float32 logits ``(N, num_classes + num_answers)``: of the labels, then of the
        crowd's answers.
    """
    inputs = layers.Input((input_size, input_size, 1), name="face")
    return keras.Model(inputs, _logits(inputs, config, num_classes, num_answers, kinds))


def build_ensemble(
    configs: Sequence[NetworkConfig], num_classes: int, num_answers: int
) -> keras.Model:
    """Build several networks side by side, with random weights.

    Args:
        configs: The architectures of the M members.
        num_classes: Number of labels K.
        num_answers: Number of the crowd's answers A; 0 for members without that head.

    Returns:
        A model from float32 ``(N, 48, 48, 1)``, as ``normalize_faces`` makes it, to float32
        logits ``(N, M, K + A)``. The layers of the first member are called as those of
        ``build_network`` with ``member_prefix(0)`` before their names, and so on.
    """
    inputs = layers.Input((INPUT_SIZE, INPUT_SIZE, 1), name="face")
    width = num_classes + num_answers
    outputs = [
        layers.Reshape((1, width), name=f"{member_prefix(number)}member")(
            _logits(inputs, config, num_classes, num_answers, KERAS_LAYERS, member_prefix(number))
        )
        for number, config in enumerate(configs)
    ]
    together = layers.Concatenate(axis=1, name="members")(outputs) if outputs[1:] else outputs[0]
    return keras.Model(inputs, together)


def _logits(
    inputs: Any,
    config: NetworkConfig,
    num_classes: int,
    num_answers: int,
    kinds: LayerKinds,
    prefix: str = "",
) -> Any:
    """Grow one network from its input to its logits; arguments as of ``build_network``."""

    def conv(x: Any, filters: int, kernel_size: int, name: str) -> Any:
        x = kinds.conv(
            filters,
            kernel_size,
            padding="same",
            use_bias=not config.batch_norm,
            kernel_initializer="he_normal",
            name=f"{prefix}{name}_conv",
        )(x)
        if not config.batch_norm:
            return x
        return kinds.batch_norm(momentum=0.9, name=f"{prefix}{name}_norm")(x)

    def relu(x: Any, name: str) -> Any:
        return layers.ReLU(name=f"{prefix}{name}_relu")(x)

    def plain(x: Any, stage: StageConfig, name: str) -> Any:
        return relu(conv(x, stage.filters, stage.kernel_size, name), name)

    def excited(x: Any, filters: int, name: str) -> Any:
        narrow = max(1, filters // config.squeeze)
        name = prefix + name
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(narrow, 1, activation="relu", name=f"{name}_squeeze")(gate)
        gate = layers.Conv2D(filters, 1, activation="sigmoid", name=f"{name}_excite")(gate)
        return layers.Multiply()([x, gate])

    def block(x: Any, stage: StageConfig, name: str) -> Any:
        y = plain(x, stage, f"{name}_first")
        y = conv(y, stage.filters, stage.kernel_size, f"{name}_second")
        y = excited(y, stage.filters, name) if config.squeeze else y
        if x.shape[-1] != stage.filters:
            x = conv(x, stage.filters, 1, f"{name}_shortcut")
        return relu(layers.Add()([x, y]), name)

    grow = plain if config.kind == "vgg" else block
    x = inputs
    if config.stem_filters:
        x = relu(conv(x, config.stem_filters, 3, "stem"), "stem")
        x = kinds.max_pool(config.stem_pool)(x) if config.stem_pool > 1 else x
    for number, stage in enumerate(config.stages, 1):
        for index in range(stage.depth):
            x = grow(x, stage, f"stage{number}_block{index + 1}")
        x = kinds.max_pool(stage.pool)(x) if stage.pool > 1 else x
        x = layers.SpatialDropout2D(stage.dropout)(x) if stage.dropout else x
    x = layers.GlobalAveragePooling2D()(x) if config.head == "average" else layers.Flatten()(x)
    for number, units in enumerate(config.dense, 1):
        x = layers.Dropout(config.dropout)(x) if config.dropout else x
        x = layers.Dense(
            units,
            activation="relu",
            kernel_initializer="he_normal",
            name=f"{prefix}dense{number}",
        )(x)
    x = layers.Dropout(config.dropout)(x) if config.dropout else x
    # Logits in float32 also under mixed precision: a softmax in 8 bits of mantissa loses ranks.
    labels = layers.Dense(num_classes, dtype="float32", name=prefix + LABELS_LAYER)(x)
    if not num_answers:
        return labels
    answers = layers.Dense(num_answers, dtype="float32", name=prefix + CROWD_LAYER)(x)
    return layers.Concatenate(dtype="float32", name=f"{prefix}heads")([labels, answers])
