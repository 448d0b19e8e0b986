"""Streams of training batches for ``keras.Model.fit``."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core.preprocessing import normalize_faces
from train.augment import augment_face
from train.config import TrainConfig
from train.data import FaceSet


class FaceBatches(keras.utils.PyDataset):
    """Shuffled, augmented and normalised batches, made one at a time.

    Order and variation depend on the seed, the epoch and the batch alone, so a resumed run sees
    what an uninterrupted one does.
    """

    def __init__(self, dataset: FaceSet, config: TrainConfig, first_epoch: int = 0) -> None:
        super().__init__()
        self._dataset = dataset
        self._config = config
        self._epoch = first_epoch
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        rng = np.random.default_rng((self._config.seed, self._epoch))
        return rng.permutation(len(self._dataset))

    def __len__(self) -> int:
        # The last, smaller batch is left out: its size would be compiled anew, and the next
        # epoch's order brings its pictures back.
        return max(1, len(self._dataset) // self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns faces float32 ``(B, S, S, 1)`` and one-hot targets float32 ``(B, K)``."""
        config = self._config
        start = index * config.batch_size
        chosen = self._order[start : start + config.batch_size]
        rng = np.random.default_rng((config.seed, self._epoch, index))
        size = config.size_at(self._epoch)
        faces = [
            augment_face(face, config.augmentation, rng, size)
            for face in self._dataset.faces_gray[chosen]
        ]
        return normalize_faces(faces, size), one_hot(self._dataset, chosen)

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch's order; called by Keras."""
        self._epoch += 1
        self._order = self._shuffled()


def one_hot(dataset: FaceSet, chosen: NDArray[np.int64] | slice) -> NDArray[np.float32]:
    """Returns the targets of the chosen faces, float32 ``(N, K)``."""
    return np.eye(len(dataset.class_set), dtype=np.float32)[dataset.labels[chosen]]
