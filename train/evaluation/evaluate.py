"""Measuring a served model on one of FER-2013's splits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.classifier import (
    CONFIG_FILE,
    METRICS_FILE,
    TFLITE_FILE,
    EmotionClassifier,
    read_model_json,
)
from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS, ClassSet
from fer_core.readings import LABELS
from fer_core.tta import CROPS, FLIP, ONE_VIEW, VIEW_COUNTS
from train.data.fer2013 import TEST, TESTS, TRAINING, FaceSet, in_split
from train.errors import DataError
from train.evaluation import metrics
from train.evaluation.records import Predictions
from train.evaluation.tta import read_all_views, read_views
from train.files import write_json

_VIEWS_IN_WORDS = {
    ONE_VIEW: "one view of each picture",
    FLIP: "a picture and its mirror image averaged",
    CROPS: "ten crops of each picture averaged",
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, on what, and how.

    Attributes:
        model: Name of the model.
        split: "PublicTest", "PrivateTest" or "test" for both.
        views: One of ``fer_core.tta.VIEW_COUNTS``.
        protocol: The same in words, with what the figures mean.
        networks: Number of networks whose answers are combined.
        temperature: What the logits were divided by.
        sha256: Checksum of the network that was measured.
        pictures: Number of test pictures N.
        accuracy: Share of pictures classified rightly.
        accuracy_interval: Its 95 % bootstrap interval.
        macro_f1: Mean F1 of the classes.
        balanced_accuracy: Mean recall of the classes.
        top2_accuracy: Share of pictures whose class is among the two most probable.
        log_loss: Mean negative log-likelihood in nats.
        ece: Expected calibration error.
        leaked: Number of test pictures that are pixel-identical to a Training picture.
        accuracy_without_leaked: Accuracy on all other pictures.
        labels: The K emotions.
        per_class: Precision, recall, F1 and support by emotion.
        confusion: ``(K, K)`` counts; rows are true emotions, columns predicted ones.
    """

    model: str
    split: str
    views: str
    protocol: str
    networks: int
    temperature: float
    sha256: str
    pictures: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    balanced_accuracy: float
    top2_accuracy: float
    log_loss: float
    ece: float
    leaked: int
    accuracy_without_leaked: float
    labels: tuple[str, ...]
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]


def evaluate(
    name: str, dataset: FaceSet, split: str, models_dir: Path, views: str = ONE_VIEW
) -> Evaluation:
    """Measures a model as it is served.

    Args:
        name: Name of the model.
        dataset: FER-2013; emotions that the model does not know are left out.
        split: "PublicTest", "PrivateTest" or "test" for both.
        models_dir: Folder of the models.
        views: How pictures are read, one of ``fer_core.tta.VIEW_COUNTS``.

    Raises:
        DataError: The data set lacks the split, or Training.
        ModelError: There is no such model, or its files are damaged.
    """
    model = _load(name, models_dir)
    known = dataset.as_classes(class_set_of(model.classifier))
    faces = known.split(split)
    probabilities = read_views(model.classifier, faces.faces_gray, views)
    return _measure(
        model, faces, probabilities, leaked_from_training(known, faces), split=split, views=views
    )


def evaluate_all(
    name: str, dataset: FaceSet, models_dir: Path, predictions: Predictions | None = None
) -> list[Evaluation]:
    """Measures a model on PublicTest, PrivateTest and both, read in every way.

    Arguments and exceptions as for ``evaluate``, and

    Args:
        name: Name of the model.
        dataset: FER-2013.
        models_dir: Folder of the models.
        predictions: What the model says, as stored; None to read all pictures now.
    """
    model = _load(name, models_dir)
    known = dataset.as_classes(class_set_of(model.classifier))
    faces = known.split(TEST)
    leaked = leaked_from_training(known, faces)
    if predictions is None:
        by_views = read_all_views(model.classifier, faces.faces_gray)
    else:
        stored = predictions.split(TEST)
        if not np.array_equal(stored.ids, faces.ids):
            raise DataError("The stored predictions are of other pictures.")
        by_views = dict(stored.by_views)
    results = []
    for views in VIEW_COUNTS:
        for split in (*TESTS, TEST):
            rows = in_split(faces.splits, split)
            part, said = faces.where(rows), by_views[views][rows]
            results.append(_measure(model, part, said, leaked[rows], split=split, views=views))
    return results


@dataclass(frozen=True, slots=True)
class _Model:
    classifier: EmotionClassifier
    config: dict[str, Any]


def _load(name: str, models_dir: Path) -> _Model:
    return _Model(
        EmotionClassifier.load(name, reading=LABELS, models_dir=models_dir),
        model_config(models_dir / name),
    )


