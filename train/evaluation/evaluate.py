"""Measuring a served model on FER-2013's splits, against the labels and against the people."""

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
from fer_core.readings import LABELS, PEOPLE, BothReadings
from fer_core.tta import CROPS, FLIP, ONE_VIEW, VIEW_COUNTS
from train.data.fer2013 import TEST, TESTS, TRAINING, FaceSet, in_split
from train.data.ferplus import Votes
from train.errors import DataError
from train.evaluation import metrics
from train.evaluation.people import (
    SHARE_BINS,
    WANTED_AGREEMENT,
    PeopleFigures,
    people_figures,
    proposed_threshold,
)
from train.evaluation.records import Audit, Predictions
from train.evaluation.tta import read_logits, read_member_logits, read_views
from train.files import write_json

_VIEWS_IN_WORDS = {
    ONE_VIEW: "one view of each picture",
    FLIP: "a picture and its mirror image averaged",
    CROPS: "ten crops of each picture averaged",
}
_SPLITS_IN_WORDS = {TEST: "PublicTest and PrivateTest"}
# Where metrics.json has each network alone.
MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, on what, and how.

    Attributes:
        model: Name of the model.
        split: "PublicTest", "PrivateTest" or "test" for both.
        views: One of ``fer_core.tta.VIEW_COUNTS``.
        protocol: The same in words, with what the figures mean.
        networks: Number of networks whose answers are combined.
        member: Name of the network where one of several is measured alone, or None.
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
        near_leaked: Number of test pictures with a near duplicate in Training, the identical ones
            included; None where the data set was not audited.
        accuracy_without_near_leaked: Accuracy on all other pictures, or None.
        labels: The K emotions.
        per_class: Precision, recall, F1 and support by emotion.
        confusion: ``(K, K)`` counts; rows are true emotions, columns predicted ones.
    """

    model: str
    split: str
    views: str
    protocol: str
    networks: int
    member: str | None
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
    near_leaked: int | None
    accuracy_without_near_leaked: float | None
    labels: tuple[str, ...]
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class PeopleEvaluation:
    """What was measured of the people's reading, on what, and how.

    Attributes:
        model: Name of the model.
        split: "PublicTest", "PrivateTest" or "test" for both.
        protocol: What was done, in words.
        temperatures: What the logits were divided by, by reading.
        mixture: Weight of the people's answers in the people's reading.
        sha256: Checksum of the network that was measured.
        pictures: Number of test pictures.
        figures: What was measured.
    """

    model: str
    split: str
    protocol: str
    temperatures: dict[str, float]
    mixture: float
    sha256: str
    pictures: int
    figures: PeopleFigures


def evaluate(
    name: str,
    dataset: FaceSet,
    split: str,
    models_dir: Path,
    views: str = ONE_VIEW,
    audit: Audit | None = None,
) -> Evaluation:
    """Measure a model's labels' reading against the labels.

    Args:
        name: Name of the model.
        dataset: FER-2013; emotions that the model does not know are left out.
        split: "PublicTest", "PrivateTest" or "test" for both.
        models_dir: Folder of the models.
        views: How pictures are read, one of ``fer_core.tta.VIEW_COUNTS``.
        audit: Of the data set, for near duplicates; None where it was not audited.

    Raises:
        DataError: The data set lacks the split, or Training.
        ModelError: There is no such model, or its files are damaged.
    """
    model = _load(name, models_dir)
    faces = _test_faces(model, dataset, split, audit)
    probabilities = read_views(model.classifier, faces.faces.faces_gray, views)
    return _measure(model, faces, probabilities, split=split, views=views)


def evaluate_people(
    name: str, dataset: FaceSet, split: str, models_dir: Path, votes: Votes
) -> PeopleEvaluation:
    """Measure a model's people's reading, as it is served, against FER+'s votes.

    Arguments and exceptions as for ``evaluate``, and

    Args:
        name: Name of the model.
        dataset: FER-2013.
        split: "PublicTest", "PrivateTest" or "test" for both.
        models_dir: Folder of the models.
        votes: FER+'s.

    Raises:
        ModelError: The model did not learn from votes.
    """
    model = _load(name, models_dir)
    # Asking for it raises the error of a model that lacks it.
    model.classifier.with_reading(PEOPLE)
    faces = _test_faces(model, dataset, split)
    logits = read_logits(model.classifier, faces.faces.faces_gray, FLIP)
    return _measure_people(model, faces, model.classifier.both_of(logits), votes, split=split)


def evaluate_all(
    name: str,
    dataset: FaceSet,
    models_dir: Path,
    predictions: Predictions | None = None,
    *,
    votes: Votes | None = None,
    audit: Audit | None = None,
) -> list[Evaluation | PeopleEvaluation]:
    """Measure a model on PublicTest, PrivateTest and both, read in every way.

    Exceptions as for ``evaluate``.

    Args:
        name: Name of the model.
        dataset: FER-2013.
        models_dir: Folder of the models.
        predictions: What the model says, as stored; None to read all pictures now. Each network
            alone is always read now.
        votes: FER+'s; without them the people's reading is left out.
        audit: Of the data set, for near duplicates; None where it was not audited.

    Returns:
        By views and split, then each network alone, where there are several, then the people's
        reading.
    """
    model = _load(name, models_dir)
    classifier = model.classifier
    faces = _test_faces(model, dataset, TEST, audit)
    by_views, members, people = _all_readings(classifier, faces.faces, predictions)
    results: list[Evaluation | PeopleEvaluation] = []
    for views, member, said in [
        *((views, None, said) for views, said in by_views.items()),
        *((ONE_VIEW, member, said) for member, said in zip(model.members, members, strict=False)),
    ]:
        for split in (*TESTS, TEST):
            rows = in_split(faces.faces.splits, split)
            results.append(
                _measure(
                    model, faces.where(rows), said[rows], split=split, views=views, member=member
                )
            )
    if votes is not None and people is not None:
        for split in (*TESTS, TEST):
            rows = in_split(faces.faces.splits, split)
            part = BothReadings(people.labels[rows], people.people[rows], people.votes[rows])
            results.append(_measure_people(model, faces.where(rows), part, votes, split=split))
    return results


@dataclass(frozen=True, slots=True)
class _Model:
    classifier: EmotionClassifier
    config: dict[str, Any]

    @property
    def members(self) -> list[str]:
        """The names of the networks."""
        return [str(member["name"]) for member in self.config["members"]]


@dataclass(frozen=True, slots=True)
class _TestFaces:
    """Test pictures, and which are known from Training: exactly, and nearly if that is known."""

    faces: FaceSet
    leaked: NDArray[np.bool_]
    near_leaked: NDArray[np.bool_] | None

    def where(self, rows: NDArray[np.bool_]) -> _TestFaces:
        near = None if self.near_leaked is None else self.near_leaked[rows]
        return _TestFaces(self.faces.where(rows), self.leaked[rows], near)


def _load(name: str, models_dir: Path) -> _Model:
    return _Model(
        EmotionClassifier.load(name, reading=LABELS, models_dir=models_dir),
        model_config(models_dir / name),
    )


def _test_faces(
    model: _Model, dataset: FaceSet, split: str, audit: Audit | None = None
) -> _TestFaces:
    known = dataset.as_classes(class_set_of(model.classifier))
    faces = known.split(split)
    near = None if audit is None else np.isin(faces.ids, audit.ids[audit.near_leaked])
    return _TestFaces(faces, leaked_from_training(known, faces), near)


def _all_readings(
    classifier: EmotionClassifier, faces: FaceSet, predictions: Predictions | None
) -> tuple[dict[str, NDArray[np.float32]], list[NDArray[np.float32]], BothReadings | None]:
    """Return the labels' reading by views, that of each network where there are several, and both.

    Both readings are as they are served; None for a model without the people's.
    """
    alone = read_member_logits(classifier, faces.faces_gray, ONE_VIEW)
    members = [classifier.labels_of(alone[:, number]) for number in range(classifier.members)]
    if predictions is None:
        logits = read_logits(classifier, faces.faces_gray, FLIP)
        by_views = {
            ONE_VIEW: classifier.labels_of(alone.mean(axis=1)),
            FLIP: classifier.labels_of(logits),
            CROPS: read_views(classifier, faces.faces_gray, CROPS),
        }
        both = classifier.both_of(logits) if classifier.answers else None
    else:
        stored = predictions.split(TEST)
        if not np.array_equal(stored.ids, faces.ids):
            raise DataError("The stored predictions are of other pictures.")
        by_views = {views: stored.probabilities[LABELS, views] for views in VIEW_COUNTS}
        people = stored.probabilities.get((PEOPLE, FLIP))
        both = None if people is None else BothReadings(by_views[FLIP], people, stored.votes)
    return by_views, members if len(members) > 1 else [], both


def _measure_people(
    model: _Model, faces: _TestFaces, read: BothReadings, votes: Votes, *, split: str
) -> PeopleEvaluation:
    classifier, config = model.classifier, model.config
    figures = people_figures(
        read,
        classifier.answers,
        class_set_of(classifier),
        votes.of(faces.faces.ids),
        faces.leaked,
    )
    temperatures = {key: float(value) for key, value in config["temperature"].items()}
    return PeopleEvaluation(
        model=classifier.name,
        split=split,
        protocol=(
            f"{classifier.name} on {_SPLITS_IN_WORDS.get(split, split)}, {_VIEWS_IN_WORDS[FLIP]}, "
            "against FER+'s votes. The crowd decides as in Barsoum et al. (2016): answers with a "
            "single vote do not count, and a decision needs more than half of the votes that are "
            "left, so that a tie is none; pictures without one, or decided to be unknown or no "
            f"face, are left out. {len(classifier.answers)} answers: the crowd's own. "
            f"{len(classifier.labels)} emotions: the served reading, with weight "
            f"{classifier.mixture:g} of the people's answers and the rest of the labels, on the "
            "pictures that the crowd decided to be one of these. Calibration error of all shares "
            f"in {SHARE_BINS} bins of equal width."
        ),
        temperatures=temperatures,
        mixture=classifier.mixture,
        sha256=config["sha256"][TFLITE_FILE],
        pictures=len(faces.faces),
        figures=figures,
    )


def _measure(
    model: _Model,
    test: _TestFaces,
    probabilities: NDArray[np.float32],
    *,
    split: str,
    views: str,
    member: str | None = None,
) -> Evaluation:
    classifier, config, faces = model.classifier, model.config, test.faces
    predicted = probabilities.argmax(axis=1)
    correct = predicted == faces.labels
    confusion = metrics.confusion_matrix(faces.labels, predicted, len(faces.class_set))
    scores = metrics.class_scores(confusion)
    near = test.near_leaked
    return Evaluation(
        model=classifier.name,
        split=split,
        views=views,
        protocol=_protocol(split, len(faces), views, model, member),
        networks=1 if member else classifier.members,
        member=member,
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
        leaked=int(test.leaked.sum()),
        accuracy_without_leaked=float(correct[~test.leaked].mean()),
        near_leaked=None if near is None else int(near.sum()),
        accuracy_without_near_leaked=None if near is None else float(correct[~near].mean()),
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
    """Return the ``config.json`` of a model's folder.

    Raises:
        ModelError: It is missing or no JSON object.
    """
    config = read_model_json(folder, CONFIG_FILE)
    if not isinstance(config, dict):
        raise ModelError(f"The model '{folder.name}' has a {CONFIG_FILE} without keys.")
    return config


def class_set_of(classifier: EmotionClassifier) -> ClassSet:
    """Return the class set whose labels a model has; loading has checked that there is one."""
    return next(known for known in CLASS_SETS.values() if known.labels == classifier.labels)


def leaked_from_training(dataset: FaceSet, faces: FaceSet) -> NDArray[np.bool_]:
    """Return bool ``(N,)``: which ``faces`` are pixel-identical to a Training picture.

    Raises:
        DataError: The data set lacks Training.
    """
    training = {face.tobytes() for face in dataset.split(TRAINING).faces_gray}
    return np.array([face.tobytes() in training for face in faces.faces_gray])


def save_evaluation(evaluation: Evaluation | PeopleEvaluation, models_dir: Path) -> Path:
    """Store an evaluation in the model's ``metrics.json``.

    It stands under its split, and there under its views, under "members" and the network's name,
    or under "people".

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
    of_split = content.setdefault(evaluation.split, {})
    if isinstance(evaluation, PeopleEvaluation):
        of_split[PEOPLE] = asdict(evaluation)
    elif evaluation.member is None:
        of_split[evaluation.views] = asdict(evaluation)
    else:
        others = of_split.get(MEMBERS, {}).items()
        kept = {name: one for name, one in others if one["sha256"] == evaluation.sha256}
        of_split[MEMBERS] = {**kept, evaluation.member: asdict(evaluation)}
    write_json(file, content)
    return file


