"""From a picture to a frame of readings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core import preprocessing
from fer_core.classifier import EmotionClassifier
from fer_core.detection import HaarDetector, YuNetDetector
from fer_core.images import read_image
from fer_core.labels import DEFAULT_THRESHOLD
from fer_core.pipeline import analyze_image, classify_faces
from fer_core.readings import LABELS
from fer_core.types import DetectedFace, FaceBox, Frame


class FixedDetector:
    """Finds what it is told to."""

    name = "fixed"

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.faces = tuple(DetectedFace(FaceBox(*box), 0.5) for box in boxes)
        self.sizes: Sequence[int] = ()

    def detect(self, image_bgr: np.ndarray, sizes: Sequence[int] = ()) -> tuple[DetectedFace, ...]:
        self.sizes = sizes
        return self.faces


def assert_whole(frame: Frame, count: int, size_wh: tuple[int, int]) -> None:
    assert len(frame.faces) == count
    assert frame.size_wh == size_wh
    for face in frame.faces:
        assert face.probabilities.vector.sum() == pytest.approx(1, abs=1e-6)
        side = face.aligned_gray.shape[0]
        assert face.aligned_gray.shape == (side, side)
        assert side % preprocessing.INPUT_SIZE == 0


@pytest.fixture(autouse=True)
def _faces_are_found_and_read_once() -> None:
    """Not here, where detectors and networks themselves are asked."""


def test_one_call_is_enough(small_portrait: np.ndarray) -> None:
    before = small_portrait.copy()
    frame = analyze_image(small_portrait)
    assert_whole(frame, 1, (120, 144))
    assert (frame.index, frame.time_s) == (0, 0.0)
    assert (small_portrait == before).all()


def test_same_picture_same_answer(small_portrait: np.ndarray) -> None:
    first, second = (analyze_image(small_portrait).faces[0] for _ in range(2))
    assert first.box == second.box
    assert first.probabilities == second.probabilities


def test_no_face() -> None:
    frame = analyze_image(np.full((300, 400, 3), 127, np.uint8), index=7, time_s=0.25)
    assert frame == Frame(7, 0.25, (400, 300), ())


def test_no_face_in_a_real_photo(media: Path, yunet: YuNetDetector, haar: HaarDetector) -> None:
    image_bgr = read_image(media / "no-faces.jpg").image_bgr
    for detector in (yunet, haar):
        assert_whole(analyze_image(image_bgr, detector=detector), 0, (199, 148))


def test_many_faces_from_left_to_right(small_portrait: np.ndarray, haar: HaarDetector) -> None:
    row = np.hstack([small_portrait] * 5)
    frame = analyze_image(row, detector=haar)
    assert_whole(frame, 5, (600, 144))
    lefts = [face.box.x1 for face in frame.faces]
    assert lefts == sorted(lefts)
    # The same face every time, so the same reading.
    for face in frame.faces:
        assert face.probabilities == pytest.approx(frame.faces[0].probabilities, abs=0.1)


@pytest.mark.parametrize("number", ["002", "014", "107"])
def test_a_neutral_face_is_read_neutral(
    wild: Path, yunet: YuNetDetector, fer7: EmotionClassifier, number: str
) -> None:
    """FER-2013's labels call these faces sad or angry."""
    image_bgr = read_image(wild / "pictures" / f"{number}.jpg").image_bgr
    (face,) = analyze_image(image_bgr, detector=yunet, classifier=fer7).faces
    assert face.verdict(DEFAULT_THRESHOLD) == "neutral"
    labels = fer7.with_reading(LABELS)
    (face,) = analyze_image(image_bgr, detector=yunet, classifier=labels).faces
    assert face.emotion in ("sad", "angry")


def test_two_people(media: Path, yunet: YuNetDetector, fer7: EmotionClassifier) -> None:
    image_bgr = read_image(media / "two_people.jpg").image_bgr
    frame = analyze_image(image_bgr, detector=yunet, classifier=fer7)
    assert_whole(frame, 2, (1126, 661))
    assert all(face.quality == () for face in frame.faces)


def test_grey_and_rgba(small_portrait: np.ndarray, haar: HaarDetector) -> None:
    expected = analyze_image(small_portrait, detector=haar).faces[0]
    gray = cv2.cvtColor(small_portrait, cv2.COLOR_BGR2GRAY)
    for image in (gray, cv2.cvtColor(small_portrait, cv2.COLOR_BGR2BGRA)):
        (face,) = analyze_image(image, detector=haar).faces
        assert face.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_face_over_the_edge(portrait: np.ndarray) -> None:
    detector = FixedDetector((-60, 100, 150, 330), (400, 500, 700, 800), (600, 700, 650, 760))
    frame = analyze_image(portrait, detector=detector)
    assert_whole(frame, 3, (512, 600))
    for face in frame.faces:
        assert "cut" in [finding.code for finding in face.quality]


def test_partial_face(media: Path, yunet: YuNetDetector) -> None:
    frame = analyze_image(read_image(media / "obama_partial_face.jpg").image_bgr, detector=yunet)
    assert_whole(frame, 1, (491, 1137))
    assert frame.faces[0].box.x1 < 0


def test_settings_reach_their_places(portrait: np.ndarray, fer7: EmotionClassifier) -> None:
    detector = FixedDetector((150, 100, 380, 330))
    options = {"detector": detector, "classifier": fer7, "sizes": (320,)}
    (face,) = analyze_image(portrait, **options).faces
    assert (face.verdict(0.0), face.verdict(1.0)) == (face.emotion, "uncertain")
    assert detector.sizes == (320,)


def test_classify_no_faces(portrait: np.ndarray, fer7: EmotionClassifier) -> None:
    assert classify_faces(portrait[..., 0], [], fer7) == ()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 10), np.uint8),
        np.zeros((10, 10, 3), np.float64),
        np.zeros((10, 10, 7), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="A picture must be"):
        analyze_image(image)


def test_tiny_picture() -> None:
    assert_whole(analyze_image(np.zeros((1, 1, 3), np.uint8)), 0, (1, 1))


def test_network_sees_the_normalised_aligned_face(
    small_portrait: np.ndarray, haar: HaarDetector, fer7: EmotionClassifier
) -> None:
    (face,) = analyze_image(small_portrait, detector=haar, classifier=fer7).faces
    again = fer7.predict([preprocessing.resize_face(face.aligned_gray)])[0]
    assert again == pytest.approx(face.probabilities.vector, abs=1e-5)
