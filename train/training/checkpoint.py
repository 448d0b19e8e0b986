"""The checkpoint of a whole training run: everything that decides how it goes on."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from train.errors import CheckpointError
from train.training.config import TrainConfig


class StateCheckpoint(keras.callbacks.Callback):
    """Writes the whole state after every epoch.

    That is weights, batch statistics, optimiser with its moving average, the layers' random
    state and the number of finished epochs. All else that is random, such as the order and the
    variation of the pictures, is derived from the seed and the epoch.
    """

    def __init__(self, path: Path, config: TrainConfig) -> None:
        super().__init__()
        self._path = path
        self._config = config

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Replace the last checkpoint in one step, so that one whole file is always there."""
        values = _numpy_values(self.model)
        arrays: dict[str, Any] = {f"v{i:04d}": np.array(v) for i, v in enumerate(values)}
        part = self._path.with_name(f"{self._path.name}.part")
        with part.open("wb") as file:
            np.savez(file, epochs_done=epoch + 1, config=self._config.model_dump_json(), **arrays)
            # On disk before it takes the last one's place, should the machine stop here.
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)


def restore(path: Path, model: keras.Model, config: TrainConfig) -> int:
    """Put a compiled model back into the state of a checkpoint.

    Args:
        path: A file that ``StateCheckpoint`` wrote.
        model: The compiled model of the same configuration.
        config: The configuration of the run that goes on.

    Returns:
        The number of finished epochs.

    Raises:
        CheckpointError: The file cannot be read, or is of another configuration.
    """
    variables = _variables(model)
    try:
        with np.load(path) as stored:
            if TrainConfig.model_validate_json(str(stored["config"])) != config:
                raise CheckpointError(f"{path} was written with another configuration.")
            values = [stored[f"v{i:04d}"] for i in range(len(variables))]
            epochs_done = int(stored["epochs_done"])
    except CheckpointError:
        raise
    except (OSError, KeyError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if any(v.shape != value.shape for v, value in zip(variables, values, strict=True)):
        raise CheckpointError(f"{path} belongs to another network.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return epochs_done


def _variables(model: keras.Model) -> list[Any]:
    model.optimizer.build(model.trainable_variables)
    # The model's variables include the seeds of its dropout layers; metrics start anew anyway.
    return [*model.variables, *model.optimizer.variables]


def _numpy_values(model: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in _variables(model)]
