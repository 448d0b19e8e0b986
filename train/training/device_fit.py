"""Training with everything on the device: pictures, their variation, the network, the optimiser.

On a graphics card one step is captured once as a CUDA graph and replayed, so that a small network
does not wait for Python. Anywhere else the same steps run one by one.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.training.campaign_config import MemberConfig
from train.training.device_augment import augment_batch, normalize_batch
from train.training.torch_network import TorchNetwork

logger = logging.getLogger(__name__)

_SIDE = 48
_EVALUATION_BATCH = 1024
_WARM_UP_STEPS = 5
_TIMED_STEPS = 20
_REPORTS = 6
# Of a given time, the rest being for reports and for the statistics at the end.
_TRAINING_SHARE = 0.93


@dataclass(frozen=True, slots=True)
class DevicePictures:
    """Pictures and what they teach, on one device.

    Attributes:
        faces: uint8 ``(R, N, 48, 48)``, R variations of N pictures; 1 for the pictures themselves.
        targets: float32 ``(R, N, K + A)``: shares of the labels and of the crowd's answers.
        framings: float32 ``(N, 2, 3)``, see ``device_augment.augment_batch``.
        num_classes: K.
    """

    faces: Tensor
    targets: Tensor
    framings: Tensor
    num_classes: int

    def __len__(self) -> int:
        return self.faces.shape[1]


@dataclass(frozen=True, slots=True)
class Scores:
    """How a network does on labelled pictures.

    Attributes:
        accuracy: Share of pictures whose label is the most probable one.
        log_loss: Mean negative log probability of the label.
        majority: Share of pictures with a single most chosen answer on which the network agrees.
        vote_loss: Mean cross-entropy between the crowd's shares and the network's.
    """

    accuracy: float
    log_loss: float
    majority: float
    vote_loss: float


def pictures_on(
    device: torch.device,
    faces_gray: NDArray[np.uint8],
    labels: NDArray[np.int64],
    shares: NDArray[np.float32],
    num_classes: int,
    framings: NDArray[np.float32] | None = None,
) -> DevicePictures:
    """Copies pictures to a device.

    Args:
        device: Where to.
        faces_gray: uint8 ``(N, 48, 48)``.
        labels: int64 ``(N,)``.
        shares: float32 ``(N, A)``, the crowd's; rows of 0 where there are none.
        num_classes: Number of labels K.
        framings: float32 ``(N, 2, 3)``; rows of NaN where no face was found.
    """
    one_hot = functional.one_hot(torch.from_numpy(labels), num_classes).float()
    targets = torch.cat([one_hot, torch.from_numpy(shares).float()], 1)
    frames = torch.eye(2, 3).repeat(len(labels), 1, 1)
    if framings is not None:
        known = torch.from_numpy(np.isfinite(framings).all(axis=(1, 2)))
        frames[known] = torch.from_numpy(framings)[known]
    return DevicePictures(
        torch.from_numpy(faces_gray)[None].to(device),
        targets[None].to(device),
        frames.to(device),
        num_classes,
    )


class _Optimizer:
    """SGD with Nesterov momentum, decoupled decay and a moving average, as Keras computes them."""

    def __init__(self, network: TorchNetwork, config: MemberConfig) -> None:
        self.parameters = list(network.parameters())
        self.averages = [parameter.detach().clone() for parameter in self.parameters]
        self._velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._config = config.optimizer
        device = self.parameters[0].device
        self.rate = torch.zeros((), device=device)
        # Of the average; short at first, or it would remember the random weights for long.
        self.forget = torch.zeros((), device=device)

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        momentum = self._config.momentum
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
    """One network, its optimiser and the buffers that a captured step reads."""

    def __init__(
        self, network: TorchNetwork, config: MemberConfig, pictures: DevicePictures
    ) -> None:
        self._network, self._config, self._pictures = network, config, pictures
        self._device = pictures.faces.device
        self.optimizer = _Optimizer(network, config)
        batch = min(config.batch_size, len(pictures))
        self._rows = torch.zeros(batch, dtype=torch.int64, device=self._device)
        self._variations = torch.zeros_like(self._rows)
        self._mask = torch.ones(1, 1, _SIDE, _SIDE, device=self._device)
        self.loss = torch.zeros((), device=self._device)
        self._run: Callable[[], None] = self._step
        # A teacher's answers are to pictures that are varied already.
        taught = len(pictures.faces) > 1
        self._augmentation = config.taught_augmentation if taught else config.augmentation
        self._framed_share = 0.0 if taught else config.framed_share

    @property
    def batch_size(self) -> int:
        return len(self._rows)

    def capture(self) -> None:
        """Records the step as a CUDA graph, where there is one."""
        if self._device.type != "cuda":
            return
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP_STEPS):
                self._step()
        torch.cuda.current_stream().wait_stream(side)
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
        """Takes one step on the pictures of these rows and variations."""
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
        with _autocast(self._device, config.precision):
            logits = self._network(inputs)
        loss = target_loss(logits, targets, pictures.num_classes, config)
        gradients = torch.autograd.grad(loss, self.optimizer.parameters)
        self.optimizer.step(gradients)
        self.loss.copy_(loss.detach())


def target_loss(logits: Tensor, targets: Tensor, num_classes: int, config: MemberConfig) -> Tensor:
    """Returns the mean loss of a batch, as ``train.training.targets.TargetLoss`` defines it."""
    smoothing = config.optimizer.label_smoothing
    labels = targets[:, :num_classes] * (1 - smoothing) + smoothing / num_classes
    loss = -(labels * functional.log_softmax(logits[:, :num_classes], 1)).sum(1)
    answers = targets[:, num_classes:] * functional.log_softmax(logits[:, num_classes:], 1)
    return (loss - config.crowd_weight * answers.sum(1)).mean()


def fit_member(
    config: MemberConfig,
    network: TorchNetwork,
    pictures: DevicePictures,
    checks: dict[str, DevicePictures],
    *,
    seconds: float | None = None,
) -> tuple[TorchNetwork, list[dict[str, float]]]:
    """Trains a network.

    Args:
        config: How.
        network: On the pictures' device; changed in place.
        pictures: What it learns.
        checks: Pictures to watch it on, by name.
        seconds: Train for so long instead of for ``config.epochs``.

    Returns:
        The network with its averaged weights and statistics of unvaried pictures, and the log.
    """
    rng = np.random.default_rng(config.seed)
    trainer = _Trainer(network.train(), config, pictures)
    started = time.monotonic()
    trainer.capture()
    steps_per_epoch = len(pictures) // trainer.batch_size
    epochs = config.epochs
    if seconds is not None:
        rate = _steps_per_second(trainer, rng, pictures)
        left = seconds - (time.monotonic() - started)
        epochs = max(1, int(_TRAINING_SHARE * left * rate / steps_per_epoch))
        speed = rate * trainer.batch_size
        logger.info("%s: %.0f pictures a second, %d epochs.", config.name, speed, epochs)
    steps = epochs * steps_per_epoch
    log, done = [], 0
    reports = {round((index + 1) * epochs / _REPORTS) for index in range(_REPORTS)}
    for epoch in range(epochs):
        order = rng.permutation(len(pictures))
        for index in range(steps_per_epoch):
            rows = order[index * trainer.batch_size : (index + 1) * trainer.batch_size]
            variations = rng.integers(0, len(pictures.faces), len(rows))
            mask = _mixing_mask(config, rng)
            # Below 10 steps the average is the plain mean of all.
            forget = max(1 - config.optimizer.ema_decay, 1 / (done + 2))
            trainer.train_on(rows, variations, mask, config.rate_at(done / steps), forget)
            done += 1
        if epoch + 1 in reports:
            averaged = averaged_network(network, trainer.optimizer.averages, pictures, 24)
            row = {"epoch": float(epoch + 1), "loss": float(trainer.loss)}
            for name, check in checks.items():
                scores = evaluate_on(averaged, check, config.precision)
                row |= {
                    f"{name}_accuracy": scores.accuracy,
                    f"{name}_log_loss": scores.log_loss,
                    f"{name}_majority": scores.majority,
                    f"{name}_vote_loss": scores.vote_loss,
                }
            row["seconds"] = time.monotonic() - started
            log.append(row)
            logger.info("%s %s", config.name, {k: round(v, 4) for k, v in row.items()})
    return averaged_network(network, trainer.optimizer.averages, pictures, None), log


def _steps_per_second(
    trainer: _Trainer, rng: np.random.Generator, pictures: DevicePictures
) -> float:
    """Measures the speed of steps at a rate of 0, which leave the weights as they are."""
    mask = np.ones((_SIDE, _SIDE), np.float32)
    started = 0.0
    for index in range(2 * _TIMED_STEPS):
        if index == _TIMED_STEPS:
            float(trainer.loss)
            started = time.monotonic()
        rows = rng.integers(0, len(pictures), trainer.batch_size)
        trainer.train_on(rows, np.zeros_like(rows), mask, 0.0, 0.0)
    float(trainer.loss)
    return _TIMED_STEPS / (time.monotonic() - started)


def _mixing_mask(config: MemberConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draws the share of each pixel that stays the picture's own when two are mixed."""
    mask = np.ones((_SIDE, _SIDE), np.float32)
    if config.mix == "none" or rng.random() >= config.mix_probability:
        return mask
    share = rng.beta(config.mix_alpha, config.mix_alpha)
    if config.mix == "mixup":
        return mask * np.float32(share)
    side = round(_SIDE * math.sqrt(1 - share))
    top, left = rng.integers(0, _SIDE - side + 1, 2)
    mask[top : top + side, left : left + side] = 0
    return mask


