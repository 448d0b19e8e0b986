"""The pictures that a network is calibrated on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fer_core.labels import ClassSet
from fer_core.network_config import StrictModel
from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet, hold_out


class CalibrationPart(StrictModel):
    """The pictures that a network was watched on and never learned from.

    Attributes:
        split: "PublicTest", or "held-out" for a part of Training.
        share: Share of Training that is held out, when it is.
        seed: Decides which pictures that part has.
    """

    split: Literal["PublicTest", "held-out"]
    share: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    seed: Annotated[int, Field(ge=0)] = 0

    def of(self, dataset: FaceSet, class_set: ClassSet) -> FaceSet:
        """Return the pictures in the classes of a network.

        Args:
            dataset: FER-2013, all seven classes, in the form that the network was trained on.
            class_set: The emotions that the network tells apart.

        Raises:
            DataError: The data set lacks the split.
        """
        if self.split == PUBLIC_TEST:
            return dataset.split(PUBLIC_TEST).as_classes(class_set)
        return hold_out(dataset.split(TRAINING), self.share, self.seed)[1].as_classes(class_set)

    def __str__(self) -> str:
        if self.split == PUBLIC_TEST:
            return PUBLIC_TEST
        return f"a held-out {self.share:.0%} of Training"
