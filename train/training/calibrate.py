"""Temperature scaling (Guo et al., 2017, "On Calibration of Modern Neural Networks").

The temperature is the one whose confidences forecast best whether the verdict is right, since the
confidence is what people see. That of the least log loss over all classes also weighs how the rest
is shared out among the others, and left fer7's mean confidence on PublicTest, where it was fitted,
a point above its accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import minimize_scalar

from fer_core.classifier import CONFIG_FILE, EmotionClassifier, softmax
from train.data.fer2013 import PUBLIC_TEST, FaceSet
from train.errors import ConfigError
from train.evaluation.evaluate import model_config
from train.evaluation.metrics import confidence_log_loss, expected_calibration_error
from train.files import write_json
from train.training.config import TrainConfig
from train.training.fit import split_for

_LARGEST_TEMPERATURE = 20.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a temperature does to the validation pictures.

    Attributes:
        temperature: What the logits are divided by.
        calibrated_on: The pictures, in words.
        confidence_loss: Log loss of the confidence before and after, in nats.
        ece: Expected calibration error before and after, 0 to 1.
    """

    temperature: float
    calibrated_on: str
    confidence_loss: tuple[float, float]
    ece: tuple[float, float]


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Returns the temperature with the least log loss of the confidence.

    Args:
        logits: floating ``(N, K)``.
        labels: int64 ``(N,)``.
    """
    limit = math.log(_LARGEST_TEMPERATURE)
    # Over the logarithm every step is a factor, and no temperature is negative.
    best = minimize_scalar(
        lambda exponent: confidence_log_loss(softmax(logits / math.exp(exponent)), labels),
        bounds=(-limit, limit),
        method="bounded",
    )
    return math.exp(best.x)


def calibrate(name: str, dataset: FaceSet, models_dir: Path) -> Calibration:
    """Fits a model's temperature on its own validation pictures and stores it.

    Args:
        name: Name of the model.
        dataset: FER-2013, in the form that the model was trained on.
        models_dir: Folder of the models.

    Raises:
        ConfigError: The model does not say how it was trained.
        DataError: The data set lacks the validation pictures.
        ModelError: There is no such model, or its files are damaged.
    """
    classifier = EmotionClassifier.load(name, models_dir=models_dir)
    file = models_dir / name / CONFIG_FILE
    content = model_config(file.parent)
    try:
        config = TrainConfig.model_validate(content.get("training"))
    except ValidationError as error:
        raise ConfigError(f"{file} does not say how '{name}' was trained.") from error
    validation = split_for(config, dataset)[1]
    logits, labels = classifier.logits(validation.faces_gray), validation.labels
    temperature = fit_temperature(logits, labels)
    before, after = softmax(logits), softmax(logits / temperature)
    result = Calibration(
        temperature,
        f"{_source(config)} ({len(labels):,} pictures)",
        (confidence_log_loss(before, labels), confidence_log_loss(after, labels)),
        (
            expected_calibration_error(before, labels),
            expected_calibration_error(after, labels),
        ),
    )
    content |= {"temperature": temperature, "calibrated_on": result.calibrated_on}
    write_json(file, content)
    return result


def _source(config: TrainConfig) -> str:
    if config.validation == PUBLIC_TEST:
        return PUBLIC_TEST
    return f"a held-out {config.held_out:.0%} of Training"
