"""A model on ordinary photos of ordinary people, by the whole pipeline.

The photos are a folder with ``labels.csv`` (``picture,emotion,sex``, the sex "F", "M" or "?") and
the folder ``pictures``, each with one face in its middle.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector
from fer_core.images import read_image
from fer_core.labels import FER7
from fer_core.pipeline import analyze_image
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import FLIP
from train.data.fer2013 import PUBLIC_TEST, FaceSet
from train.data.ferplus import Votes
from train.data.framing import distance_to_middle
from train.errors import DataError
from train.evaluation.metrics import BOOTSTRAP_RESAMPLES, bootstrap_interval
from train.evaluation.people import positions_in
from train.evaluation.records import MixtureRow, Recall, Wild, WildFigures, WildReading
from train.evaluation.tta import read_logits

LABELS_TABLE, PICTURES_FOLDER = "labels.csv", "pictures"
# How often each emotion was found in news photos, sport and film stills by those who labelled
# github.com/muxspace/facial_expressions: this is what people meet, unlike a balanced test set.
NATURAL_COUNTS: Mapping[str, int] = MappingProxyType(
    {"neutral": 6864, "happy": 5693, "surprise": 368, "sad": 268, "angry": 252, "fear": 21}
)
# The weights of the people's answers that are compared.
MIXTURES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)
SEXES = ("F", "M")
_RARE = "fear"


@dataclass(frozen=True, slots=True)
class WildPhotos:
    """Labelled photos.

    Attributes:
        paths: N files.
        emotions: str ``(N,)``, of ``NATURAL_COUNTS``.
        sexes: str ``(N,)``: "F", "M" or "?".
    """

    paths: tuple[Path, ...]
    emotions: NDArray[np.str_]
    sexes: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.paths)


def read_wild(folder: Path) -> WildPhotos:
    """Read the labels of a folder of photos.

    Raises:
        DataError: The table is missing, has other columns or no rows, or names an emotion that is
            not one of ``NATURAL_COUNTS``.
    """
    table = folder / LABELS_TABLE
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        paths = tuple(folder / PICTURES_FOLDER / row["picture"] for row in rows)
        emotions = np.array([row["emotion"] for row in rows])
        sexes = np.array([row["sex"] for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise DataError(f"{table} has no columns picture, emotion and sex.") from error
    if not rows:
        raise DataError(f"{table} has no rows.")
    unknown = set(emotions.tolist()) - set(NATURAL_COUNTS)
    if unknown:
        raise DataError(f"{table} has other emotions: {', '.join(sorted(unknown))}.")
    return WildPhotos(paths, emotions, sexes)


def measure_wild(
    name: str,
    photos: WildPhotos,
    models_dir: Path,
    detector: FaceDetector,
    *,
    dataset: FaceSet | None = None,
    votes: Votes | None = None,
) -> Wild:
    """Measure a model on photos.

    Args:
        name: Name of the model.
        photos: N of them, N at least 1. One in which no face is found is misread.
        models_dir: Folder of the models.
        detector: Finds the faces.
        dataset: FER-2013, for the agreement with the crowd on PublicTest; None without it.
        votes: FER+'s, for the same.

    Raises:
        DataError: There is no face in any photo, or the data set lacks PublicTest.
        ModelError: There is no such model, or its files are damaged.
        UnreadableImage: A photo cannot be read.
    """
    classifier = EmotionClassifier.load(name, reading=LABELS, models_dir=models_dir)
    crops = [
        _aligned_face(path, classifier, detector)
        for path in tqdm(photos.paths, unit="photo", disable=None)
    ]
    found = np.array([crop is not None for crop in crops])
    if not found.any():
        raise DataError(f"{detector.name} found no face on {len(photos)} photos.")
    logits = classifier.logits([crop for crop in crops if crop is not None])

    def said(rows: NDArray[np.float32]) -> NDArray[np.str_]:
        words = np.full(len(photos), "", dtype=f"<U{max(map(len, FER7.labels))}")
        words[found] = np.array(classifier.labels)[rows.argmax(axis=1)]
        return words

    readings = {LABELS: said(classifier.labels_of(logits))}
    mixtures: list[MixtureRow] = []
    if classifier.answers:
        readings = {PEOPLE: said(classifier.both_of(logits).people), **readings}
        public = dataset.split(PUBLIC_TEST) if dataset is not None and votes is not None else None
        crowd = None if public is None or votes is None else _Crowd.of(classifier, public, votes)
        for weight in MIXTURES:
            figures = figures_of(photos, said(classifier.both_of(logits, weight).people))
            neutral = figures.by_emotion.get("neutral")
            mixtures.append(
                MixtureRow(
                    weight,
                    figures.natural,
                    figures.mean_of_five,
                    None if neutral is None else neutral.recall,
                    None if crowd is None else crowd.agreement(classifier, weight),
                )
            )
    by_sex = {sex: photos.sexes == sex for sex in SEXES if (photos.sexes == sex).any()}
    return Wild(
        detector.name,
        len(photos),
        int(found.sum()),
        tuple(
            WildReading(
                reading,
                figures_of(photos, words),
                {sex: figures_of(photos, words, rows) for sex, rows in by_sex.items()},
            )
            for reading, words in readings.items()
        ),
        tuple(mixtures),
    )


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The logits of PublicTest's pictures, and what the crowd decided of them."""

    logits: NDArray[np.float32]
    decisions: NDArray[np.int64]

    @classmethod
    def of(cls, classifier: EmotionClassifier, public: FaceSet, votes: Votes) -> _Crowd:
        decisions = positions_in(classifier.labels, votes.of(public.ids))
        known = decisions >= 0
        faces = public.faces_gray[known]
        return cls(read_logits(classifier, faces, FLIP), decisions[known])

    def agreement(self, classifier: EmotionClassifier, weight: float) -> float:
        people = classifier.both_of(self.logits, weight).people
        return float((people.argmax(axis=1) == self.decisions).mean())


