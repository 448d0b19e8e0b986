"""Trained networks as members of a model: from runs of ``fit``, or from a campaign."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.network import build_network
from fer_core.network_config import NetworkConfig
from fer_core.preprocessing import INPUT_SIZE
from train.data.ferplus import EXPRESSIONS
from train.errors import ExportError
from train.training.calibration_part import CalibrationPart
from train.training.config import load_config
from train.training.fit import LOG_FILE, MODEL_FILE, RUN_CONFIG_FILE
from train.training.member_files import MemberRecord, read_weights
from train.training.weights import named_weights, set_named_weights

_CAMPAIGN_SUFFIX = ".npz"


@dataclass(frozen=True, slots=True)
class Member:
    """A trained network.

    Attributes:
        name: Of the run or of the campaign's member.
        class_set: The emotions that it tells apart.
        network: The architecture.
        answers: The crowd's answers that it gives after the labels; empty without that head.
        weights: By layer, as ``train.training.weights.named_weights`` returns them.
        part: Pictures that it never learned from.
        training: What it was trained with, as JSON.
        log: A row of figures for each epoch that was watched; "epoch" counts from 0.
    """

    name: str
    class_set: ClassSet
    network: NetworkConfig
    answers: tuple[str, ...]
    weights: Mapping[str, NDArray[np.floating]]
    part: CalibrationPart
    training: dict[str, Any]
    log: list[dict[str, Any]]

    def build(self) -> keras.Model:
        """Build the trained network.

        Raises:
            ExportError: The weights are not those of the architecture.
        """
        network = build_network(self.network, len(self.class_set), num_answers=len(self.answers))
        shapes = {key: value.shape for key, value in named_weights(network).items()}
        if shapes != {key: np.shape(value) for key, value in self.weights.items()}:
            raise ExportError(f"The weights of {self.name} are not those of its architecture.")
        set_named_weights(network, self.weights)
        return network


def read_member(path: Path) -> Member:
    """Read a trained network.

    Args:
        path: The folder of a finished run, or a campaign's ``<name>.npz`` beside its
            ``<name>.json``.

    Raises:
        ConfigError: The run's configuration cannot be read.
        ExportError: The run is not finished, or a file is missing or damaged.
    """
    return _of_campaign(path) if path.suffix == _CAMPAIGN_SUFFIX else _of_run(path)


def _of_run(folder: Path) -> Member:
    for name in (MODEL_FILE, LOG_FILE):
        if not (folder / name).is_file():
            raise ExportError(f"{folder} is no finished run: {name} is missing.")
    config = load_config(folder / RUN_CONFIG_FILE)
    path = folder / MODEL_FILE
    try:
        network = keras.saving.load_model(path, compile=False)
    # Keras raises whatever its zip, JSON and HDF5 readers do.
    except Exception as error:
        raise ExportError(f"{path} cannot be read: {error}") from error
    answers = EXPRESSIONS if config.crowd_weight else ()
    shapes = tuple(network.input_shape), tuple(network.output_shape)
    width = len(config.class_set) + len(answers)
    if shapes != ((None, INPUT_SIZE, INPUT_SIZE, 1), (None, width)):
        raise ExportError(f"{path} goes from {shapes[0]} to {shapes[1]}, not as configured.")
    with (folder / LOG_FILE).open(newline="", encoding="utf-8") as file:
        log: list[dict[str, Any]] = list(csv.DictReader(file))
    return Member(
        folder.name,
        config.class_set,
        config.network,
        answers,
        named_weights(network),
        CalibrationPart(split=config.validation, share=config.held_out, seed=config.seed),
        config.model_dump(mode="json"),
        log,
    )


def _of_campaign(path: Path) -> Member:
    try:
        weights = read_weights(path)
        record = MemberRecord.model_validate_json(path.with_suffix(".json").read_bytes())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ExportError(f"{path} or its record cannot be read: {error}") from error
    config = record.config
    log = [_watched(row) for row in record.log]
    training = config.model_dump(mode="json")
    if log:
        # Where a time is given, not a number, only the log knows how many epochs it was.
        training["epochs"] = log[-1]["epoch"] + 1
    return Member(
        config.name,
        CLASS_SETS[config.classes],
        config.network,
        EXPRESSIONS,
        weights,
        CalibrationPart(split="held-out", share=record.held_out, seed=record.split_seed),
        training,
        log,
    )


def _watched(row: Mapping[str, float]) -> dict[str, Any]:
    """Return a row of a campaign's log in the words of Keras' logs."""
    words = {"accuracy": "val_accuracy", "log_loss": "val_loss", "vote_loss": "val_vote_loss"}
    figures = {word: row[f"held-out_{name}"] for name, word in words.items()}
    return {"epoch": round(row["epoch"]) - 1, "loss": row["loss"], **figures}
