from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import HaarDetector, YuNetDetector
from fer_core.errors import ModelError
from fer_core.types import DetectedFace, FaceBox
from train.data.fer2013 import FaceSet
from train.errors import DataError
from train.evaluation.parity import (
    add_parity,
    as_text,
    measure_parity,
    pipeline_probabilities,
    read_parity,
)
from train.evaluation.records import Parity


class FixedDetector:
    """Finds the same faces everywhere."""

    name = "fixed"

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self._faces = tuple(DetectedFace(FaceBox(*box), 0.9) for box in boxes)

    def detect(self, image_bgr: np.ndarray, sizes: Sequence[int] = ()) -> tuple[DetectedFace, ...]:
        return self._faces


def test_the_face_nearest_the_middle_is_read(models_dir: Path, tiny_set: FaceSet) -> None:
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    face, middle, corner = tiny_set.faces_gray[0], (120, 120, 270, 270), (0, 0, 60, 60)
    alone = pipeline_probabilities(face, classifier, FixedDetector(middle))
    both = pipeline_probabilities(face, classifier, FixedDetector(corner, middle))
    other = pipeline_probabilities(face, classifier, FixedDetector(corner))
    assert alone is not None
    assert both is not None
    assert other is not None
    np.testing.assert_allclose(both, alone, atol=1e-5)
    assert np.abs(other - alone).max() > 1e-4
    assert pipeline_probabilities(face, classifier, FixedDetector()) is None


def test_a_box_in_the_frame_of_the_data_set_gives_parity(
    models_dir: Path, tiny_set: FaceSet
) -> None:
    """Where the box lies as Haar's on such pictures do, the crop is the picture itself."""
    from fer_core.alignment import FRAME_BOX

    x1, y1, x2, y2 = (96 + 4 * edge for edge in FRAME_BOX.xyxy)
    detector = FixedDetector((x1, y1, x2, y2))
    classifier = EmotionClassifier.load("fer7", reading="labels", models_dir=models_dir)
    face = tiny_set.faces_gray[0]
    piped = pipeline_probabilities(face, classifier, detector)
    np.testing.assert_allclose(piped, classifier.predict([face])[0], atol=0.02)

    result = measure_parity("fer7", tiny_set, "PublicTest", models_dir, detector)
    assert (result.pictures, result.found) == (56, 56)
    # The tiny network hesitates, so a grey level's rounding turns some of its answers.
    assert result.same_answer > 0.7
    assert result.difference_points == pytest.approx(
        100 * (result.pipeline_accuracy - result.direct_accuracy)
    )
    assert "points" in as_text(result)


def test_real_detectors_find_most_faces(
    models_dir: Path, real_set: FaceSet, yunet_file: Path
) -> None:
    for detector, share in ((YuNetDetector(yunet_file), 0.8), (HaarDetector(), 0.5)):
        result = measure_parity("fer7", real_set, "PublicTest", models_dir, detector, limit=30)
        assert result.pictures == 30
        assert result.found >= share * 30


def test_no_face_at_all(models_dir: Path, tiny_set: FaceSet) -> None:
    with pytest.raises(DataError, match="found no face"):
        measure_parity("fer7", tiny_set, "PublicTest", models_dir, FixedDetector(), limit=3)


def test_parity_by_detector_and_split(models_dir: Path) -> None:
    folder = models_dir / "fer7"
    assert read_parity(folder).rows == ()
    first = Parity("fer7", "haar", "PublicTest", 10, 8, 0.7, 0.6, -10.0, 0.9)
    others = (
        dataclasses.replace(first, split="PrivateTest"),
        dataclasses.replace(first, detector="yunet"),
        dataclasses.replace(first, found=9),
    )
    for parity in (first, *others):
        add_parity(folder, parity)
    assert set(read_parity(folder).rows) == set(others)
    # What cannot be used is replaced.
    (folder / "parity.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        read_parity(folder)
    add_parity(folder, first)
    assert read_parity(folder).rows == (first,)
