"""What was found out about a model and about the data set: records, without how they are stored.

``train.evaluation.storage`` reads and writes them; the pages show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import ClassSet
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import FLIP, ONE_VIEW
from train.data.fer2013 import in_split
from train.data.picture_ids import picture_ids

NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a model says of N pictures, read in one way, and what is held against it.

    Attributes:
        names: str ``(N,)``, such as "PublicTest_123", or paths in somebody's archive.
        emotions: The K emotions that the model knows.
        labels: int64 ``(N,)``, positions in ``emotions``: what counts as right.
        probabilities: float32 ``(N, K)``, calibrated.
        own_labels: str ``(N,)``, the labels that the pictures are known by, where what counts as
            right is something else; None for the same.
    """

    names: NDArray[np.str_]
    emotions: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    own_labels: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def words(self) -> NDArray[np.str_]:
        """Str ``(N,)``, what counts as right, in words."""
        return np.array(self.emotions)[self.labels]

    @property
    def ids(self) -> NDArray[np.str_]:
        """Str ``(N,)``, what the pictures are known by, as ``picture_ids`` makes it."""
        return picture_ids(self.names, self.words if self.own_labels is None else self.own_labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """int64 ``(N,)``, the most probable emotions."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def said(self) -> NDArray[np.str_]:
        """Str ``(N,)``, the most probable emotions in words."""
        return np.array(self.emotions)[self.predicted]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Bool ``(N,)``, whether each is right."""
        return np.asarray(self.predicted == self.labels, np.bool_)

    def where(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Verdicts:
        """Return the rows that a mask or a list of positions selects."""
        own = None if self.own_labels is None else self.own_labels[rows]
        return Verdicts(
            self.names[rows], self.emotions, self.labels[rows], self.probabilities[rows], own
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of FER-2013's pictures, read in every way.

    Pictures of emotions that the model does not know are left out.

    Attributes:
        names: str ``(N,)``, as in ``FaceSet``: "PublicTest_123".
        splits: str ``(N,)``: "Training", "PublicTest" or "PrivateTest".
        labels: int64 ``(N,)``, positions in ``class_set.labels``.
        leaked: bool ``(N,)``, which test pictures are pixel-identical to one of Training.
        crowd: str ``(N,)``, what FER+'s crowd decided, as ``train.data.ferplus.decided``; "" where
            it decided nothing or was not asked.
        probabilities: float32 ``(N, K)``, calibrated, by reading and views: the labels' by each of
            ``fer_core.tta.VIEW_COUNTS``, and the people's with the mirror image, as it is served,
            where the model has it. NaN for Training, but for the labels' with one view.
        votes: float32 ``(N, A)``, forecast shares of the crowd's answers, with the mirror image;
            NaN for Training.
        answers: The A answers; none for a model without the people's reading.
        class_set: What the labels mean.
    """

    names: NDArray[np.str_]
    splits: NDArray[np.str_]
    labels: NDArray[np.int64]
    leaked: NDArray[np.bool_]
    crowd: NDArray[np.str_]
    probabilities: Mapping[tuple[str, str], NDArray[np.float32]]
    votes: NDArray[np.float32]
    answers: tuple[str, ...]
    class_set: ClassSet

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def words(self) -> NDArray[np.str_]:
        """Str ``(N,)``, FER-2013's labels."""
        return np.array(self.class_set.labels)[self.labels]

    @property
    def ids(self) -> NDArray[np.str_]:
        """Str ``(N,)``, what the pictures are known by, as ``picture_ids`` makes it."""
        return picture_ids(self.names, self.words)

    def verdicts(self, views: str = ONE_VIEW) -> Verdicts:
        """Return all pictures as the labels' reading has them, against FER-2013's labels.

        Args:
            views: One of ``fer_core.tta.VIEW_COUNTS``.
        """
        return Verdicts(
            self.names, self.class_set.labels, self.labels, self.probabilities[LABELS, views]
        )

    def people_verdicts(self) -> Verdicts:
        """Return the people's reading against what the crowd decided.

        Pictures of which it decided nothing, or an answer that is no emotion of the model, are left
        out.

        Raises:
            KeyError: The model has no such reading.
        """
        decided = np.isin(self.crowd, self.class_set.labels)
        place = {label: position for position, label in enumerate(self.class_set.labels)}
        return Verdicts(
            self.names[decided],
            self.class_set.labels,
            np.array([place[word] for word in self.crowd[decided].tolist()], np.int64),
            self.probabilities[PEOPLE, FLIP][decided],
            self.words[decided],
        )

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> Predictions:
        """Return the rows that a mask or a list of positions selects."""
        return Predictions(
            self.names[mask],
            self.splits[mask],
            self.labels[mask],
            self.leaked[mask],
            self.crowd[mask],
            {way: rows[mask] for way, rows in self.probabilities.items()},
            self.votes[mask],
            self.answers,
            self.class_set,
        )

    def split(self, name: str) -> Predictions:
        """Return one split; "test" is PublicTest and PrivateTest together."""
        return self.where(in_split(self.splits, name))


@dataclass(frozen=True, slots=True)
class Features:
    """Where the network puts the pictures, row by row those of ``Predictions``.

    Attributes:
        names: str ``(N,)``.
        map_xy: float32 ``(N, 2)``, places in a two-dimensional map; only nearness means
            something.
        neighbours: int64 ``(N, 8)``, positions of the most similar other pictures, best first.
        similarities: float32 ``(N, 8)``, cosine similarity of their features, -1 to 1.
    """

    names: NDArray[np.str_]
    map_xy: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    similarities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """A model on pictures spoilt in one way.

    Attributes:
        kind: One of ``train.evaluation.corruptions.CORRUPTIONS``.
        strength: How much, in that kind's unit.
        accuracy: Share of pictures classified rightly, 0 to 1.
        macro_f1: Mean F1 of the classes.
        mean_confidence: Mean probability of the predicted class.
        mean_change: Mean change of a picture's probabilities against the unspoilt picture, as
            total variation: 0 for none, 1 for a complete change.
        changed: Share of pictures whose predicted class changes.
    """

    kind: str
    strength: float
    accuracy: float
    macro_f1: float
    mean_confidence: float
    mean_change: float
    changed: float


@dataclass(frozen=True, slots=True)
class Robustness:
    """A model on spoilt pictures.

    Attributes:
        split: Where the pictures are from.
        pictures: Their number.
        seed: Of what is random in the spoiling.
        clean: The unspoilt pictures, as a row of kind "none" and strength 0.
        rows: By kind and rising strength.
    """

    split: str
    pictures: int
    seed: int
    clean: RobustnessRow
    rows: tuple[RobustnessRow, ...]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer of a network.

    Attributes:
        name: Its name in Keras.
        kind: Its class in Keras, such as "Conv2D".
        inputs: Names of the layers that it reads, for a drawing.
        output_shape: Without the batch: (height, width, channels) or (units,).
        parameters: Number of weights, those that do not train included.
        multiply_adds: Multiplications with an addition for one picture; 0 for a layer without
            weights, and for batch normalisation, which serving folds into its convolution.
        settings: What distinguishes it, such as "3×3" or "rate 0.3".
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    settings: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network layer by layer, with totals.

    Attributes:
        layers: From the input to the logits.
        parameters: Number of weights.
        multiply_adds: Multiplications with an addition for one picture.
    """

    layers: tuple[LayerRow, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class CrowdRow:
    """A model on the test pictures on which the crowd agrees to some degree.

    Attributes:
        low: Lowest share of the votes that the most chosen emotion has.
        high: Highest one; a picture on the border is in the row above.
        pictures: Number of pictures.
        model_label: Share of them on which the labels' reading and FER-2013's label agree.
        model_crowd: Share of them on which the labels' reading and the crowd's majority agree.
        crowd_label: Share of them on which the crowd's majority and FER-2013's label agree.
        people_crowd: Share of them on which the people's reading and the crowd's majority agree;
            None for a model without that reading.
    """

    low: float
    high: float
    pictures: int
    model_label: float
    model_crowd: float
    crowd_label: float
    people_crowd: float | None = None


@dataclass(frozen=True, slots=True)
class Crowd:
    """A model's agreement with FER+'s crowd on PublicTest and PrivateTest.

    The labels' reading is of one view, the people's of two, as it is served.

    Attributes:
        pictures: Number of pictures counted in ``rows``.
        without_votes: Test pictures that FER+ does not have.
        undecided: Test pictures without a single most chosen emotion that the model knows.
        rows: By rising agreement; bins without pictures are left out.
    """

    pictures: int
    without_votes: int
    undecided: int
    rows: tuple[CrowdRow, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of some pictures are read as they are labelled.

    Attributes:
        pictures: Their number.
        recall: Share of them that is, 0 to 1.
        interval: A 95 % interval of the share.
    """

    pictures: int
    recall: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class WildFigures:
    """One reading of ordinary photos.

    Attributes:
        natural: Recall of the emotions, weighed by how often each occurs in such photos, 0 to 1.
        natural_interval: Its 95 % bootstrap interval.
        mean_of_five: Mean recall of the emotions without fear, of which there are few pictures.
        by_emotion: Recall of each emotion.
    """

    natural: float
    natural_interval: tuple[float, float]
    mean_of_five: float
    by_emotion: dict[str, Recall]


@dataclass(frozen=True, slots=True)
class WildReading:
    """One reading of ordinary photos, of all and of those of women and of men.

    Attributes:
        reading: One of ``fer_core.readings.READINGS``.
        everybody: All photos.
        by_sex: The same by "F" and "M"; photos whose sex is not known count only above.
    """

    reading: str
    everybody: WildFigures
    by_sex: dict[str, WildFigures]


@dataclass(frozen=True, slots=True)
class MixtureRow:
    """The people's reading with one weight of the people's answers.

    Attributes:
        weight: Of the people's answers, 0 to 1; the labels' have the rest.
        natural: As in ``WildFigures``.
        mean_of_five: As in ``WildFigures``.
        neutral: Recall of neutral faces; None without any.
        agreement: Share of PublicTest's pictures that are read as FER+'s crowd decided; None where
            its votes were not given.
    """

    weight: float
    natural: float
    mean_of_five: float
    neutral: float | None
    agreement: float | None


@dataclass(frozen=True, slots=True)
class Wild:
    """A model on ordinary photos, the whole pipeline.

    Attributes:
        detector: Name of the detector.
        pictures: Number of photos.
        found: Number of those in which a face was found; the others count as misread.
        readings: By each of the model's readings.
        mixtures: What other weights of the people's answers would give, by rising weight.
    """

    detector: str
    pictures: int
    found: int
    readings: tuple[WildReading, ...]
    mixtures: tuple[MixtureRow, ...]


@dataclass(frozen=True, slots=True)
class Parity:
    """Accuracy of the pipeline and of direct classification on the same faces.

    Attributes:
        model: Name of the model.
        detector: Name of the detector.
        split: The split that the pictures are from.
        pictures: Number of pictures tried.
        found: Number of pictures in which the detector found a face.
        direct_accuracy: Accuracy on the 48x48 pictures of the faces found.
        pipeline_accuracy: Accuracy of the pipeline on the same faces.
        difference_points: Pipeline less direct, in percentage points.
        same_answer: Share of these faces with the same answer on both ways.
    """

    model: str
    detector: str
    split: str
    pictures: int
    found: int
    direct_accuracy: float
    pipeline_accuracy: float
    difference_points: float
    same_answer: float


@dataclass(frozen=True, slots=True)
class ParityTable:
    """A model's parity with several detectors and on several splits."""

    rows: tuple[Parity, ...]


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What an audit of FER-2013 found, in numbers.

    Attributes:
        pictures: Number of pictures looked at.
        identical_groups: Groups of pixel-identical pictures.
        identical_pictures: Pictures in them.
        identical_conflicting: Such groups with more than one label.
        leaked: Test pictures that are pixel-identical to one of Training.
        near_groups: Groups of near duplicates, the identical ones included.
        near_pictures: Pictures in them.
        near_conflicting: Such groups with more than one label.
        near_across: Such groups with pictures of more than one split.
        near_leaked: Test pictures in a group with one of Training.
        blank: Pictures with hardly any contrast.
        no_face: Pictures with a sign of not being a face, the blank ones included.
        voted: Pictures for which FER+ has votes; 0 where no votes were given.
        crowd_doubts: Pictures whose label the crowd's majority contradicts.
        methods: How each was found, in words, by the name of the finding.
    """

    pictures: int
    identical_groups: int
    identical_pictures: int
    identical_conflicting: int
    leaked: int
    near_groups: int
    near_pictures: int
    near_conflicting: int
    near_across: int
    near_leaked: int
    blank: int
    no_face: int
    voted: int
    crowd_doubts: int
    methods: dict[str, str]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit of FER-2013 found, picture by picture, in the order of ``load_fer2013``.

    Attributes:
        names: str ``(N,)``.
        splits: str ``(N,)``.
        emotions: str ``(N,)``, FER-2013's label.
        identical: int64 ``(N,)``, number of the group of pixel-identical pictures; -1 for a
            picture of its own.
        near: int64 ``(N,)``, number of the group of near duplicates, which holds the identical
            ones too; -1 for a picture of its own.
        near_leaked: bool ``(N,)``, which test pictures have a near duplicate in Training.
        brightness: float32 ``(N,)``, mean grey level, 0 to 255.
        contrast: float32 ``(N,)``, standard deviation of the grey levels.
        sharpness: float32 ``(N,)``, as ``fer_core.quality.sharpness``; below 60 is blurred.
        no_face: str ``(N,)``, the sign that the picture is no face: "blank", "crowd",
            "detector", or "" for none.
        crowd_emotion: str ``(N,)``, the emotion that most of FER+'s voters chose; "" without
            votes, for a tie, and where they chose contempt, "unknown" or "not a face".
        crowd_share: float32 ``(N,)``, share of the votes that the most chosen answer has; NaN
            without votes.
        label_share: float32 ``(N,)``, share of the votes for FER-2013's label; NaN without.
        summary: The same in numbers.
    """

    names: NDArray[np.str_]
    splits: NDArray[np.str_]
    emotions: NDArray[np.str_]
    identical: NDArray[np.int64]
    near: NDArray[np.int64]
    near_leaked: NDArray[np.bool_]
    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    no_face: NDArray[np.str_]
    crowd_emotion: NDArray[np.str_]
    crowd_share: NDArray[np.float32]
    label_share: NDArray[np.float32]
    summary: AuditSummary

    def __len__(self) -> int:
        return len(self.names)

    @property
    def ids(self) -> NDArray[np.str_]:
        """Str ``(N,)``, what the pictures are known by, as ``picture_ids`` makes it."""
        return picture_ids(self.names, self.emotions)
