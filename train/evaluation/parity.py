"""Does the whole pipeline see a face as the network learned it?

A test picture, enlarged, in the middle of a larger canvas, goes through detection and alignment;
the answer is compared with that for the picture itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector
from fer_core.errors import ModelError
from fer_core.pipeline import analyze_image
from fer_core.readings import LABELS
from train.data.fer2013 import FaceSet
from train.data.framing import canvas_of, distance_to_middle
from train.errors import DataError
from train.evaluation.evaluate import class_set_of
from train.evaluation.records import Parity, ParityTable
from train.evaluation.storage import MissingRecord, read_record, write_record


def pipeline_probabilities(
    face_gray: NDArray[np.uint8], classifier: EmotionClassifier, detector: FaceDetector
) -> NDArray[np.float32] | None:
    """Read a face by the whole pipeline.

    Args:
        face_gray: uint8 ``(H, W)``.
        classifier: The model.
        detector: Finds the face.

    Returns:
        float32 ``(K,)`` of the face nearest to the canvas' middle, or None without a face.
    """
    canvas = canvas_of(face_gray)
    frame = analyze_image(canvas, detector=detector, classifier=classifier)
    nearest = min(
        frame.faces, key=lambda face: distance_to_middle(face.detection, canvas), default=None
    )
    return None if nearest is None else nearest.probabilities.vector


def measure_parity(
    name: str,
    dataset: FaceSet,
    split: str,
    models_dir: Path,
    detector: FaceDetector,
    limit: int | None = None,
) -> Parity:
    """Compare pipeline and direct classification.

    Args:
        name: Name of the model.
        dataset: FER-2013; emotions that the model does not know are left out.
        split: Where the pictures are taken from.
        models_dir: Folder of the models.
        detector: Finds the faces.
        limit: Number of pictures, drawn at random with a fixed seed; None for all.

    Raises:
        DataError: The data set lacks the split, or no face was found.
        ModelError: There is no such model, or its files are damaged.
    """
    classifier = EmotionClassifier.load(name, reading=LABELS, models_dir=models_dir)
    faces = dataset.split(split).as_classes(class_set_of(classifier))
    if limit is not None and limit < len(faces):
        faces = faces.where(np.random.default_rng(0).permutation(len(faces))[:limit])
    answers = [
        pipeline_probabilities(face, classifier, detector)
        for face in tqdm(faces.faces_gray, unit="picture", disable=None)
    ]
    found = np.array([answer is not None for answer in answers])
    if not found.any():
        raise DataError(f"{detector.name} found no face on {len(faces)} pictures.")
    labels = faces.labels[found]
    piped = np.array([answer.argmax() for answer in answers if answer is not None], np.int64)
    direct = classifier.predict(faces.faces_gray[found]).argmax(axis=1)
    direct_accuracy, pipeline_accuracy = (float((x == labels).mean()) for x in (direct, piped))
    return Parity(
        name,
        detector.name,
        split,
        len(faces),
        len(labels),
        direct_accuracy,
        pipeline_accuracy,
        100 * (pipeline_accuracy - direct_accuracy),
        float((piped == direct).mean()),
    )


def add_parity(folder: Path, parity: Parity) -> Path:
    """Store a parity in a model's folder, beside those of other detectors and splits.

    What is there of another network, or damaged, is replaced.

    Returns:
        The file.

    Raises:
        ModelError: The folder has no usable configuration.
    """
    try:
        rows = read_parity(folder).rows
    except ModelError:
        rows = ()
    key = (parity.detector, parity.split)
    kept = [row for row in rows if (row.detector, row.split) != key]
    ordered = sorted([*kept, parity], key=lambda row: (row.detector, row.split), reverse=True)
    return write_record(folder, ParityTable(tuple(ordered)))


def read_parity(folder: Path) -> ParityTable:
    """Read what ``add_parity`` stored, an empty table where nothing is.

    Raises:
        ModelError: The file is damaged, or of another network or temperature.
    """
    try:
        return read_record(folder, ParityTable)
    except MissingRecord:
        return ParityTable(())


def as_text(result: Parity) -> str:
    """Return the comparison as sentences."""
    return (
        f"{result.model} with {result.detector} on {result.pictures:,} pictures of "
        f"{result.split}: {result.found:,} faces found ({result.found / result.pictures:.1%}).\n"
        f"On these, direct {result.direct_accuracy:.2%}, pipeline "
        f"{result.pipeline_accuracy:.2%}: {result.difference_points:+.2f} points; the same answer "
        f"for {result.same_answer:.1%}."
    )
