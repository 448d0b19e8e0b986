"""Batch statistics for a network whose weights are averages.

While a network trains, its batch normalisation keeps running statistics of augmented pictures,
computed with weights that still move. What ships is an average of weights that reads unvaried
pictures, so the statistics are taken anew for both (Izmailov et al., 2018, "Averaging Weights
Leads to Wider Optima"; Wu and Johnson, 2021, "Rethinking 'Batch' in BatchNorm").
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from fer_core.preprocessing import normalize_faces

_BATCH = 256


def reestimate_statistics(network: keras.Model, faces_gray: NDArray[np.uint8], seed: int) -> None:
    """Replace the batch statistics of a network, in place, by their mean over many batches.

    Args:
        network: Its weights stay as they are.
        faces_gray: uint8 ``(N, H, W)``, training pictures without augmentation.
        seed: Of their order: a batch must not be of one class only.
    """
    normalizations = [
        layer for layer in network.layers if isinstance(layer, layers.BatchNormalization)
    ]
    if not normalizations:
        return
    order = np.random.default_rng(seed).permutation(len(faces_gray))
    momenta = [layer.momentum for layer in normalizations]
    for index in range(max(1, len(order) // _BATCH)):
        # With this momentum the running mean is the plain mean of all batches so far.
        for layer in normalizations:
            layer.momentum = index / (index + 1)
        chosen = order[index * _BATCH : (index + 1) * _BATCH]
        network(normalize_faces(faces_gray[chosen]), training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
