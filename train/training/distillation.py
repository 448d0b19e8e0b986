"""Knowledge distillation: a trained network teaches another one its doubts about the labels."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from fer_core.preprocessing import normalize_faces
from fer_core.readings import softmax
from train.data.ferplus import EXPRESSIONS
from train.errors import ConfigError
from train.training.samples import Samples


def distill(samples: Samples, teacher: keras.Model, weight: float) -> Samples:
    """Replace a share of the labels by what a trained network says of the faces.

    Its doubts tell which labels are open to doubt (Hinton et al., 2015, "Distilling the Knowledge
    in a Neural Network"; Furlanello et al., 2018, "Born-Again Neural Networks").

    Args:
        samples: K labels, and perhaps the crowd's votes.
        teacher: Its answers to a face and to the mirror image are averaged.
        weight: Its share, 0 to 1.

    Raises:
        ConfigError: The teacher tells other classes apart.
    """
    classes = teacher.output_shape[-1]
    if classes not in (samples.targets.shape[1], samples.targets.shape[1] - len(EXPRESSIONS)):
        raise ConfigError(f"The teacher tells {classes} classes apart, the pupil others.")
    faces = normalize_faces(samples.faces_gray)
    answers = [
        softmax(np.asarray(teacher.predict(view, batch_size=256, verbose=0)))
        for view in (faces, faces[:, :, ::-1])
    ]
    targets = samples.targets.copy()
    targets[:, :classes] *= 1 - weight
    targets[:, :classes] += weight * np.mean(answers, axis=0)
    return replace(samples, targets=targets)
