"""A made-up data set with the real names of one cell of the confusion matrix, and one of a user."""

from __future__ import annotations

import io
import zipfile
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


def archive_of(files: dict[str, bytes]) -> bytes:
    """Return a .zip of files, by their names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def face(level: int) -> bytes:
    """Return noise of a face crop's size, as a PNG; the same for the same number."""
    rng = np.random.default_rng(level)
    return bytes(cv2.imencode(".png", rng.integers(0, 256, (48, 48), np.uint8))[1])


def labelled_faces() -> dict[str, bytes]:
    """Return twelve crops, and a table with what is to be said of each: label, light and age."""
    names = [f"{number}.png" for number in range(12)]
    rows = [f"{name},{'happy' if n % 2 else 'sad'},{'day' if n < 6 else '=night'},{20 + n},{name}"
            for n, name in enumerate(names)]  # fmt: skip
    files = {name: face(number) for number, name in enumerate(names)}
    return files | {"table.csv": "\n".join(["name,label,light,age,note", *rows]).encode()}
