"""What trained networks say of pictures, on the device that trains: scores, and targets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from train.training.campaign_config import MemberConfig
from train.training.device_augment import augment_batch, normalize_batch
from train.training.device_pictures import DevicePictures
from train.training.torch_network import TorchNetwork

_BATCH_SIZE = 1024


@dataclass(frozen=True, slots=True)
class Scores:
    """How well answers agree with pictures' labels and votes.

    Attributes:
        accuracy: Share of pictures whose label is the most probable class.
        log_loss: Mean negative log probability of the label, in nats.
        majority: Of the pictures with one most chosen answer, the share on which it is the most
            probable answer.
        vote_loss: Mean cross-entropy between the shares of the votes and the answers, in nats.
    """

    accuracy: float
    log_loss: float
    majority: float
    vote_loss: float


def precision_context(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return the context in which a network computes in a member's precision."""
    if precision == "float32":
        return nullcontext()
    # A CUDA graph would replay with the cached weights of the step that it captured.
    context: AbstractContextManager[None] = torch.autocast(
        device.type, torch.bfloat16, cache_enabled=False
    )
    return context


def answers_of(networks: Sequence[TorchNetwork], faces: Tensor, precision: str) -> Tensor:
    """Return the mean probabilities that networks of the same outputs give.

    Args:
        networks: In evaluation mode.
        faces: uint8 ``(N, 48, 48)``.
        precision: "bfloat16" or "float32", for all but the last layers.

    Returns:
        float32 ``(N, K + A)``; the first K sum to 1, and so do the others.
    """
    split = networks[0].num_classes
    batches = []
    with torch.no_grad():
        for batch in faces.split(_BATCH_SIZE):
            inputs = normalize_batch(batch.float()[:, None])
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            total = torch.zeros((), device=faces.device)
            with precision_context(faces.device, precision):
                for network in networks:
                    logits = network(inputs)
                    heads = logits[:, :split].softmax(1), logits[:, split:].softmax(1)
                    total = total + torch.cat(heads, 1)
            batches.append(total / len(networks))
    return torch.cat(batches)


def evaluate_on(network: TorchNetwork, pictures: DevicePictures, precision: str) -> Scores:
    """Measure a network in evaluation mode on pictures as they are."""
    return scores_of(answers_of([network], pictures.faces[0], precision), pictures)


def scores_of(answers: Tensor, pictures: DevicePictures) -> Scores:
    """Compare answers, float32 ``(N, K + A)``, with the labels and votes of N pictures."""
    split = pictures.num_classes
    labels = pictures.targets[0, :, :split].argmax(1)
    votes = pictures.targets[0, :, split:]
    probable = answers[:, :split].gather(1, labels[:, None]).clamp(min=1e-7)
    first, second = votes.topk(2, 1).values.unbind(1)
    agreed = (answers[:, split:].argmax(1) == votes.argmax(1))[first > second]
    cross_entropy = -(votes * answers[:, split:].clamp(min=1e-7).log()).sum(1)
    return Scores(
        accuracy=float((answers[:, :split].argmax(1) == labels).float().mean()),
        log_loss=float(-probable.log().mean()),
        majority=float(agreed.float().mean()),
        vote_loss=float(cross_entropy[votes.sum(1) > 0].mean()),
    )


def taught_pictures(
    teachers: Sequence[TorchNetwork],
    pictures: DevicePictures,
    config: MemberConfig,
    columns: Sequence[int],
) -> DevicePictures:
    """Vary pictures and mix what teachers answer to each variation into its targets.

    The student learns from the very pictures that its teachers answered (Beyer et al., 2022,
    "Knowledge Distillation: A Good Teacher is Patient and Consistent").

    Args:
        teachers: In evaluation mode, with the same classes.
        pictures: As they are.
        config: The student's: how often and how pictures are varied, and the teachers' weight.
        columns: Positions of the student's K classes among the teachers'.

    Returns:
        ``config.taught_variations`` variations of the pictures.
    """
    split, weight = teachers[0].num_classes, config.teacher_weight
    faces, targets = [], []
    for _ in range(config.taught_variations):
        pairs = zip(
            pictures.faces[0].split(_BATCH_SIZE), pictures.framings.split(_BATCH_SIZE), strict=True
        )
        varied = torch.cat(
            [
                augment_batch(
                    batch.float()[:, None], framings, config.augmentation, config.framed_share
                )
                for batch, framings in pairs
            ]
        )
        shown = varied.squeeze(1).round().clamp(0, 255).to(torch.uint8)
        answers = answers_of(teachers, shown, config.precision)
        labels = answers[:, list(columns)]
        labels = labels / labels.sum(1, keepdim=True)
        taught = torch.cat([labels, answers[:, split:]], 1)
        faces.append(shown)
        targets.append((1 - weight) * pictures.targets[0] + weight * taught)
    return replace(pictures, faces=torch.stack(faces), targets=torch.stack(targets))
