"""Training with everything on the device: pictures, their variation, network and optimiser.

On a graphics card one step is captured as a CUDA graph and replayed, so that a small network does
not wait for Python. On a CPU the same steps run one by one.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fer_core.preprocessing import INPUT_SIZE
from train.training.campaign_config import MemberConfig
from train.training.config import OptimizerConfig
from train.training.device_answers import evaluate_on, precision_context
from train.training.device_augment import augment_batch, normalize_batch
from train.training.device_pictures import DevicePictures
from train.training.torch_network import TorchNetwork

logger = logging.getLogger(__name__)

LogRow = dict[str, float]

# Before a capture, so that cuDNN has chosen its kernels and memory is allocated.
_WARM_UP_STEPS = 5
_TIMED_STEPS = 20
# A report costs the statistics of the averaged weights, and a look at every watched picture.
_REPORTS = 6
_REPORT_STATISTICS_BATCHES = 24
_STATISTICS_BATCH_SIZE = 256
# Of a given time; the rest is for the reports and for the statistics at the end.
_TRAINING_SHARE = 0.93


def fit_member(
    config: MemberConfig,
    network: TorchNetwork,
    pictures: DevicePictures,
    checks: Mapping[str, DevicePictures],
    *,
    seconds: float | None = None,
) -> tuple[TorchNetwork, list[LogRow]]:
    """Train a network.

    Args:
        config: How.
        network: On the pictures' device; its weights are trained in place.
        pictures: What it learns.
        checks: Pictures to watch it on, by name.
        seconds: Train for as many whole epochs as this time has room for, by the speed of the
            first steps and at least one, in place of ``config.epochs``.

    Returns:
        A network in evaluation mode with the moving average of the weights and the statistics
        that they give unvaried pictures; and a row of figures for each of six epochs, or for
        every epoch where there are fewer: "epoch", the number of epochs done; "loss", of the last
        batch; "<check>_<score>" for the fields of ``Scores``; "seconds" since the start.
    """
    rng = np.random.default_rng(config.seed)
    started = time.monotonic()
    trainer = _Trainer(network.train(), config, pictures)
    trainer.capture()
    steps_per_epoch = len(pictures) // trainer.batch_size
    epochs = config.epochs
    if seconds is not None:
        rate = _steps_per_second(trainer, rng)
        left = seconds - (time.monotonic() - started)
        epochs = max(1, int(_TRAINING_SHARE * left * rate / steps_per_epoch))
        speed = rate * trainer.batch_size
        logger.info("%s: %.0f pictures a second, %d epochs.", config.name, speed, epochs)
    steps = epochs * steps_per_epoch
    reports = {round((index + 1) * epochs / _REPORTS) for index in range(_REPORTS)}
    log: list[LogRow] = []
    done = 0
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(pictures))
        for index in range(steps_per_epoch):
            rows = order[index * trainer.batch_size : (index + 1) * trainer.batch_size]
            variations = rng.integers(0, pictures.variations, len(rows))
            mask = _mixing_mask(config, rng)
            # At first the plain mean of all steps, or the average would remember random weights.
            forget = max(1 - config.optimizer.ema_decay, 1 / (done + 2))
            trainer.train_on(rows, variations, mask, config.rate_at(done / steps), forget)
            done += 1
        if epoch in reports:
            averaged = averaged_network(
                network, trainer.optimizer.averages, pictures, _REPORT_STATISTICS_BATCHES
            )
            row: LogRow = {"epoch": epoch, "loss": float(trainer.loss)}
            for name, check in checks.items():
                scores = asdict(evaluate_on(averaged, check, config.precision))
                row |= {f"{name}_{score}": value for score, value in scores.items()}
            row["seconds"] = time.monotonic() - started
            log.append(row)
            logger.info("%s %s", config.name, {key: round(value, 4) for key, value in row.items()})
    return averaged_network(network, trainer.optimizer.averages, pictures), log


def averaged_network(
    network: TorchNetwork,
    averages: Sequence[Tensor],
    pictures: DevicePictures,
    batches: int | None = None,
) -> TorchNetwork:
    """Return a copy with averaged weights and the statistics that they give pictures.

    Args:
        network: The network whose weights were averaged.
        averages: In the order of its parameters.
        pictures: What the statistics are of: their first variation, not varied further.
        batches: How many batches the statistics are of; None for all pictures.

    Returns:
        The copy in evaluation mode.
    """
    averaged = copy.deepcopy(network)
    averaged.train()
    norms = [part for part in averaged.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    order = np.random.default_rng(0).permutation(len(pictures))
    whole = max(1, len(order) // _STATISTICS_BATCH_SIZE)
    with torch.no_grad():
        for parameter, average in zip(averaged.parameters(), averages, strict=True):
            parameter.copy_(average)
        for index in range(whole if batches is None else min(batches, whole)):
            for norm in norms:
                norm.momentum = 1 / (index + 1)
            start = index * _STATISTICS_BATCH_SIZE
            rows = torch.from_numpy(order[start : start + _STATISTICS_BATCH_SIZE])
            faces = pictures.faces[0, rows.to(pictures.device)]
            averaged(normalize_batch(faces.float()[:, None]))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    averaged.eval()
    return averaged


def target_loss(logits: Tensor, targets: Tensor, num_classes: int, config: MemberConfig) -> Tensor:
    """Return the mean loss of a batch, as ``train.training.targets.TargetLoss`` defines it.

    Args:
        logits: float32 ``(B, K + A)``.
        targets: float32 ``(B, K + A)``.
        num_classes: K.
        config: Its label smoothing, and its weight of the crowd's answers.
    """
    smoothing = config.optimizer.label_smoothing
    labels = targets[:, :num_classes] * (1 - smoothing) + smoothing / num_classes
    loss = -(labels * functional.log_softmax(logits[:, :num_classes], 1)).sum(1)
    answers = targets[:, num_classes:] * functional.log_softmax(logits[:, num_classes:], 1)
    return (loss - config.crowd_weight * answers.sum(1)).mean()


class _Optimizer:
    """SGD with Nesterov momentum, decoupled decay and a moving average, as Keras computes them.

    Attributes:
        parameters: What is trained.
        averages: Their moving averages.
        rate: The learning rate, a scalar on the device, which a captured step reads anew.
        forget: How far the averages move towards the parameters in a step, from 0 to 1; likewise.
    """

    def __init__(self, network: TorchNetwork, config: OptimizerConfig) -> None:
        self.parameters: list[Tensor] = list(network.parameters())
        self.averages = [parameter.detach().clone() for parameter in self.parameters]
        self.rate = torch.zeros((), device=self.parameters[0].device)
        self.forget = torch.zeros_like(self.rate)
        self._velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._config = config

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Update the parameters, then their averages."""
        momentum = self._config.momentum
        with torch.no_grad():
            torch._foreach_mul_(self.parameters, 1 - self.rate * self._config.weight_decay)
            scaled = torch._foreach_mul(gradients, self.rate)
            torch._foreach_mul_(self._velocities, momentum)
            torch._foreach_sub_(self._velocities, scaled)
            torch._foreach_add_(self.parameters, self._velocities, alpha=momentum)
            torch._foreach_sub_(self.parameters, scaled)
            difference = torch._foreach_sub(self.parameters, self.averages)
            torch._foreach_mul_(difference, self.forget)
            torch._foreach_add_(self.averages, difference)


