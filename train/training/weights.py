"""The weights of a network by the names of its layers, so that they fit where the names do."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

_WEIGHTS_FILE = "model.weights.h5"


def named_weights(network: keras.Model) -> dict[str, NDArray[np.floating]]:
    """Return all weights by "<layer>/<number>", numbered in the layer's own order."""
    return {
        f"{layer.name}/{number}": weight
        for layer in network.layers
        for number, weight in enumerate(layer.get_weights())
    }


def set_named_weights(
    network: keras.Model, weights: Mapping[str, NDArray[np.floating]], prefix: str = ""
) -> None:
    """Give layers the weights that ``named_weights`` returned of another network.

    Args:
        network: It is changed in place.
        weights: Of whole layers.
        prefix: What the names of the layers begin with in ``network``.

    Raises:
        ValueError: The network has no such layer, or one of another shape.
    """
    layers = dict.fromkeys(key.rpartition("/")[0] for key in weights)
    for name in layers:
        own = [key for key in weights if key.rpartition("/")[0] == name]
        own.sort(key=lambda key: int(key.rpartition("/")[2]))
        network.get_layer(prefix + name).set_weights([weights[key] for key in own])


def halve_weights(path: Path) -> None:
    """Store the weights of a ``.keras`` file in float16; it loads into float32 as before."""
    part = path.with_name(f"part-{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            content = _halved(content) if item.filename == _WEIGHTS_FILE else content
            new.writestr(item, content, zipfile.ZIP_DEFLATED)
    os.replace(part, path)


def _halved(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(buffer, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                values = item[()]
                halved = values.astype(np.float16) if values.dtype == np.float32 else values
                made: h5py.Group | h5py.Dataset = new.create_dataset(name, data=halved)
            else:
                made = new.require_group(name)
            made.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    return buffer.getvalue()
