"""The convolutional network in Keras 3, built from a configuration.

Importing this module imports Keras and its backend; only training, export and explanation do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import keras
from keras import layers
from pydantic import BaseModel, ConfigDict, Field

from fer_core.preprocessing import INPUT_SIZE

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]


class StrictModel(BaseModel):
    """A configuration that refuses unknown keys and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageConfig(StrictModel):
    """One stage of convolutions at one resolution.

    Attributes:
        filters: Output channels of every convolution of the stage.
        depth: Number of convolutions ("vgg") or of two-convolution blocks ("residual").
        kernel_size: Side of the kernels in pixels.
        pool: Side of the max-pooling behind the stage; 1 for none.
        dropout: Share of whole channels dropped behind the stage while training.
    """

    filters: Positive
    depth: Positive = 1
    kernel_size: Positive = 3
    pool: Positive = 2
    dropout: Fraction = 0.0


class NetworkConfig(StrictModel):
    """A network, from its input to its logits.

    Attributes:
        kind: "vgg": plain stacks of convolutions (Simonyan and Zisserman, 2015); "residual":
            basic blocks with shortcuts (He et al., 2016).
        stages: From the input to the head.
        stem_filters: Channels of a first convolution before the stages; 0 for none.
        stem_pool: Side of the max-pooling behind that convolution.
        batch_norm: Whether every convolution is batch-normalised (Ioffe and Szegedy, 2015).
        head: "average" pools each channel to its mean; "flatten" keeps the places.
        dense: Units of the fully connected layers before the output.
        dropout: Share of units dropped before each fully connected layer while training.
    """

    kind: Literal["vgg", "residual"]
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    stem_filters: Annotated[int, Field(ge=0)] = 0
    stem_pool: Positive = 1
    batch_norm: bool = True
    head: Literal["average", "flatten"] = "average"
    dense: tuple[Positive, ...] = ()
    dropout: Fraction = 0.0


def build_network(
    config: NetworkConfig,
    num_classes: int,
    *,
    input_size: int | None = INPUT_SIZE,
    batch_norm_layer: type[layers.BatchNormalization] = layers.BatchNormalization,
) -> keras.Model:
    """Builds the network with random weights.

    Args:
        config: The architecture.
        num_classes: Number of outputs K.
        input_size: Side of the input in pixels; None for any size, which a "flatten" head
            does not allow.
        batch_norm_layer: The class that computes batch normalisation; see ``train.fused``.

    Returns:
        A model from float32 ``(N, input_size, input_size, 1)``, as ``normalize_faces`` makes
        it, to float32 logits ``(N, num_classes)``.
    """

    def conv(x: Any, filters: int, kernel_size: int) -> Any:
        x = layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=not config.batch_norm,
            kernel_initializer="he_normal",
        )(x)
        return batch_norm_layer(momentum=0.9)(x) if config.batch_norm else x

    def plain(x: Any, stage: StageConfig) -> Any:
        return layers.ReLU()(conv(x, stage.filters, stage.kernel_size))

    def block(x: Any, stage: StageConfig) -> Any:
        y = conv(plain(x, stage), stage.filters, stage.kernel_size)
        if x.shape[-1] != stage.filters:
            x = conv(x, stage.filters, 1)
        return layers.ReLU()(layers.Add()([x, y]))

    grow = plain if config.kind == "vgg" else block
    inputs = layers.Input((input_size, input_size, 1), name="face")
    x = inputs
    if config.stem_filters:
        x = layers.ReLU()(conv(x, config.stem_filters, 3))
        x = layers.MaxPooling2D(config.stem_pool)(x) if config.stem_pool > 1 else x
    for stage in config.stages:
        for _ in range(stage.depth):
            x = grow(x, stage)
        x = layers.MaxPooling2D(stage.pool)(x) if stage.pool > 1 else x
        x = layers.SpatialDropout2D(stage.dropout)(x) if stage.dropout else x
    x = layers.GlobalAveragePooling2D()(x) if config.head == "average" else layers.Flatten()(x)
    for units in config.dense:
        x = layers.Dropout(config.dropout)(x) if config.dropout else x
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.Dropout(config.dropout)(x) if config.dropout else x
    # Logits in float32 also under mixed precision: a softmax in 8 bits of mantissa loses ranks.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits)
