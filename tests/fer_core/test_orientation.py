"""Photos that lie on their side or stand on their head, and others that are left as they are."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.detection import PHOTO_SIZES, HaarDetector, WholePicture, YuNetDetector
from fer_core.drawing import draw_frame
from fer_core.images import read_image, turn_picture
from fer_core.orientation import detect_upright
from fer_core.pipeline import analyze_image
from fer_core.types import DetectedFace, FaceBox
from tests.fer_core.conftest import SAMPLES

TURNS = (0, 90, 180, 270)
EVERY_NTH = 7


def turned_back(image_bgr: np.ndarray, degrees: int) -> np.ndarray:
    """A picture that stands upright once it is turned clockwise by ``degrees``."""
    return turn_picture(image_bgr, (360 - degrees) % 360)


class Scripted:
    """A detector that finds a face of a given score in each orientation, and counts searches.

    A pixel in a corner tells which orientation it is.
    """

    def __init__(self, scores: tuple[float, float, float, float], name: str = "yunet") -> None:
        self.scores, self.name = dict(zip(TURNS, scores, strict=True)), name
        self.searches: list[tuple[int, ...]] = []

    def detect(
        self, image_bgr: np.ndarray, sizes: tuple[int, ...] = PHOTO_SIZES
    ) -> tuple[DetectedFace, ...]:
        self.searches.append(tuple(sizes))
        corners = (image_bgr[0, 0], image_bgr[0, -1], image_bgr[-1, -1], image_bgr[-1, 0])
        score = self.scores[90 * [bool(corner.any()) for corner in corners].index(True)]
        return (DetectedFace(FaceBox(1, 1, 5, 5), score),) if score else ()


@pytest.fixture
def marked() -> np.ndarray:
    image_bgr = np.zeros((20, 30, 3), np.uint8)
    image_bgr[0, 0] = 255
    return image_bgr


@pytest.mark.parametrize(
    ("scores", "expected", "searches"),
    [
        ((0.92, 0.99, 0.99, 0.99), 0, 1),  # sure: the others are not asked
        ((0.85, 0.80, 0.87, 0.86), 0, 4),  # better elsewhere, but not by enough
        ((0.85, 0.80, 0.89, 0.86), 180, 5),
        ((0.0, 0.82, 0.0, 0.0), 90, 5),
        ((0.0, 0.0, 0.74, 0.0), 0, 4),  # too weak to turn a picture for
        ((0.0, 0.0, 0.0, 0.0), 0, 4),
        ((0.71, 0.0, 0.81, 0.93), 270, 5),
    ],
)
def test_the_orientation_of_the_clearly_best_score_wins(
    marked: np.ndarray, scores: tuple[float, float, float, float], expected: int, searches: int
) -> None:
    detector = Scripted(scores)
    found = detect_upright(detector, marked)
    assert found.turned_deg == expected
    assert (found.image_bgr == turn_picture(marked, expected)).all()
    assert [face.score for face in found.faces] == [scores[expected // 90]] * bool(
        scores[expected // 90]
    )
    # Others are tried at the smallest size; only what is turned is searched in full.
    full = [PHOTO_SIZES] * (2 if expected else 1)
    tried = [PHOTO_SIZES[:1]] * (searches - len(full))
    assert sorted(detector.searches) == sorted(full + tried)


@pytest.mark.parametrize("name", ["haar", "none"])
def test_other_detectors_scores_turn_nothing(marked: np.ndarray, name: str) -> None:
    detector = Scripted((0.5, 0.99, 0.99, 0.99), name)
    assert detect_upright(detector, marked).turned_deg == 0
    assert len(detector.searches) == 1


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("name", ["grace-hopper.jpg", "eileen-collins.jpg"])
def test_a_turned_photo_is_read_as_the_upright_one(
    yunet: YuNetDetector, fer7: EmotionClassifier, name: str, degrees: int
) -> None:
    upright_bgr = read_image(SAMPLES / name).image_bgr
    given = turned_back(upright_bgr, degrees)
    before = given.copy()
    frame = analyze_image(given, detector=yunet, classifier=fer7)
    expected = analyze_image(upright_bgr, detector=yunet, classifier=fer7)
    assert (given == before).all()
    assert frame.turned_deg == degrees
    assert expected.turned_deg == 0
    assert frame.size_wh == expected.size_wh
    (face,), (same,) = frame.faces, expected.faces
    assert face.box == same.box
    assert (face.probabilities.vector == same.probabilities.vector).all()
    # The drawing of a turned picture is that of the upright one.
    assert (draw_frame(given, frame) == draw_frame(upright_bgr, expected)).all()


def test_ready_crops_and_haar_are_left_alone(
    haar: HaarDetector, small_portrait: np.ndarray
) -> None:
    for detector in (WholePicture(), haar):
        for degrees in TURNS:
            assert detect_upright(detector, turned_back(small_portrait, degrees)).turned_deg == 0


def test_ordinary_photos(yunet: YuNetDetector, wild: Path) -> None:
    with (wild / "labels.csv").open(newline="") as file:
        names = [row["picture"] for row in csv.DictReader(file)][::EVERY_NTH]
    count = right = 0
    for name in names:
        image_bgr = read_image(wild / "pictures" / name).image_bgr
        assert detect_upright(yunet, image_bgr).turned_deg == 0, name
        degrees = TURNS[1 + count % 3]
        right += detect_upright(yunet, turned_back(image_bgr, degrees)).turned_deg == degrees
        count += 1
    assert count > 62
    assert right / count > 0.95


@pytest.mark.parametrize("degrees", TURNS)
def test_the_shared_photos(media: Path, yunet: YuNetDetector, degrees: int) -> None:
    for name in ("two_people.jpg", "obama_and_biden.jpg", "one_person_small.jpg", "rgba_32bit.png"):
        upright_bgr = read_image(media / name).image_bgr
        found = detect_upright(yunet, turned_back(upright_bgr, degrees))
        assert found.turned_deg == degrees, name
        assert found.image_bgr.shape == upright_bgr.shape
    assert detect_upright(yunet, cv2.imread(str(media / "no-faces.jpg"))).turned_deg == 0


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_turning_a_picture(channels: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 5, *channels), np.uint8)
    assert turn_picture(image, 0) is image
    for degrees, quarters in ((90, -1), (180, 2), (270, 1)):
        assert (turn_picture(image, degrees) == np.rot90(image, quarters)).all()
    with pytest.raises(ValueError, match="not 45"):
        turn_picture(image, 45)