def as_line(result: Evaluation | PeopleEvaluation) -> str:
    """Return the figures of an evaluation that matter most, in one line."""
    if isinstance(result, PeopleEvaluation):
        people, votes = result.figures.people, result.figures.votes
        return (
            f"{result.model:10} {result.split:11} {PEOPLE:8} {people.pictures:5d} pictures  "
            f"agreement {_with_interval(people.share, people.interval)}, "
            f"without leaked {people.without_leaked:.2%}; {len(votes.answers)} answers "
            f"{_with_interval(votes.share, votes.interval)} of {votes.pictures}  "
            f"ECE of shares {result.figures.people_shares.error:.4f} and "
            f"{result.figures.vote_shares.error:.4f}"
        )
    way = result.views + (f", {result.member} alone" if result.member else "")
    near = result.accuracy_without_near_leaked
    return (
        f"{result.model:10} {result.split:11} {way:8} {result.pictures:5d} pictures  "
        f"accuracy {_with_interval(result.accuracy, result.accuracy_interval)}, "
        f"without leaked {result.accuracy_without_leaked:.2%}"
        f"{'' if near is None else f', without near duplicates {near:.2%}'}  "
        f"macro-F1 {result.macro_f1:.4f}  ECE {result.ece:.4f}"
    )


def _with_interval(share: float, interval: tuple[float, float]) -> str:
    return f"{share:.2%} ({interval[0]:.2%} to {interval[1]:.2%})"


