from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector
from fer_core.types import DetectedFace, FaceBox
from train.data.fer2013 import FaceSet
from train.data.ferplus import read_votes
from train.errors import DataError
from train.evaluation.wild import (
    MIXTURES,
    NATURAL_COUNTS,
    WildPhotos,
    as_text,
    figures_of,
    measure_wild,
    read_wild,
)

EMOTIONS = ("neutral", "neutral", "happy", "sad", "fear")


class Middle(FaceDetector):
    """Finds a ready crop in the middle of all but black pictures, and another one beside it."""

    name = "middle"

    def detect(self, image_bgr, sizes=()):
        if not image_bgr.any():
            return []
        height, width = image_bgr.shape[:2]
        side = width // 2
        boxes = (0, 0, side, side), (width // 4, height // 4, width // 4 + side, height // 4 + side)
        return [DetectedFace(FaceBox(*box), 0.9, None, is_crop=True) for box in boxes]


@pytest.fixture
def folder(tmp_path: Path, tiny_set: FaceSet) -> Path:
    """Drawn faces in the middle of photos; the last photo is black."""
    rows = ["picture,emotion,sex"]
    (tmp_path / "pictures").mkdir()
    for number, (emotion, sex) in enumerate(zip(EMOTIONS, "FM?FM", strict=True)):
        image = np.full((96, 96, 3), 90, np.uint8)
        image[24:72, 24:72] = tiny_set.faces_gray[number][..., np.newaxis]
        if number == 4:
            image[:] = 0
        cv2.imwrite(str(tmp_path / "pictures" / f"{number}.png"), image)
        rows.append(f"{number}.png,{emotion},{sex}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return tmp_path


def test_figures_by_hand() -> None:
    photos = WildPhotos((Path(),) * 5, np.array(EMOTIONS), np.array(["F", "M", "?", "F", "M"]))
    said = np.array(["neutral", "sad", "happy", "sad", ""])
    figures = figures_of(photos, said)
    weights = [NATURAL_COUNTS[emotion] for emotion in ("neutral", "happy", "sad", "fear")]
    assert figures.natural == pytest.approx(np.average([0.5, 1, 1, 0], weights=weights))
    # Surprise and anger have no photos, and fear does not count here.
    assert figures.mean_of_five == pytest.approx((0.5 + 1 + 1) / 3)
    assert list(figures.by_emotion) == ["neutral", "happy", "sad", "fear"]
    neutral = figures.by_emotion["neutral"]
    assert (neutral.pictures, neutral.recall, neutral.interval) == (2, 0.5, (0, 1))
    low, high = figures.natural_interval
    assert low < figures.natural < high
    women = figures_of(photos, said, photos.sexes == "F")
    assert women.natural == 1 and list(women.by_emotion) == ["neutral", "sad"]


def test_photos_are_read_as_the_face_in_their_middle(
    ensembles_dir: Path, folder: Path, tiny_set: FaceSet, tiny_votes: Path
) -> None:
    result = measure_wild(
        "fer7", read_wild(folder), ensembles_dir, Middle(),
        dataset=tiny_set, votes=read_votes(tiny_votes),
    )  # fmt: skip
    assert (result.detector, result.pictures, result.found) == ("middle", 5, 4)
    photos = read_wild(folder)
    for reading in result.readings:
        classifier = EmotionClassifier.load(
            "fer7", reading=reading.reading, models_dir=ensembles_dir
        )
        best = classifier.predict(tiny_set.faces_gray[:4]).argmax(axis=1)
        said = np.append(np.array(classifier.labels)[best], "")
        assert reading.everybody == figures_of(photos, said)
        assert list(reading.by_sex) == ["F", "M"]
        assert reading.by_sex["M"].by_emotion["fear"].recall == 0
    assert [row.weight for row in result.mixtures] == list(MIXTURES)
    people, labels = (reading.everybody.natural for reading in result.readings)
    assert (result.mixtures[0].natural, result.mixtures[-1].natural) == (labels, people)
    assert all(row.agreement is not None for row in result.mixtures)
    text = as_text(result)
    assert f"{people:.1%}" in text and "agreement" in text


def test_a_model_without_the_peoples_reading_has_no_mixtures(
    models_dir: Path, folder: Path
) -> None:
    result = measure_wild("fer7", read_wild(folder), models_dir, Middle())
    assert [reading.reading for reading in result.readings] == ["labels"]
    assert result.mixtures == ()


def test_photos_without_faces_are_refused(models_dir: Path, folder: Path) -> None:
    for file in (folder / "pictures").iterdir():
        cv2.imwrite(str(file), np.zeros((96, 96, 3), np.uint8))
    with pytest.raises(DataError, match="no face on 5 photos"):
        measure_wild("fer7", read_wild(folder), models_dir, Middle())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read"),
        ("picture,emotion\n1.jpg,happy\n", "no columns"),
        ("picture,emotion,sex\n", "no rows"),
        ("picture,emotion,sex\n1.jpg,disgust,F\n", "other emotions: disgust"),
    ],
)
def test_a_table_of_something_else(tmp_path: Path, content: str | None, fault: str) -> None:
    if content is not None:
        (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(DataError, match=fault):
        read_wild(tmp_path)
