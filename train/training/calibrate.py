"""Temperature scaling (Guo et al., 2017, "On Calibration of Modern Neural Networks").

The labels' temperature is the one whose confidences forecast best whether the verdict is right,
since the confidence is what people see. That of the least log loss over all classes also weighs how
the rest is shared out among the others, and left fer7's mean confidence on PublicTest, where it was
fitted, a point above its accuracy. The people's temperature is the one whose shares are closest to
those of FER+'s votes: there every bar is a forecast, not only the highest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import minimize_scalar

from fer_core.classifier import CONFIG_FILE, EmotionClassifier
from fer_core.labels import FER7
from fer_core.readings import LABELS, PEOPLE, softmax
from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes, vote_shares
from train.errors import ConfigError
from train.evaluation.evaluate import class_set_of, model_config
from train.evaluation.metrics import confidence_log_loss, expected_calibration_error
from train.files import write_json
from train.training.calibration_part import CalibrationPart

_LARGEST_TEMPERATURE = 20.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What temperatures do to the pictures that the members never learned from.

    Attributes:
        temperatures: What the logits are divided by, by reading; "people" only where the networks
            learned from votes.
        calibrated_on: The pictures in words, by reading.
        losses: By reading, before and after, in nats: of the labels the log loss of the
            confidence, of the people the cross-entropy between votes and forecast.
        ece: Expected calibration error of the labels before and after, 0 to 1.
    """

    temperatures: dict[str, float]
    calibrated_on: dict[str, str]
    losses: dict[str, tuple[float, float]]
    ece: tuple[float, float]


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the least log loss of the confidence.

    Args:
        logits: floating ``(N, K)``.
        labels: int64 ``(N,)``.
    """
    return _best(lambda temperature: confidence_log_loss(softmax(logits / temperature), labels))


def fit_share_temperature(logits: NDArray[np.floating], shares: NDArray[np.floating]) -> float:
    """Return the temperature whose softmax has the least cross-entropy with shares of votes.

    Args:
        logits: floating ``(N, A)``.
        shares: floating ``(N, A)``; rows sum to 1.
    """
    return _best(lambda temperature: share_loss(softmax(logits / temperature), shares))


def share_loss(forecast: NDArray[np.floating], shares: NDArray[np.floating]) -> float:
    """Return the mean cross-entropy, in nats, of forecast shares ``(N, A)`` with actual ones."""
    smallest = np.finfo(np.float32).tiny
    return float(-(shares * np.log(np.maximum(forecast, smallest))).sum(axis=1).mean())


def _best(loss: Callable[[float], float]) -> float:
    limit = math.log(_LARGEST_TEMPERATURE)
    # Over the logarithm every step is a factor, and no temperature is negative.
    best = minimize_scalar(
        lambda exponent: loss(math.exp(exponent)), bounds=(-limit, limit), method="bounded"
    )
    return math.exp(best.x)


def calibrate(
    name: str,
    dataset: FaceSet,
    models_dir: Path,
    votes: Votes | None = None,
    *,
    public_test: bool = False,
) -> Calibration:
    """Fit a model's temperatures on pictures that its members never learned from, and store them.

    Faces are read as they are served, with their mirror images.

    Args:
        name: Name of the model.
        dataset: FER-2013, all seven classes, in the form that the members were trained on.
        models_dir: Folder of the models.
        votes: FER+'s; needed where the members learned from them.
        public_test: Fit on PublicTest from now on, whatever the members were watched on. A network
            for six classes is measured on those pictures, so nothing of it may come from them.

    Raises:
        ConfigError: The model does not say which pictures these are, votes are missing, or
            PublicTest is wanted for six classes.
        DataError: The data set lacks these pictures.
        ModelError: There is no such model, or its files are damaged.
    """
    classifier = EmotionClassifier.load(name, reading=LABELS, models_dir=models_dir)
    class_set = class_set_of(classifier)
    file = models_dir / name / CONFIG_FILE
    content = model_config(file.parent)
    if public_test:
        if class_set != FER7:
            raise ConfigError(f"'{name}' is measured on PublicTest, and not to be fitted on it.")
        content["calibration"] = CalibrationPart(split="PublicTest").model_dump(mode="json")
    try:
        part = CalibrationPart.model_validate(content.get("calibration"))
    except ValidationError as error:
        raise ConfigError(f"{file} does not say what '{name}' is to be calibrated on.") from error
    if classifier.answers and votes is None:
        raise ConfigError(f"'{name}' learned from FER+'s votes: name them with --votes.")
    faces = part.of(dataset, class_set)
    logits, labels = classifier.logits(faces.faces_gray), faces.labels
    said, answered = np.split(logits, [len(classifier.labels)], axis=1)
    temperatures = {LABELS: fit_temperature(said, labels)}
    before, after = softmax(said), softmax(said / temperatures[LABELS])
    losses = {LABELS: (confidence_log_loss(before, labels), confidence_log_loss(after, labels))}
    ece = expected_calibration_error(before, labels), expected_calibration_error(after, labels)
    calibrated_on = {LABELS: f"{part} ({len(labels):,} pictures)"}
    if votes is not None and classifier.answers:
        shares = vote_shares(votes.of(faces.ids), classifier.answers)
        voted = shares.sum(axis=1) > 0
        answered, shares = answered[voted], shares[voted]
        best = temperatures[PEOPLE] = fit_share_temperature(answered, shares)
        losses[PEOPLE] = (
            share_loss(softmax(answered), shares),
            share_loss(softmax(answered / best), shares),
        )
        calibrated_on[PEOPLE] = f"FER+'s votes on {part} ({len(shares):,} pictures)"
    content["temperature"] = {**content["temperature"], **temperatures}
    content["calibrated_on"] = calibrated_on
    write_json(file, content)
    return Calibration(temperatures, calibrated_on, losses, ece)


def set_mixture(name: str, weight: float, models_dir: Path) -> Path:
    """Store how much of a model's people's reading comes from the people's answers.

    What was measured of that reading is to be measured again.

    Args:
        name: Name of the model.
        weight: Of the people's answers, 0 to 1; the labels' have the rest.
        models_dir: Folder of the models.

    Returns:
        The file.

    Raises:
        ConfigError: The weight is not from 0 to 1.
        ModelError: There is no such model, or its files are damaged.
    """
    if not 0 <= weight <= 1:
        raise ConfigError(f"A weight must be from 0 to 1, not {weight:g}.")
    EmotionClassifier.load(name, reading=PEOPLE, models_dir=models_dir)
    file = models_dir / name / CONFIG_FILE
    write_json(file, model_config(file.parent) | {"mixture": weight})
    return file
