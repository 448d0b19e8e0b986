"""The network of ``fer_core.network`` as a PyTorch module, for training on a graphics card.

On a graphics card Keras spends more time between the kernels than in them, and a step of it cannot
be captured as a CUDA graph. This module has the same layers under the same names, so that weights
go from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fer_core.network_config import NetworkConfig, StageConfig
from train.errors import ConfigError

# Keras' default, and what PyTorch calls the momentum 0.9 of ``build_network``.
_NORM_EPSILON = 1e-3
_NORM_MOMENTUM = 0.1


class _Conv(nn.Module):
    """A convolution and its batch normalisation, with "same" padding."""

    def __init__(self, inputs: int, filters: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, kernel_size, padding="same", bias=False)
        self.norm = nn.BatchNorm2d(filters, _NORM_EPSILON, _NORM_MOMENTUM)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        normalized: Tensor = self.norm(self.conv(x))
        return normalized


class _Block(nn.Module):
    """A basic residual block, with squeeze-and-excitation if ``squeeze`` is not 0."""

    def __init__(self, inputs: int, stage: StageConfig, squeeze: int) -> None:
        super().__init__()
        self.first = _Conv(inputs, stage.filters, stage.kernel_size)
        self.second = _Conv(stage.filters, stage.filters, stage.kernel_size)
        self.shortcut = _Conv(inputs, stage.filters, 1) if inputs != stage.filters else None
        narrow = max(1, stage.filters // squeeze) if squeeze else 0
        self.squeeze = nn.Conv2d(stage.filters, narrow, 1) if squeeze else None
        self.excite = nn.Conv2d(narrow, stage.filters, 1) if squeeze else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        if self.squeeze is not None and self.excite is not None:
            gate = functional.relu(self.squeeze(y.mean((2, 3), keepdim=True)))
            y = y * torch.sigmoid(self.excite(gate))
        if self.shortcut is not None:
            x = self.shortcut(x)
        return functional.relu(x + y)


class TorchNetwork(nn.Module):
    """A residual network with an average head and two outputs side by side.

    Attributes:
        config: The architecture.
        num_classes: Number of labels K, the first outputs.
    """

    def __init__(self, config: NetworkConfig, num_classes: int, num_answers: int) -> None:
        """Build the network with random weights.

        Args:
            config: The architecture: residual and batch-normalised, with a stem, an average head,
                no dense layer but the outputs and no dropout of whole channels.
            num_classes: Number of labels K.
            num_answers: Number of the crowd's answers A.

        Raises:
            ConfigError: The architecture is another one.
        """
        super().__init__()
        plain = config.dense == () and not any(stage.dropout for stage in config.stages)
        residual = config.kind == "residual" and config.batch_norm and config.head == "average"
        if not (plain and residual and config.stem_filters):
            raise ConfigError(
                "A campaign trains residual, batch-normalised networks with a stem, an average "
                "head, no further dense layers and no dropout in their stages."
            )
        self.config = config
        self.num_classes = num_classes
        self.stem = _Conv(1, config.stem_filters, 3)
        inputs = config.stem_filters
        stages = []
        for stage in config.stages:
            blocks = []
            for _ in range(stage.depth):
                blocks.append(_Block(inputs, stage, config.squeeze))
                inputs = stage.filters
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.labels = nn.Linear(inputs, num_classes)
        self.answers = nn.Linear(inputs, num_answers)
        for head in (self.labels, self.answers):
            nn.init.xavier_uniform_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, faces: Tensor) -> Tensor:
        """Return logits, float32 ``(N, K + A)``, of normalised faces ``(N, 1, H, W)``."""
        x = functional.relu(self.stem(faces))
        if self.config.stem_pool > 1:
            x = functional.max_pool2d(x, self.config.stem_pool)
        for stage, blocks in zip(self.config.stages, self.stages, strict=True):
            x = blocks(x)
            x = functional.max_pool2d(x, stage.pool) if stage.pool > 1 else x
        # Logits in float32 also under autocast: a softmax in 8 bits of mantissa loses ranks.
        x = functional.dropout(x.mean((2, 3)).float(), self.config.dropout, self.training)
        with torch.autocast(x.device.type, enabled=False):
            return torch.cat([self.labels(x), self.answers(x)], 1)

    def _layers(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield the layers by Keras' names, in no particular order."""
        yield from _pair("stem", self.stem)
        for number, blocks in enumerate(self.stages, 1):
            for index, block in enumerate(blocks, 1):
                name = f"stage{number}_block{index}"
                yield from _pair(f"{name}_first", block.first)
                yield from _pair(f"{name}_second", block.second)
                if block.shortcut is not None:
                    yield from _pair(f"{name}_shortcut", block.shortcut)
                if block.squeeze is not None:
                    yield f"{name}_squeeze", block.squeeze
                    yield f"{name}_excite", block.excite
        yield "logits", self.labels
        yield "crowd", self.answers

    def _variables(self) -> dict[str, Tensor]:
        """Return all weights and statistics by "<layer>/<number>", numbered as in Keras."""
        return {
            f"{name}/{number}": tensor
            for name, layer in self._layers()
            for number, tensor in enumerate(_variables_of(layer))
        }

    def keras_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights as Keras has them, by "<layer>/<number>" in the layer's own order."""
        return {
            name: np.ascontiguousarray(_to_keras(tensor.detach().float().cpu().numpy()))
            for name, tensor in self._variables().items()
        }

    def load_keras_weights(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Take over weights as ``keras_weights`` returns them; nothing changes on an error.

        Raises:
            ValueError: They are not those of this architecture.
        """
        variables = self._variables()
        if weights.keys() != variables.keys():
            odd = min(weights.keys() ^ variables.keys())
            raise ValueError(f"{odd} is in one of the two networks only")
        arrays = {
            name: _from_keras(np.asarray(weight, np.float32)) for name, weight in weights.items()
        }
        for name, tensor in variables.items():
            if arrays[name].shape != tuple(tensor.shape):
                raise ValueError(f"{name} is {weights[name].shape} in one of the two networks only")
        with torch.no_grad():
            for name, tensor in variables.items():
                tensor.copy_(torch.from_numpy(arrays[name].copy()))


def _pair(name: str, pair: _Conv) -> Iterator[tuple[str, nn.Module]]:
    yield f"{name}_conv", pair.conv
    yield f"{name}_norm", pair.norm


def _variables_of(layer: nn.Module) -> list[Tensor]:
    """Return the variables of a layer in the order in which Keras has them."""
    if isinstance(layer, nn.BatchNorm2d):
        return [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    return [layer.weight] if layer.bias is None else [layer.weight, layer.bias]


def _to_keras(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a kernel from PyTorch's order, outputs first, into Keras', outputs last."""
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def _from_keras(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a kernel from Keras' order into PyTorch's."""
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
