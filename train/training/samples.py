"""What a network learns from: the pictures of a configuration, and what to say of each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet, hold_out
from train.data.ferplus import Votes, expression_shares
from train.data.framing import Framings
from train.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Samples:
    """Faces and what to say of them.

    Attributes:
        faces_gray: uint8 ``(N, 48, 48)``.
        targets: float32 ``(N, K)``, the labels one-hot; with the crowd ``(N, K + 8)``, after
            them the share of voters for each of ``EXPRESSIONS``. Voters for "unknown" and "not a
            face" make these sum to less than 1, so the crowd counts less; without votes to 0.
        framed_gray: Of each face the crops that detectors make of it, uint8 ``(48, 48)`` each.
    """

    faces_gray: NDArray[np.uint8]
    targets: NDArray[np.float32]
    framed_gray: list[list[NDArray[np.uint8]]] | None = None

    def __len__(self) -> int:
        return len(self.targets)


def samples_of(
    dataset: FaceSet, votes: Votes | None = None, framings: Framings | None = None
) -> Samples:
    """Return a data set's faces and targets, with the crowd's if there are votes."""
    framed = None if framings is None else framings.of(dataset)
    labels = np.eye(len(dataset.class_set), dtype=np.float32)[dataset.labels]
    if votes is None:
        return Samples(dataset.faces_gray, labels, framed)
    return Samples(
        dataset.faces_gray, np.hstack([labels, expression_shares(votes.of(dataset.ids))]), framed
    )


def split_for(config: TrainConfig, dataset: FaceSet) -> tuple[FaceSet, FaceSet]:
    """Return the training and the validation pictures of a configuration.

    Raises:
        DataError: The data set lacks a split.
    """
    training = dataset.split(TRAINING)
    if config.validation == PUBLIC_TEST:
        validation = dataset.split(PUBLIC_TEST)
    else:
        # Before disgust is left out, so that networks of either class set hold out the same.
        training, validation = hold_out(training, config.held_out, config.seed)
    return training.as_classes(config.class_set), validation.as_classes(config.class_set)


def class_weights(config: TrainConfig, targets: NDArray[np.float32]) -> dict[int, float] | None:
    """Return the weight of each class in the loss, of mean 1 over the pictures.

    Args:
        config: How classes are weighed.
        targets: float32 ``(N, T)``; the first K are the labels, one-hot.
    """
    if config.class_weighting == "none":
        return None
    counts = targets[:, : len(config.class_set)].sum(axis=0)
    power = 1.0 if config.class_weighting == "balanced" else 0.5
    weights = (1.0 / np.maximum(counts, 1)) ** power
    weights *= counts.sum() / (weights * counts).sum()
    return {index: float(weight) for index, weight in enumerate(weights)}
