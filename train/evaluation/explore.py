"""Measures all that the pages show of a model, and stores it beside the model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import EmotionClassifier, read_model_files
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PUBLIC_TEST, TRAINING, FaceSet
from train.data.ferplus import EXPRESSIONS, Votes, decided
from train.evaluation.crowd_agreement import crowd_agreement
from train.evaluation.evaluate import class_set_of, leaked_from_training
from train.evaluation.records import Crowd, Features, Predictions
from train.evaluation.storage import RECORD_FILES, read_record, write_record
from train.evaluation.tta import read_logits, read_views

logger = logging.getLogger(__name__)

PREDICTIONS, FEATURES, ROBUSTNESS = "predictions", "features", "robustness"
ARCHITECTURE, CROWD = "architecture", "crowd"
PARTS = (PREDICTIONS, FEATURES, ROBUSTNESS, ARCHITECTURE, CROWD)
# Fifty conditions: on all of PublicTest they would take as long as everything else together.
ROBUSTNESS_PICTURES = 1200


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be measured.

    Attributes:
        classifier: The model.
        folder: The model's folder, where everything is stored.
        faces: FER-2013 in the model's classes.
        votes: FER+'s, or None.
        pictures: Number of pictures that robustness is measured on; None for all of PublicTest.
        num_threads: Threads that the network may use.
    """

    classifier: EmotionClassifier
    folder: Path
    faces: FaceSet
    votes: Votes | None
    pictures: int | None
    num_threads: int


def explore(
    name: str,
    dataset: FaceSet,
    models_dir: Path,
    *,
    votes: Votes | None = None,
    only: Collection[str] = PARTS,
    pictures: int | None = ROBUSTNESS_PICTURES,
    num_threads: int = 1,
) -> list[Path]:
    """Measure a model and store what was found.

    Args:
        name: Name of the model.
        dataset: FER-2013.
        models_dir: Folder of the models.
        votes: FER+'s; without them what the crowd decided is left out.
        only: The parts to measure, of ``PARTS``; "crowd" needs stored predictions.
        pictures: Number of PublicTest's pictures that robustness is measured on; None for all.
        num_threads: Threads that the network may use.

    Returns:
        The files written.

    Raises:
        DataError: The data set lacks Training or PublicTest.
        ModelError: There is no such model, or its files are damaged.
    """
    classifier = EmotionClassifier.load(
        name, reading=LABELS, models_dir=models_dir, num_threads=num_threads
    )
    folder = models_dir / name
    faces = dataset.as_classes(class_set_of(classifier))
    task = Task(classifier, folder, faces, votes, pictures, num_threads)
    files: list[Path] = []
    for parts, measure in _STEPS:
        wanted = [part for part in parts if part in only]
        if wanted:
            logger.info("%s: %s.", name, " and ".join(wanted))
            files += measure(task, wanted)
    return files


def _network(task: Task, wanted: Collection[str]) -> list[Path]:
    """Run the network once over all pictures, for what it says and for where it puts them."""
    from train.evaluation.readings import read_features_of

    faces = task.faces
    files = read_model_files(task.folder)
    readings = read_features_of(files, faces.faces_gray, num_threads=task.num_threads)
    written = []
    if PREDICTIONS in wanted:
        one_view = task.classifier.labels_of(readings.logits)
        written.append(write_record(task.folder, _predictions(task, one_view)))
    if FEATURES in wanted:
        from train.evaluation.embeddings import map_of

        places, neighbours, similarities = map_of(readings.features)
        features = Features(faces.names, places, neighbours, similarities)
        written.append(write_record(task.folder, features))
    return written


def _predictions(task: Task, one_view: NDArray[np.float32]) -> Predictions:
    """Put together what the network says; of Training that is one view, to save time."""
    faces, classifier = task.faces, task.classifier
    tests = faces.splits != TRAINING
    logits = read_logits(classifier, faces.faces_gray[tests], FLIP)
    read = {
        (LABELS, FLIP): classifier.labels_of(logits),
        (LABELS, CROPS): read_views(classifier, faces.faces_gray[tests], CROPS),
    }
    votes = np.empty((len(logits), 0), np.float32)
    if classifier.answers:
        both = classifier.both_of(logits)
        read[PEOPLE, FLIP], votes = both.people, both.votes
    leaked = np.zeros(len(faces), bool)
    leaked[tests] = leaked_from_training(faces, faces.where(tests))
    return Predictions(
        faces.names,
        faces.splits,
        faces.labels,
        leaked,
        _crowd_words(task),
        {(LABELS, ONE_VIEW): one_view} | {way: _at(tests, rows) for way, rows in read.items()},
        _at(tests, votes),
        classifier.answers,
        faces.class_set,
    )


def _at(tests: NDArray[np.bool_], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows for all pictures: these for the test pictures, NaN for the others."""
    everything = np.full((len(tests), rows.shape[1]), np.nan, np.float32)
    everything[tests] = rows
    return everything


def _crowd_words(task: Task) -> NDArray[np.str_]:
    if task.votes is None:
        return np.full(len(task.faces), "")
    return np.array([*EXPRESSIONS, ""])[decided(task.votes.of(task.faces.ids))]


def _robustness(task: Task, _: Collection[str]) -> list[Path]:
    from train.evaluation.robustness import measure_robustness

    result = measure_robustness(task.classifier, task.faces, PUBLIC_TEST, limit=task.pictures)
    return [write_record(task.folder, result)]


def _architecture(task: Task, _: Collection[str]) -> list[Path]:
    from train.evaluation.architecture import describe, read_keras

    return [write_record(task.folder, describe(read_keras(task.folder)))]


def _crowd(task: Task, _: Collection[str]) -> list[Path]:
    if task.votes is None:
        # What an earlier network had in common with the crowd is nothing to keep.
        (task.folder / RECORD_FILES[Crowd]).unlink(missing_ok=True)
        logger.info("Without FER+'s votes there is no agreement with the crowd.")
        return []
    predictions = read_record(task.folder, Predictions)
    return [write_record(task.folder, crowd_agreement(predictions, task.votes))]


_STEPS: tuple[tuple[tuple[str, ...], Callable[[Task, Collection[str]], list[Path]]], ...] = (
    ((PREDICTIONS, FEATURES), _network),
    ((ROBUSTNESS,), _robustness),
    ((ARCHITECTURE,), _architecture),
    ((CROWD,), _crowd),
)
