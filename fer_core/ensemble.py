"""An ensemble of two networks, each of which reads ten crops of every face.

The network for seven emotions and the one for six were trained apart, so their errors differ, and
their mean is more often right than either (Hansen and Salamon, 1990, "Neural Network Ensembles").
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.labels import FER6, FER7
from fer_core.tta import CROPS


class EnsembleClassifier:
    """Reads ten crops of each face by a network and by its partner, where there is one."""

    def __init__(self, own: EmotionClassifier, partner: EmotionClassifier | None) -> None:
        """Combines two networks.

        Args:
            own: Its emotions are the result's.
            partner: Of another class set.
        """
        self._own, self._partner = own, partner

    @classmethod
    def load(cls, name: str, *, models_dir: Path = MODELS_DIR) -> EnsembleClassifier:
        """Loads a shipped model and its partner: that of six emotions for one of seven, or back.

        Raises:
            ModelError: There is no such model, or the files of either are damaged.
        """
        own = EmotionClassifier.load(name, models_dir=models_dir)
        partner = partner_of(own)
        exists = (models_dir / partner).is_dir()
        return cls(own, EmotionClassifier.load(partner, models_dir=models_dir) if exists else None)

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the probabilities."""
        return self._own.labels

    @property
    def networks(self) -> int:
        """How many networks read each face."""
        return 1 if self._partner is None else 2

    def predict(
        self, faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """Reads faces; arguments, result and exceptions as of ``EmotionClassifier.predict``.

        What the network gives to emotions that its partner does not know stays; the rest is
        shared out by the mean of both.
        """
        return self.with_partner(self._own.predict(faces_gray, CROPS), faces_gray)

    def with_partner(
        self,
        own: NDArray[np.float32],
        faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    ) -> NDArray[np.float32]:
        """Returns what ``predict`` does, from what the network itself says of ten crops."""
        if self._partner is None:
            return own
        # At its own temperature: the partner's was fitted on other pictures.
        other = self._partner.predict(faces_gray, CROPS, temperature=self._own.temperature)
        common = [label for label in self.labels if label in self._partner.labels]
        mine = [self.labels.index(label) for label in common]
        theirs = [self._partner.labels.index(label) for label in common]
        share = own[:, mine].sum(axis=1, keepdims=True)
        among = other[:, theirs] / other[:, theirs].sum(axis=1, keepdims=True)
        combined = own.copy()
        combined[:, mine] = (own[:, mine] + share * among) / 2
        return combined


def partner_of(classifier: EmotionClassifier) -> str:
    """Returns the name of the model that a model is read together with."""
    return (FER6 if classifier.labels == FER7.labels else FER7).name