class _Trainer:
    """A network, its optimiser, and the buffers on the device that a captured step reads.

    Attributes:
        optimizer: The network's.
        loss: Of the last step's batch, a scalar on the device.
    """

    def __init__(
        self, network: TorchNetwork, config: MemberConfig, pictures: DevicePictures
    ) -> None:
        self._network, self._config, self._pictures = network, config, pictures
        device = pictures.device
        self.optimizer = _Optimizer(network, config.optimizer)
        self.loss = torch.zeros((), device=device)
        batch_size = min(config.batch_size, len(pictures))
        self._rows = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._variations = torch.zeros_like(self._rows)
        self._mask = torch.ones(1, 1, INPUT_SIZE, INPUT_SIZE, device=device)
        self._run: Callable[[], None] = self._step
        # What teachers answered is varied and framed already.
        self._augmentation, self._framed_share = (
            (config.taught_augmentation, 0.0)
            if config.teachers
            else (config.augmentation, config.framed_share)
        )

    @property
    def batch_size(self) -> int:
        """Pictures per step; all of them where there are fewer than configured."""
        return len(self._rows)

    @property
    def pictures(self) -> DevicePictures:
        """What is learned."""
        return self._pictures

    def capture(self) -> None:
        """Record the step as a CUDA graph, on a graphics card; the weights stay as they are."""
        if self._pictures.device.type != "cuda":
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_STEPS):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        self._run = graph.replay

    def train_on(
        self,
        rows: NDArray[np.int64],
        variations: NDArray[np.int64],
        mask: NDArray[np.float32],
        rate: float,
        forget: float,
    ) -> None:
        """Take one step.

        Args:
            rows: int64 ``(B,)``, which pictures.
            variations: int64 ``(B,)``, which variation of each.
            mask: float32 ``(48, 48)``, what each pixel keeps of its own picture, from 0 to 1; the
                rest is the picture that has its place in the reversed batch.
            rate: Learning rate.
            forget: How far the averages move, from 0 to 1.
        """
        # Without waiting for the steps that the card still has to do.
        self._rows.copy_(torch.from_numpy(rows), non_blocking=True)
        self._variations.copy_(torch.from_numpy(variations), non_blocking=True)
        self._mask.copy_(torch.from_numpy(mask)[None, None], non_blocking=True)
        self.optimizer.rate.fill_(rate)
        self.optimizer.forget.fill_(forget)
        self._run()

    def _step(self) -> None:
        config, pictures = self._config, self._pictures
        faces = pictures.faces[self._variations, self._rows].float()[:, None]
        targets = pictures.targets[self._variations, self._rows]
        with torch.no_grad():
            framings = pictures.framings[self._rows]
            varied = augment_batch(faces, framings, self._augmentation, self._framed_share)
            inputs = normalize_batch(varied)
            # Mixup and CutMix are one: the mask is even, or 0 and 1.
            inputs = self._mask * inputs + (1 - self._mask) * inputs.flip(0)
            share = self._mask.mean()
            targets = share * targets + (1 - share) * targets.flip(0)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with precision_context(pictures.device, config.precision):
            logits = self._network(inputs)
        loss = target_loss(logits, targets, pictures.num_classes, config)
        self.optimizer.step(torch.autograd.grad(loss, self.optimizer.parameters))
        self.loss.copy_(loss.detach())


