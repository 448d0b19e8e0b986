"""A made-up data set with the real names of one cell of the confusion matrix."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fer_core.classifier import MODELS_DIR
from fer_core.tta import FLIP
from train.evaluation.records import Predictions, Verdicts
from train.evaluation.storage import read_record

TRUE, PREDICTED = "sad", "neutral"


def cell_of(model: str = "fer7", true: str = TRUE, predicted: str = PREDICTED) -> Verdicts:
    """Return a cell of PrivateTest by the labels, as served, the most confident first."""
    part = read_record(MODELS_DIR / model, Predictions).split("PrivateTest").verdicts(FLIP)
    cell = part.where((part.words == true) & (part.said == predicted))
    return cell.where(np.argsort(-cell.probabilities.max(axis=1), kind="stable"))


def write_pictures(folder: Path) -> Path:
    """Write noise under the names of the cell's pictures, and return the folder."""
    rng = np.random.default_rng(7)
    place = folder / "test" / TRUE
    place.mkdir(parents=True, exist_ok=True)
    for name in cell_of().names:
        cv2.imwrite(str(place / f"{name}.png"), rng.integers(0, 256, (48, 48), np.uint8))
    return folder
