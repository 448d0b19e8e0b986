"""A shipped Keras network, and as a table: layers, shapes, parameters and multiply-adds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
from keras import layers

from fer_core.errors import ModelError
from fer_core.preprocessing import INPUT_SIZE
from train.evaluation.records import Architecture, LayerRow

KERAS_FILE = "model.keras"


def read_keras(folder: Path) -> keras.Model:
    """Read the Keras model of a model's folder.

    Raises:
        ModelError: ``model.keras`` is missing or cannot be loaded.
    """
    path = folder / KERAS_FILE
    if not path.is_file():
        raise ModelError(f"The model '{folder.name}' is incomplete: {KERAS_FILE} is missing.")
    try:
        return keras.saving.load_model(path, compile=False)
    # Keras raises whatever its zip, JSON and HDF5 readers do.
    except Exception as error:
        raise ModelError(
            f"The model '{folder.name}' is damaged: {KERAS_FILE} cannot be loaded."
        ) from error


def describe(network: keras.Model) -> Architecture:
    """Describe a functional network, for one picture of the size that is served.

    Args:
        network: From faces float32 ``(N, S, S, 1)`` to logits.
    """
    rows = tuple(_row(layer) for layer in network.layers)
    return Architecture(
        rows, sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
    )


def _row(layer: Any) -> LayerRow:
    shape = tuple(
        # A network for any size has no size of its own.
        INPUT_SIZE if side is None else int(side)
        for side in layer.output.shape[1:]
    )
    return LayerRow(
        layer.name,
        type(layer).__name__,
        _inputs(layer),
        shape,
        int(layer.count_params()),
        _multiply_adds(layer, shape),
        _settings(layer),
    )


def _inputs(layer: Any) -> tuple[str, ...]:
    if isinstance(layer, layers.InputLayer):
        return ()
    # Where a tensor comes from has no public name in Keras 3; its own drawing reads this one.
    return tuple(tensor._keras_history.operation.name for tensor in keras.tree.flatten(layer.input))


def _multiply_adds(layer: Any, shape: tuple[int, ...]) -> int:
    if isinstance(layer, layers.Conv2D):
        return int(math.prod(layer.kernel.shape)) * math.prod(shape[:2])
    return int(math.prod(layer.kernel.shape)) if isinstance(layer, layers.Dense) else 0


def _settings(layer: Any) -> str:
    if isinstance(layer, layers.Conv2D):
        return "×".join(map(str, layer.kernel_size))
    if isinstance(layer, layers.MaxPooling2D):
        return "×".join(map(str, layer.pool_size))
    if isinstance(layer, layers.Dropout | layers.SpatialDropout2D):
        return f"rate {layer.rate:g}"
    return ""