def averaged_network(
    network: TorchNetwork,
    averages: Sequence[Tensor],
    pictures: DevicePictures,
    batches: int | None,
) -> TorchNetwork:
    """Returns a copy with averaged weights and the statistics that they give unvaried pictures.

    Args:
        network: The network whose weights were averaged.
        averages: In the order of its parameters.
        pictures: For the statistics; their first variation.
        batches: How many batches of 256 the statistics are of; None for all.
    """
    averaged = copy.deepcopy(network)
    with torch.no_grad():
        for parameter, average in zip(averaged.parameters(), averages, strict=True):
            parameter.copy_(average)
    norms = [part for part in averaged.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    order = np.random.default_rng(0).permutation(len(pictures))
    count = min(batches or len(order), max(1, len(order) // 256))
    averaged.train()
    with torch.no_grad():
        for index in range(count):
            for norm in norms:
                norm.momentum = 1 / (index + 1)
            rows = torch.from_numpy(order[index * 256 : (index + 1) * 256]).to(
                pictures.faces.device
            )
            averaged(normalize_batch(pictures.faces[0, rows].float()[:, None]))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return averaged.eval()


@torch.no_grad()
def answers_of(
    networks: Sequence[TorchNetwork], faces: Tensor, num_classes: int, precision: str
) -> Tensor:
    """Returns the mean shares that networks give, float32 ``(N, K + A)``; softmax by head.

    Args:
        networks: In evaluation mode.
        faces: uint8 ``(N, 48, 48)``.
        num_classes: K.
        precision: Of the convolutions.
    """
    parts = []
    for start in range(0, len(faces), _EVALUATION_BATCH):
        inputs = normalize_batch(faces[start : start + _EVALUATION_BATCH].float()[:, None])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        total = torch.zeros((), device=faces.device)
        with _autocast(faces.device, precision):
            for network in networks:
                logits = network(inputs).float()
                heads = logits[:, :num_classes], logits[:, num_classes:]
                total = total + torch.cat([head.softmax(1) for head in heads], 1)
        parts.append(total / len(networks))
    return torch.cat(parts)


def evaluate_on(network: TorchNetwork, pictures: DevicePictures, precision: str) -> Scores:
    """Measures a network in evaluation mode on unvaried pictures."""
    return scores_of(
        answers_of([network], pictures.faces[0], pictures.num_classes, precision), pictures
    )


def scores_of(answers: Tensor, pictures: DevicePictures) -> Scores:
    """Compares answers, float32 ``(N, K + A)``, with what pictures teach."""
    split = pictures.num_classes
    targets = pictures.targets[0]
    labels = targets[:, :split].argmax(1)
    probable = answers[:, :split].gather(1, labels[:, None]).clamp(min=1e-7)
    shares = targets[:, split:]
    top = shares.topk(2, 1).values
    clear = top[:, 0] > top[:, 1]
    agreed = (answers[:, split:].argmax(1) == shares.argmax(1))[clear]
    cross = -(shares * answers[:, split:].clamp(min=1e-7).log()).sum(1)[shares.sum(1) > 0]
    return Scores(
        float((answers[:, :split].argmax(1) == labels).float().mean()),
        float(-probable.log().mean()),
        float(agreed.float().mean()),
        float(cross.mean()),
    )


def taught_pictures(
    teachers: Sequence[TorchNetwork],
    pictures: DevicePictures,
    config: MemberConfig,
    columns: Sequence[int],
) -> DevicePictures:
    """Varies pictures and has teachers answer them: what they say becomes part of the targets.

    The pupil sees the very pictures that its teachers saw (Beyer et al., 2022, "Knowledge
    Distillation: A Good Teacher is Patient and Consistent").

    Args:
        teachers: In evaluation mode.
        pictures: One variation of them.
        config: The pupil's: how often and how pictures are varied, and the teachers' weight.
        columns: Where the teachers have the pupil's K classes.

    Returns:
        ``config.taught_variations`` variations of the pictures.
    """
    faces, targets = [], []
    for _ in range(config.taught_variations):
        varied = []
        for start in range(0, len(pictures), _EVALUATION_BATCH):
            part = slice(start, start + _EVALUATION_BATCH)
            varied.append(
                augment_batch(
                    pictures.faces[0, part].float()[:, None],
                    pictures.framings[part],
                    config.augmentation,
                    config.framed_share,
                )
            )
        shown = torch.cat(varied).squeeze(1).round().clamp(0, 255).to(torch.uint8)
        outputs = teachers[0].labels.out_features
        answers = answers_of(teachers, shown, outputs, config.precision)
        known = answers[:, list(columns)]
        answers = torch.cat([known / known.sum(1, keepdim=True), answers[:, outputs:]], 1)
        faces.append(shown)
        weight = config.teacher_weight
        mixed = (1 - weight) * pictures.targets[0] + weight * answers
        targets.append(mixed)
    return replace(pictures, faces=torch.stack(faces), targets=torch.stack(targets))


def _autocast(device: torch.device, precision: str) -> object:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
