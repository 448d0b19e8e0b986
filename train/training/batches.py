"""Streams of training batches for ``keras.Model.fit``."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import normalize_faces
from train.training.augment import augment_face
from train.training.config import TrainConfig
from train.training.samples import Samples


class FaceBatches(keras.utils.PyDataset):
    """Shuffled, augmented and normalised batches, made one at a time.

    Order and variation depend on the seed, the epoch and the batch alone, so a resumed run sees
    what an uninterrupted one does. The training loop names the epoch with ``begin_epoch``: Keras
    calls its own hook ``on_epoch_end`` once before the first epoch, too.
    """

    def __init__(self, samples: Samples, config: TrainConfig, first_epoch: int = 0) -> None:
        super().__init__()
        self._samples = samples
        self._config = config
        self.begin_epoch(first_epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Move on to an epoch, counted from 0."""
        self._size = self._config.size_at(epoch)
        self._seed = self._config.seed, epoch + 1
        self._order = np.random.default_rng(self._seed).permutation(len(self._samples))

    def __len__(self) -> int:
        # The last, smaller batch is left out: its size would be compiled anew, and the next
        # epoch's order brings its pictures back.
        return max(1, len(self._samples) // self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return faces float32 ``(B, S, S, 1)`` and targets float32 ``(B, T)``."""
        config = self._config
        start = index * config.batch_size
        chosen = self._order[start : start + config.batch_size]
        rng = np.random.default_rng((*self._seed, index))
        faces = [
            augment_face(self._face(picture, rng), config.augmentation, rng, self._size)
            for picture in chosen
        ]
        return normalize_faces(faces, self._size), self._samples.targets[chosen]

    def _face(self, picture: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a picture or, for a share of them, what a detector makes of it."""
        framed = self._samples.framed_gray
        if framed is not None and rng.random() < self._config.framed_share and framed[picture]:
            return framed[picture][rng.integers(len(framed[picture]))]
        return np.asarray(self._samples.faces_gray[picture], np.uint8)
