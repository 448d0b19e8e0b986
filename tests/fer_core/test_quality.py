"""Findings on the picture of a face, each from a picture made for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.alignment import align_face
from fer_core.detection import YuNetDetector
from fer_core.quality import assess_quality, mouth_edges
from fer_core.types import DetectedFace, FaceBox
from tests.fer_core.conftest import SAMPLES

# Box and landmarks of each portrait's face.
FACES = {
    "grace-hopper.jpg": (
        (177, 123, 355, 335),
        [[224, 197], [307, 195], [265, 239], [229, 273], [304, 272]],
    ),
    "eileen-collins.jpg": (
        (178, 66, 270, 176),
        [[203, 104], [247, 104], [225, 128], [204, 143], [243, 144]],
    ),
}


def codes(
    gray: np.ndarray,
    name: str,
    *,
    scale: float = 1.0,
    shift_x: float = 0.0,
    nose_shift: float = 0.0,
    landmarks: bool = True,
) -> list[str]:
    """Return the findings on a portrait's face, whose picture was scaled and shifted."""
    box, points = FACES[name]
    x1, y1, x2, y2 = (scale * v for v in box)
    placed = scale * np.array(points, np.float32) + [shift_x, 0]
    placed[2, 0] += nose_shift * (placed[1, 0] - placed[0, 0])
    face = DetectedFace(
        FaceBox(x1 + shift_x, y1, x2 + shift_x, y2),
        0.9,
        placed.astype(np.float32) if landmarks else None,
    )
    findings = assess_quality(face, align_face(gray, face), (gray.shape[1], gray.shape[0]))
    for finding in findings:
        assert finding.reason.endswith(".")
        assert any(letter.isdigit() for letter in finding.reason)
    return [finding.code for finding in findings]


