"""What happens around the epochs of a training: randomness, progress, logs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

from train.training.batches import FaceBatches


class EpochStart(keras.callbacks.Callback):
    """Makes everything random in an epoch depend on the seed and the epoch alone."""

    def __init__(self, batches: FaceBatches, seed: int) -> None:
        super().__init__()
        self._batches = batches
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Move the batches on and seeds the backend."""
        self._batches.begin_epoch(epoch)
        # Dropout draws from PyTorch's own generator there, whose state no checkpoint holds.
        state = np.random.SeedSequence((self._seed, epoch)).generate_state(1)
        keras.utils.set_random_seed(int(state[0]))


class Progress(keras.callbacks.Callback):
    """A progress bar over all epochs, with the time left and the last epoch's figures."""

    def __init__(self, epochs: int, steps_per_epoch: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._bar: tqdm[Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Name the epoch."""
        if self._bar is None:
            total = self._epochs * self._steps_per_epoch
            self._bar = tqdm(total=total, initial=epoch * self._steps_per_epoch, unit="batch")
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Count a step."""
        if self._bar is not None:
            self._bar.update()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Show the epoch's accuracies."""
        if self._bar is not None and logs is not None:
            self._bar.set_postfix(
                accuracy=f"{logs['accuracy']:.4f}", validation=f"{logs['val_accuracy']:.4f}"
            )

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            self._bar.close()


class TensorBoard(keras.callbacks.Callback):
    """Logs for TensorBoard; Keras' own callback needs TensorFlow whatever the backend is."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._writer = SummaryWriter(str(folder))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the epoch's figures."""
        figures = {**(logs or {}), "learning_rate": float(self.model.optimizer.learning_rate)}
        for name, value in figures.items():
            self._writer.add_scalar(name, float(value), epoch + 1)
        self._writer.flush()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Close the file."""
        self._writer.close()
