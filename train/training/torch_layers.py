"""Faster layers for training on PyTorch.

Keras computes batch normalisation on PyTorch from elementwise operations, and brings the input of
every convolution and pooling into the order of channels first and back; PyTorch has one kernel for
each that takes the pictures as they lie. ``python -m benchmarks.training`` measures the gain.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from fer_core.network import KERAS_LAYERS, LayerKinds


def layer_kinds() -> LayerKinds:
    """Return the fastest layers of the running backend; all have the same variables."""
    return _torch_layers() if keras.backend.backend() == "torch" else KERAS_LAYERS


def _torch_layers() -> LayerKinds:
    import torch
    from torch.nn import functional

    def as_torch(x: Any) -> Any:
        # A one-channel input has no memory order of its own, so the first convolution may
        # answer in the slow one; from here on all is channels-last.
        return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def as_keras(x: Any) -> Any:
        return x.permute(0, 2, 3, 1)

    class TorchConv2D(layers.Conv2D):
        """Convolution of stride 1 by ``torch.nn.functional.conv2d``."""

        def call(self, inputs: Any) -> Any:
            kernel = self.kernel.value.permute(3, 2, 0, 1)
            bias = self.bias.value if self.use_bias else None
            return as_keras(
                functional.conv2d(
                    as_torch(inputs),
                    kernel.contiguous(memory_format=torch.channels_last),
                    bias,
                    padding=self.padding,
                )
            )

    class TorchBatchNormalization(layers.BatchNormalization):
        """Batch normalisation over the last axis by ``torch.nn.functional.batch_norm``."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return as_keras(
                functional.batch_norm(
                    as_torch(inputs),
                    self.moving_mean.value,
                    self.moving_variance.value,
                    self.gamma.value,
                    self.beta.value,
                    bool(training),
                    1 - self.momentum,
                    self.epsilon,
                )
            )

    class TorchMaxPooling2D(layers.MaxPooling2D):
        """Max-pooling without padding by ``torch.nn.functional.max_pool2d``."""

        def call(self, inputs: Any) -> Any:
            return as_keras(functional.max_pool2d(as_torch(inputs), self.pool_size))

    return LayerKinds(TorchConv2D, TorchBatchNormalization, TorchMaxPooling2D)
