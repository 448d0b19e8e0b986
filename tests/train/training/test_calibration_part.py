from __future__ import annotations

import numpy as np

from fer_core.labels import FER6, FER7
from train.data.fer2013 import FaceSet
from train.training.calibration_part import CalibrationPart


def test_six_emotions_are_calibrated_on_the_same_pictures(tiny_set: FaceSet) -> None:
    part = CalibrationPart(split="held-out", share=0.25, seed=1)
    seven, six = part.of(tiny_set, FER7), part.of(tiny_set, FER6)
    disgust = FER7.labels.index("disgust")
    assert np.array_equal(six.names, seven.names[seven.labels != disgust])
