"""What a campaign leaves behind of each member: ``<name>.npz`` and ``<name>.json``.

The weights are float16, which halves what must come back from the machine with the graphics card,
and bear Keras' names; ``python -m train export`` reads both files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fer_core.network_config import StrictModel
from train.errors import CheckpointError
from train.files import write_json
from train.training.campaign_config import CampaignConfig, MemberConfig


def weights_file(folder: Path, name: str) -> Path:
    """Return where the weights of a member are; it is trained if there is such a file."""
    return folder / f"{name}.npz"


class MemberRecord(StrictModel):
    """What a campaign writes down beside a network's weights.

    Attributes:
        config: How the network was trained.
        held_out: Share of Training that it did not learn from.
        split_seed: Seed of the choice of that part.
        log: One row of figures per epoch that was watched; "epoch" is the number of epochs done.
        scores: Figures of the finished network, by the pictures that they were measured on.
    """

    config: MemberConfig
    held_out: float = CampaignConfig.model_fields["held_out"].default
    split_seed: int = CampaignConfig.model_fields["split_seed"].default
    log: list[dict[str, float]]
    scores: dict[str, dict[str, float]]


def write_member(
    folder: Path, record: MemberRecord, weights: Mapping[str, NDArray[np.float32]]
) -> None:
    """Write a trained member: first its record, then, in one step, the weights.

    Args:
        folder: Where to.
        record: What is written down of it.
        weights: As ``TorchNetwork.keras_weights`` returns them.
    """
    name = record.config.name
    write_json(folder / f"{name}.json", record.model_dump(mode="json"))
    path = weights_file(folder, name)
    part = path.with_name(f"{path.name}.part")
    arrays: dict[str, Any] = {key: _halved(weight) for key, weight in weights.items()}
    with part.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(part, path)


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a member as float32.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in stored.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def _halved(weight: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """Return an array as float16, or as it is where float16 would overflow."""
    # The variance of a large activation can pass 65,504, the largest number of float16.
    largest = np.abs(weight).max(initial=0)
    return weight.astype(np.float16) if largest <= np.finfo(np.float16).max else weight