@pytest.fixture(params=FACES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def gray(name: str) -> np.ndarray:
    return cv2.imread(str(SAMPLES / name), cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("landmarks", [True, False])
def test_good_portrait_has_no_findings(gray: np.ndarray, name: str, landmarks: bool) -> None:
    assert codes(gray, name, landmarks=landmarks) == []


def test_blurred(gray: np.ndarray, name: str) -> None:
    assert codes(cv2.GaussianBlur(gray, (0, 0), 5), name) == ["blurred"]


def test_blur_is_seen_in_a_pale_and_in_an_enlarged_picture(gray: np.ndarray, name: str) -> None:
    pale = cv2.convertScaleAbs(gray, alpha=0.5, beta=80)
    assert codes(pale, name) == []
    blurred = cv2.GaussianBlur(pale, (0, 0), 5)
    assert codes(blurred, name) == ["blurred"]
    assert codes(cv2.resize(blurred, None, fx=2, fy=2), name, scale=2) == ["blurred"]


def test_dark(gray: np.ndarray, name: str) -> None:
    assert codes(cv2.convertScaleAbs(gray, alpha=0.25), name) == ["dark"]


def test_over_exposed(gray: np.ndarray, name: str) -> None:
    assert "over-exposed" in codes(cv2.convertScaleAbs(gray, alpha=2, beta=60), name)


def test_small(gray: np.ndarray, name: str) -> None:
    scale = 40 / (FACES[name][0][2] - FACES[name][0][0])
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert codes(small, name, scale=scale) == ["small"]


@pytest.mark.parametrize("nose_shift", [-0.5, 0.5])
def test_turned(gray: np.ndarray, name: str, nose_shift: float) -> None:
    assert "turned" in codes(gray, name, nose_shift=nose_shift)


def test_slightly_turned_is_fine(gray: np.ndarray, name: str) -> None:
    assert "turned" not in codes(gray, name, nose_shift=0.15)


def test_cut(gray: np.ndarray, name: str) -> None:
    x1, _, x2, _ = FACES[name][0]
    for missing, expected in ((0.3, True), (0.02, False)):
        start = round(x1 + missing * (x2 - x1))
        assert ("cut" in codes(gray[:, start:].copy(), name, shift_x=-start)) is expected


def test_eyes_alone_and_eyes_at_one_place_say_nothing_about_turning(gray: np.ndarray) -> None:
    aligned = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)
    eyes = np.full((5, 2), np.nan, np.float32)
    eyes[:2] = [[20, 20], [60, 20]]
    same = np.full((5, 2), 30, np.float32)
    for landmarks in (eyes, same):
        face = DetectedFace(FaceBox(0, 0, 80, 80), 0.9, landmarks)
        assert assess_quality(face, aligned, (100, 100)) == ()


def with_mask(
    gray: np.ndarray, landmarks: np.ndarray, tone: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw a surgical mask from the nose to the chin: grain, uneven light and three folds."""
    left, right, nose, mouth_left, mouth_right = landmarks.astype(float)
    between, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down, across = mouth - between, right - left
    half = [
        between + 0.35 * down,
        nose + 0.77 * across,
        mouth + 0.8 * across + 0.1 * down,
        mouth + 0.35 * across + 0.75 * down,
    ]
    other_half = [
        mouth - 0.35 * across + 0.75 * down,
        mouth - 0.8 * across + 0.1 * down,
        nose - 0.77 * across,
    ]
    shape = np.zeros(gray.shape, np.uint8)
    cv2.fillPoly(shape, [np.rint(half + other_half).astype(np.int32)], 1)
    folds = np.zeros(gray.shape, np.float32)
    thick = max(1, round(np.linalg.norm(down) / 30))
    for place in (-0.25, 0.05, 0.35):
        ends = [mouth + place * down + side * across for side in (-0.7, 0.7)]
        start, end = (tuple(np.rint(point).astype(int).tolist()) for point in ends)
        cv2.line(folds, start, end, float(rng.uniform(6, 16)), thick)
    folds = cv2.GaussianBlur(folds, (0, 0), 2 * thick / 3)
    light = np.linspace(-12, 12, gray.shape[1])
    cloth = tone + light + rng.normal(0, 4, gray.shape) - folds
    return np.clip(np.where(shape == 1, cloth, gray), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", [60, 150, 200, 235])
def test_covered(gray: np.ndarray, name: str, tone: int) -> None:
    rng = np.random.default_rng(tone)
    masked = with_mask(gray, np.array(FACES[name][1], np.float32), tone, rng)
    assert codes(masked, name) == ["covered"]
    # In a blurred picture it cannot be told.
    assert codes(cv2.GaussianBlur(masked, (0, 0), 5), name) == ["blurred"]


def test_nothing_at_all_is_not_called_covered() -> None:
    assert mouth_edges(np.full((96, 96), 90, np.uint8)) == 1


def test_covered_and_other_ordinary_photos(yunet: YuNetDetector, wild: Path) -> None:
    rng = np.random.default_rng(0)
    found = {False: 0, True: 0}
    covered = {False: 0, True: 0}
    # Those of odd numbers took no part in choosing the bound.
    for number, path in enumerate(sorted((wild / "pictures").glob("*.jpg"))[1::8]):
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        for mask in (False, True):
            faces = yunet.detect(gray)
            if not faces:
                break
            face = max(faces, key=lambda face: face.box.area)
            findings = assess_quality(face, align_face(gray, face), (350, 350))
            found[mask] += 1
            covered[mask] += "covered" in [finding.code for finding in findings]
            gray = with_mask(gray, face.landmarks, (235, 200, 150, 60)[number % 4], rng)
    assert found[False] > 75 and found[True] > 50
    assert covered[False] / found[False] < 0.03
    assert covered[True] / found[True] > 0.85


@pytest.mark.parametrize("missing", [0.15, 0.25])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_face_that_the_edge_cuts(
    yunet: YuNetDetector, name: str, missing: float, side: str
) -> None:
    image_bgr = cv2.imread(str(SAMPLES / name))
    x1, _, x2, _ = FACES[name][0]
    inner = round(missing * (x2 - x1))
    cut = image_bgr[:, x1 + inner :] if side == "left" else image_bgr[:, : x2 - inner]
    (face,) = yunet.detect(cut)
    gray = cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY)
    findings = assess_quality(face, align_face(gray, face), (cut.shape[1], cut.shape[0]))
    assert "cut" in [finding.code for finding in findings]


def test_the_shared_photo_of_a_cut_face(media: Path, yunet: YuNetDetector) -> None:
    for file, expected in (("obama_partial_face.jpg", 1), ("two_people.jpg", 0)):
        gray = cv2.imread(str(media / file), cv2.IMREAD_GRAYSCALE)
        size_wh = (gray.shape[1], gray.shape[0])
        findings = [
            finding.code
            for face in yunet.detect(gray)
            for finding in assess_quality(face, align_face(gray, face), size_wh)
        ]
        assert findings.count("cut") == expected
