"""The convolutional network in Keras 3, built from a configuration.

Importing this module imports Keras and its backend; only training, export and explanation do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import layers

from fer_core.network_config import NetworkConfig, StageConfig
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
    input_size: int | None = INPUT_SIZE,
    kinds: LayerKinds = KERAS_LAYERS,
) -> keras.Model:
    """Builds the network with random weights.

    Args:
        config: The architecture.
        num_classes: Number of outputs K.
        input_size: Side of the input in pixels; None for any size, which a "flatten" head
            does not allow.
        kinds: The classes of its layers.

    Returns:
        A model from float32 ``(N, input_size, input_size, 1)``, as ``normalize_faces`` makes
        it, to float32 logits ``(N, num_classes)``.
    """

    def conv(x: Any, filters: int, kernel_size: int, name: str) -> Any:
        x = kinds.conv(
            filters,
            kernel_size,
            padding="same",
            use_bias=not config.batch_norm,
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        return kinds.batch_norm(momentum=0.9, name=f"{name}_norm")(x) if config.batch_norm else x

    def plain(x: Any, stage: StageConfig, name: str) -> Any:
        return layers.ReLU()(conv(x, stage.filters, stage.kernel_size, name))

    def excited(x: Any, filters: int, name: str) -> Any:
        narrow = max(1, filters // config.squeeze)
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
        return layers.ReLU()(layers.Add()([x, y]))

    grow = plain if config.kind == "vgg" else block
    inputs = layers.Input((input_size, input_size, 1), name="face")
    x = inputs
    if config.stem_filters:
        x = layers.ReLU()(conv(x, config.stem_filters, 3, "stem"))
        x = kinds.max_pool(config.stem_pool)(x) if config.stem_pool > 1 else x
    for number, stage in enumerate(config.stages, 1):
        for index in range(stage.depth):
            x = grow(x, stage, f"stage{number}_block{index + 1}")
        x = kinds.max_pool(stage.pool)(x) if stage.pool > 1 else x
        x = layers.SpatialDropout2D(stage.dropout)(x) if stage.dropout else x
    x = layers.GlobalAveragePooling2D()(x) if config.head == "average" else layers.Flatten()(x)
    for units in config.dense:
        x = layers.Dropout(config.dropout)(x) if config.dropout else x
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.Dropout(config.dropout)(x) if config.dropout else x
    # Logits in float32 also under mixed precision: a softmax in 8 bits of mantissa loses ranks.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits)