def _steps_per_second(trainer: _Trainer, rng: np.random.Generator) -> float:
    """Measure the speed of steps at a rate of 0, which leave the weights as they are."""
    mask = np.ones((INPUT_SIZE, INPUT_SIZE), np.float32)
    started = 0.0
    for index in range(2 * _TIMED_STEPS):
        if index == _TIMED_STEPS:
            # Reading the loss waits for the device.
            float(trainer.loss)
            started = time.monotonic()
        rows = rng.integers(0, len(trainer.pictures), trainer.batch_size)
        trainer.train_on(rows, np.zeros_like(rows), mask, 0.0, 0.0)
    float(trainer.loss)
    return _TIMED_STEPS / (time.monotonic() - started)


def _mixing_mask(config: MemberConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw what each pixel keeps of its own picture when two are mixed, float32 ``(48, 48)``."""
    mask = np.ones((INPUT_SIZE, INPUT_SIZE), np.float32)
    if config.mix == "none" or rng.random() >= config.mix_probability:
        return mask
    share = rng.beta(config.mix_alpha, config.mix_alpha)
    if config.mix == "mixup":
        return mask * np.float32(share)
    side = round(INPUT_SIZE * math.sqrt(1 - share))
    top, left = rng.integers(0, INPUT_SIZE - side + 1, 2)
    mask[top : top + side, left : left + side] = 0
    return mask