def people_as_text(result: PeopleEvaluation) -> str:
    """Return an evaluation of the people's reading as tables to read in a terminal."""
    figures = result.figures
    lines = [
        result.protocol,
        "",
        f"{result.pictures:,} pictures: {figures.without_votes:,} without votes, "
        f"{figures.undecided:,} without a decision.",
        "",
    ]
    for title, agreement, shares in (
        (f"{len(figures.votes.answers)} answers", figures.votes, figures.vote_shares),
        (f"{len(figures.people.answers)} emotions", figures.people, figures.people_shares),
    ):
        lines += [
            f"{title}: agreement {_with_interval(agreement.share, agreement.interval)} on "
            f"{agreement.pictures:,} pictures, without leaked {agreement.without_leaked:.2%}, "
            f"macro-F1 {agreement.macro_f1:.4f}",
            f"calibration error of the shares {shares.error:.4f}; by forecast share:",
            "   share         bars  forecast   actual",
            *(
                f"{row.low:4.0%} to {row.high:4.0%} {row.bars:8,} {row.forecast:9.1%} "
                f"{row.actual:8.1%}"
                for row in shares.bins
            ),
            "",
        ]
    lines += ["uncertain below   coverage   agreement"]
    lines += [
        f"{row.threshold:15.0%} {row.coverage:10.1%} {row.agreement:11.1%}"
        for row in figures.coverage
        if row.agreement is not None
    ]
    proposed = proposed_threshold(figures.coverage)
    if proposed is not None:
        lines += [
            f"From {proposed:.0%} on, at least {WANTED_AGREEMENT:.0%} of the verdicts are the "
            "crowd's."
        ]
    return "\n".join(lines)


def as_text(result: Evaluation) -> str:
    """Return an evaluation as tables to read in a terminal."""
    low, high = result.accuracy_interval
    width = max(map(len, result.labels))
    head = [
        result.protocol,
        "",
        f"accuracy               {result.accuracy:7.2%}  ({low:.2%} to {high:.2%})",
        f"  without {result.leaked} leaked {result.accuracy_without_leaked:>12.2%}",
        *(
            [f"  without {result.near_leaked} near {result.accuracy_without_near_leaked:>14.2%}"]
            if result.near_leaked is not None
            else []
        ),
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


def _protocol(split: str, pictures: int, views: str, model: _Model, member: str | None) -> str:
    parts = _SPLITS_IN_WORDS.get(split, split)
    classifier, calibration = model.classifier, model.config.get("calibrated_on")
    fitted = (calibration or {}).get(LABELS)
    count = classifier.members
    networks = "one network" if count == 1 else f"{count} networks averaged"
    if member:
        networks = f"the network {member} alone, with the temperature of all {count}"
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