def _measure(
    model: _Model,
    faces: FaceSet,
    probabilities: NDArray[np.float32],
    leaked: NDArray[np.bool_],
    *,
    split: str,
    views: str,
) -> Evaluation:
    classifier, config = model.classifier, model.config
    predicted = probabilities.argmax(axis=1)
    correct = predicted == faces.labels
    confusion = metrics.confusion_matrix(faces.labels, predicted, len(faces.class_set))
    scores = metrics.class_scores(confusion)
    return Evaluation(
        model=classifier.name,
        split=split,
        views=views,
        protocol=_protocol(split, len(faces), views, model),
        networks=classifier.members,
        temperature=classifier.temperature,
        sha256=config["sha256"][TFLITE_FILE],
        pictures=len(faces),
        accuracy=float(correct.mean()),
        accuracy_interval=metrics.bootstrap_interval(correct),
        macro_f1=scores.macro_f1,
        balanced_accuracy=scores.balanced_accuracy,
        top2_accuracy=metrics.top_accuracy(probabilities, faces.labels, 2),
        log_loss=metrics.log_loss(probabilities, faces.labels),
        ece=metrics.expected_calibration_error(probabilities, faces.labels),
        leaked=int(leaked.sum()),
        accuracy_without_leaked=float(correct[~leaked].mean()),
        labels=classifier.labels,
        per_class={
            label: {
                "precision": float(scores.precision[index]),
                "recall": float(scores.recall[index]),
                "f1": float(scores.f1[index]),
                "support": int(scores.support[index]),
            }
            for index, label in enumerate(classifier.labels)
        },
        confusion=confusion.tolist(),
    )


def model_config(folder: Path) -> dict[str, Any]:
    """Returns the ``config.json`` of a model's folder.

    Raises:
        ModelError: It is missing or no JSON object.
    """
    config = read_model_json(folder, CONFIG_FILE)
    if not isinstance(config, dict):
        raise ModelError(f"The model '{folder.name}' has a {CONFIG_FILE} without keys.")
    return config


def class_set_of(classifier: EmotionClassifier) -> ClassSet:
    """Returns the class set whose labels a model has; loading has checked that there is one."""
    return next(known for known in CLASS_SETS.values() if known.labels == classifier.labels)


def leaked_from_training(dataset: FaceSet, faces: FaceSet) -> NDArray[np.bool_]:
    """Returns bool ``(N,)``: which ``faces`` are pixel-identical to a Training picture.

    Raises:
        DataError: The data set lacks Training.
    """
    training = {face.tobytes() for face in dataset.split(TRAINING).faces_gray}
    return np.array([face.tobytes() in training for face in faces.faces_gray])


def save_evaluation(evaluation: Evaluation, models_dir: Path) -> Path:
    """Stores an evaluation in the model's ``metrics.json``, under its split and its views.

    Raises:
        ModelError: The file that is there is no JSON object.
    """
    file = models_dir / evaluation.model / METRICS_FILE
    content: Any = {}
    if file.exists():
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file} has no keys.")
    content.setdefault(evaluation.split, {})[evaluation.views] = asdict(evaluation)
    write_json(file, content)
    return file


def as_line(result: Evaluation) -> str:
    """Returns the figures of an evaluation that matter most, in one line."""
    low, high = result.accuracy_interval
    return (
        f"{result.model:10} {result.split:11} {result.views:8} {result.pictures:5d} pictures  "
        f"accuracy {result.accuracy:.2%} ({low:.2%} to {high:.2%}), "
        f"without leaked {result.accuracy_without_leaked:.2%}  macro-F1 {result.macro_f1:.4f}  "
        f"ECE {result.ece:.4f}"
    )


def as_text(result: Evaluation) -> str:
    """Returns an evaluation as tables to read in a terminal."""
    low, high = result.accuracy_interval
    width = max(map(len, result.labels))
    head = [
        result.protocol,
        "",
        f"accuracy               {result.accuracy:7.2%}  ({low:.2%} to {high:.2%})",
        f"  without {result.leaked} leaked {result.accuracy_without_leaked:>12.2%}",
        f"macro-F1               {result.macro_f1:7.4f}",
        f"balanced accuracy      {result.balanced_accuracy:7.2%}",
        f"top-2 accuracy         {result.top2_accuracy:7.2%}",
        f"log loss               {result.log_loss:7.4f}",
        f"calibration error      {result.ece:7.4f}",
        "",
        f"{'':{width}} precision  recall      F1  support",
    ]
    classes = [
        f"{label:{width}} {row['precision']:9.2%} {row['recall']:7.2%} {row['f1']:7.4f} "
        f"{row['support']:8d}"
        for label, row in result.per_class.items()
    ]
    confusion = [
        f"{label:{width}} " + " ".join(f"{count:8d}" for count in row)
        for label, row in zip(result.labels, result.confusion, strict=True)
    ]
    columns = " ".join(f"{label:>8}" for label in result.labels)
    return "\n".join([*head, *classes, "", f"{'true':{width}} {columns}", *confusion])


def _protocol(split: str, pictures: int, views: str, model: _Model) -> str:
    parts = {"test": "PublicTest and PrivateTest"}.get(split, split)
    classifier, calibration = model.classifier, model.config.get("calibrated_on")
    fitted = (calibration or {}).get(LABELS)
    count = classifier.members
    networks = "one network" if count == 1 else f"{count} networks averaged"
    return (
        f"{classifier.name} on {parts}: {pictures:,} pictures of {len(classifier.labels)} "
        f"classes, {_VIEWS_IN_WORDS[views]}, {networks}; "
        f"temperature {classifier.temperature:.3f}, "
        f"{f'fitted on {fitted}' if fitted else 'not fitted'}. "
        f"Accuracy with a 95 % bootstrap interval over the pictures "
        f"({metrics.BOOTSTRAP_RESAMPLES:,} resamples, percentiles); calibration error in "
        f"{metrics.ECE_BINS} bins of equal width; leaked pictures are pixel-identical to one of "
        f"Training."
    )