def figures_of(
    photos: WildPhotos, said: NDArray[np.str_], rows: NDArray[np.bool_] | None = None
) -> WildFigures:
    """Return how well photos are read.

    An emotion without photos is left out, and the others' weights are scaled.

    Args:
        photos: N of them.
        said: str ``(N,)``, what was read; "" for no face.
        rows: bool ``(N,)``, the photos that count, with at least one of them; None for all.
    """
    counted = np.ones(len(photos), bool) if rows is None else rows
    right = said == photos.emotions
    of_emotion = {
        emotion: right[counted & (photos.emotions == emotion)] for emotion in NATURAL_COUNTS
    }
    of_emotion = {emotion: part for emotion, part in of_emotion.items() if len(part)}
    weights = np.array([NATURAL_COUNTS[emotion] for emotion in of_emotion], np.float64)
    recalls = np.array([part.mean() for part in of_emotion.values()])
    five = [recall for emotion, recall in zip(of_emotion, recalls, strict=True) if emotion != _RARE]
    return WildFigures(
        float(np.average(recalls, weights=weights)),
        _weighed_interval([*of_emotion.values()], weights),
        float(np.mean(five)),
        {
            emotion: Recall(len(part), float(part.mean()), bootstrap_interval(part))
            for emotion, part in of_emotion.items()
        },
    )


def _weighed_interval(
    parts: Sequence[NDArray[np.bool_]], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a weighed mean of recalls, each resampled alone."""
    rng = np.random.default_rng(0)
    recalls = [
        rng.binomial(len(part), part.mean(), BOOTSTRAP_RESAMPLES) / len(part) for part in parts
    ]
    low, high = np.quantile(np.average(recalls, axis=0, weights=weights), [0.025, 0.975])
    return float(low), float(high)


def _aligned_face(
    path: Path, classifier: EmotionClassifier, detector: FaceDetector
) -> NDArray[np.uint8] | None:
    """Return the face nearest to a photo's middle, as the network gets it; None without one."""
    image = read_image(path).image_bgr
    frame = analyze_image(image, detector=detector, classifier=classifier)
    nearest = min(
        frame.faces, key=lambda face: distance_to_middle(face.detection, image), default=None
    )
    return None if nearest is None else nearest.aligned_gray


def as_text(result: Wild) -> str:
    """Return the figures as tables to read in a terminal."""
    lines = [f"{result.found} faces found by {result.detector} in {result.pictures} photos."]
    for reading in result.readings:
        lines += ["", f"Reading of the {reading.reading}"]
        for who, figures in (("everybody", reading.everybody), *reading.by_sex.items()):
            low, high = figures.natural_interval
            lines.append(
                f"  {who:10} natural {figures.natural:.1%} ({low:.1%} to {high:.1%}), mean of five "
                f"{figures.mean_of_five:.1%}"
            )
            lines += [
                f"    {emotion:9} {row.recall:6.1%} of {row.pictures:3d} ({row.interval[0]:.1%} to "
                f"{row.interval[1]:.1%})"
                for emotion, row in figures.by_emotion.items()
            ]
    if result.mixtures:
        lines += ["", "weight  natural  mean of five  neutral  agreement on PublicTest"]
    lines += [
        f"{row.weight:6.2f} {row.natural:8.1%} {row.mean_of_five:13.1%} "
        f"{_percent(row.neutral):>8} {_percent(row.agreement):>11}"
        for row in result.mixtures
    ]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
