"""The network of ``fer_core.network`` as a PyTorch module, for training on a graphics card.

Keras on PyTorch spends more time between the kernels than in them once a card computes them. This
module has the same layers, with the same names, so that weights go from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fer_core.network_config import NetworkConfig, StageConfig

# Of Keras' BatchNormalization, and of the momentum that ``build_network`` gives it.
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
    """A residual network with an average head and two outputs side by side."""

    def __init__(self, config: NetworkConfig, num_classes: int, num_answers: int) -> None:
        """Builds the network with random weights.

        Args:
            config: The architecture; "residual", batch-normalised, with a stem, an average head
                and no further dense layers or spatial dropout.
            num_classes: Number of labels K.
            num_answers: Number of the crowd's answers A.

        Raises:
            ValueError: The architecture is none of these.
        """
        super().__init__()
        plain = config.dense == () and not any(stage.dropout for stage in config.stages)
        residual = config.kind == "residual" and config.batch_norm and config.head == "average"
        if not (plain and residual and config.stem_filters):
            raise ValueError("Only residual networks with a stem and an average head are here.")
        self.config = config
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
        """Returns logits, float32 ``(N, K + A)``, of normalised faces ``(N, 1, H, W)``."""
        x = functional.relu(self.stem(faces))
        if self.config.stem_pool > 1:
            x = functional.max_pool2d(x, self.config.stem_pool)
        for stage, blocks in zip(self.config.stages, self.stages, strict=True):
            x = blocks(x)
            x = functional.max_pool2d(x, stage.pool) if stage.pool > 1 else x
        x = functional.dropout(x.mean((2, 3)).float(), self.config.dropout, self.training)
        with torch.autocast(x.device.type, enabled=False):
            return torch.cat([self.labels(x), self.answers(x)], 1)

    def _named_parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Yields Keras' layers by name, in no order that means anything."""
        convs = [("stem", self.stem)]
        for number, stage in enumerate(self.stages, 1):
            for index, block in enumerate(stage.children(), 1):
                name = f"stage{number}_block{index}"
                convs += [(f"{name}_{part}", getattr(block, part)) for part in ("first", "second")]
                convs += [(f"{name}_shortcut", block.shortcut)] if block.shortcut else []
                if block.squeeze:
                    yield f"{name}_squeeze", block.squeeze
                    yield f"{name}_excite", block.excite
        for name, pair in convs:
            yield f"{name}_conv", pair.conv
            yield f"{name}_norm", pair.norm
        yield "logits", self.labels
        yield "crowd", self.answers

    def keras_weights(self) -> dict[str, NDArray[np.float32]]:
        """Returns the weights as Keras has them: "<layer>/<number>", in the layer's own order."""
        weights = {}
        with torch.no_grad():
            for name, part in self._named_parts():
                for number, tensor in enumerate(_tensors(part)):
                    array = tensor.float().cpu().numpy()
                    weights[f"{name}/{number}"] = np.ascontiguousarray(_to_keras(array))
        return weights

    def load_keras_weights(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Takes weights over from Keras, or from ``keras_weights``.

        Raises:
            KeyError: A layer's weights are missing.
            ValueError: A layer has another shape.
        """
        with torch.no_grad():
            for name, part in self._named_parts():
                for number, tensor in enumerate(_tensors(part)):
                    array = _from_keras(np.asarray(weights[f"{name}/{number}"], np.float32))
                    if array.shape != tuple(tensor.shape):
                        raise ValueError(f"{name} has {array.shape}, not {tuple(tensor.shape)}.")
                    tensor.copy_(torch.from_numpy(np.array(array)))


def _tensors(part: nn.Module) -> list[Tensor]:
    """Returns the variables of a layer in the order in which Keras has them."""
    if isinstance(part, nn.BatchNorm2d):
        mean, variance = part.running_mean, part.running_var
        assert mean is not None and variance is not None
        return [part.weight, part.bias, mean, variance]
    assert isinstance(part, nn.Conv2d | nn.Linear)
    return [part.weight] if part.bias is None else [part.weight, part.bias]


def _to_keras(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brings a kernel from PyTorch's order, outputs first, into Keras', outputs last."""
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def _from_keras(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
