"""Haar and YuNet, on the repository's own portraits and on the shared photos."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.detection import (
    FRAME_SIZES,
    PHOTO_SIZES,
    FaceDetector,
    HaarDetector,
    YuNetDetector,
    _search,
    detector_file,
    load_detector,
    reading_order,
)
from fer_core.errors import DetectorUnavailable
from fer_core.images import read_image
from fer_core.types import DetectedFace, FaceBox
from tests.fer_core.conftest import SAMPLES, small_sample

# Where the faces are, as (x, y) in each of them, from left to right.
SAMPLE_FACES = {"grace-hopper.jpg": (265, 220), "eileen-collins.jpg": (225, 118)}
SMALL_FACE = (60, 68)
TWO_PEOPLE = [(315, 125), (870, 150)]


@pytest.fixture(autouse=True)
def _faces_are_found_and_read_once() -> None:
    """Not here, where the detectors themselves are tested."""


@pytest.fixture(params=["haar", "yunet"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return request.getfixturevalue(request.param)


def assert_faces_at(faces: tuple[DetectedFace, ...], points: list[tuple[float, float]]) -> None:
    assert len(faces) == len(points)
    for face, (x, y) in zip(faces, points, strict=True):
        assert face.box.x1 < x < face.box.x2
        assert face.box.y1 < y < face.box.y2
        assert 0 <= face.score <= 1


def as_plain(faces: tuple[DetectedFace, ...]) -> list[tuple]:
    return [
        (f.box.xyxy, f.score, None if f.landmarks is None else f.landmarks.tobytes()) for f in faces
    ]


def in_large_canvas(portrait: np.ndarray, face_width: float) -> np.ndarray:
    """Put the portrait, with a face of that width, into a photo of 4000x600 pixels."""
    scale = face_width / 178
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((600, 4000, 3), 120, np.uint8)
    canvas[200 : 200 + len(small), 2000 : 2000 + small.shape[1]] = small
    return canvas


@pytest.mark.parametrize("name", SAMPLE_FACES)
def test_one_face_in_each_sample(detector: FaceDetector, name: str) -> None:
    image_bgr = read_image(SAMPLES / name).image_bgr
    before = image_bgr.copy()
    assert_faces_at(detector.detect(image_bgr), [SAMPLE_FACES[name]])
    assert (image_bgr == before).all()


@pytest.mark.parametrize(
    ("name", "yunet_count", "haar_count"),
    [
        ("two_people.jpg", 2, 2),
        ("obama_and_biden.jpg", 3, 2),  # the third is turned away, which a frontal cascade misses
        ("obama_partial_face.jpg", 1, 0),
        ("one_person_small.jpg", 1, 1),
        ("rgba_32bit.png", 1, 1),
        ("no-faces.jpg", 0, 0),
    ],
)
def test_shared_photos(
    detector: FaceDetector, media: Path, name: str, yunet_count: int, haar_count: int
) -> None:
    faces = detector.detect(read_image(media / name).image_bgr)
    assert len(faces) == (yunet_count if detector.name == "yunet" else haar_count)
    assert list(faces) == sorted(faces, key=lambda face: face.box.x1)


def test_grey_and_rgba_pictures(detector: FaceDetector, small_portrait: np.ndarray) -> None:
    gray = cv2.cvtColor(small_portrait, cv2.COLOR_BGR2GRAY)
    bgra = cv2.cvtColor(small_portrait, cv2.COLOR_BGR2BGRA)
    bgra[..., 3] = 7
    for image in (gray, bgra):
        assert_faces_at(detector.detect(image), [SMALL_FACE])
    assert as_plain(detector.detect(bgra)) == as_plain(detector.detect(small_portrait))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (3000, 1), (2, 2), (20, 20), (23, 900), (32, 640), (640, 32)]
)
def test_tiny_pictures_have_no_faces(detector: FaceDetector, shape: tuple[int, int]) -> None:
    for image in (np.full(shape, 90, np.uint8), np.full((*shape, 3), 90, np.uint8)):
        assert detector.detect(image) == ()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((64, 64, 2), np.uint8),
        np.zeros(64, np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(detector: FaceDetector, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="A picture must be"):
        detector.detect(image)


def test_views_are_pictures_too(detector: FaceDetector, small_portrait: np.ndarray) -> None:
    # The face is not in the middle.
    shifted = cv2.copyMakeBorder(small_portrait, 0, 0, 90, 0, cv2.BORDER_REPLICATE)
    mirrored = shifted[:, ::-1]
    assert not mirrored.flags.c_contiguous
    assert_faces_at(detector.detect(mirrored), [SMALL_FACE])


def test_face_over_the_edge(detector: FaceDetector, portrait: np.ndarray) -> None:
    # Cut through the cheek: whatever is found keeps a box with an area.
    for face in detector.detect(portrait[:, 225:].copy()):
        assert face.box.area > 0


def test_yunet_finds_all_landmarks(yunet: YuNetDetector, portrait: np.ndarray) -> None:
    (face,) = yunet.detect(portrait)
    assert face.landmarks is not None
    assert face.landmarks.dtype == np.float32
    expected = [[224, 197], [307, 195], [265, 239], [229, 273], [304, 272]]
    assert face.landmarks == pytest.approx(np.array(expected), abs=6)


def test_haar_finds_the_eyes_or_says_nothing(haar: HaarDetector) -> None:
    (face,) = haar.detect(read_image(SAMPLES / "eileen-collins.jpg").image_bgr[:250, 100:350])
    assert face.landmarks is not None
    assert face.landmarks[:2] == pytest.approx(np.array([[103, 102], [148, 104]]), abs=6)
    assert np.isnan(face.landmarks[2:]).all()


@pytest.mark.parametrize(("name", "face_width"), [("yunet", 40), ("haar", 70)])
def test_second_pass_finds_small_faces(
    request: pytest.FixtureRequest, portrait: np.ndarray, name: str, face_width: float
) -> None:
    detector = request.getfixturevalue(name)
    photo = in_large_canvas(portrait, face_width)
    assert detector.detect(photo, FRAME_SIZES) == ()
    scale = face_width / 178
    assert_faces_at(detector.detect(photo, PHOTO_SIZES), [(2000 + 265 * scale, 200 + 225 * scale)])


def test_no_face_is_found_twice(detector: FaceDetector, media: Path) -> None:
    image_bgr = read_image(media / "two_people.jpg").image_bgr
    assert_faces_at(detector.detect(image_bgr, (640, 800, 960, 1126)), TWO_PEOPLE)


@pytest.mark.parametrize("widths", [1.1, 1.4, 1.8])
@pytest.mark.parametrize("size_wh", [(3000, 4000), (1654, 2126), (900, 1200)])
def test_one_large_face_is_one(
    yunet: YuNetDetector, portrait: np.ndarray, widths: float, size_wh: tuple[int, int]
) -> None:
    # The face is 178 pixels wide, around (265, 229); the picture is cut, then enlarged.
    half = round(widths * 178 / 2)
    cut = portrait[229 - round(4 / 3 * half) : 229 + round(4 / 3 * half), 265 - half : 265 + half]
    photo = cv2.resize(cut, size_wh, interpolation=cv2.INTER_CUBIC)
    (face,) = yunet.detect(photo)
    assert face.box.width == pytest.approx(size_wh[0] / widths, rel=0.2)
    assert face.box.center[0] == pytest.approx(size_wh[0] / 2, rel=0.1)


def test_a_find_inside_a_face_is_that_face() -> None:
    def at(x1: float, y1: float, x2: float, y2: float, score: float) -> DetectedFace:
        return DetectedFace(FaceBox(x1, y1, x2, y2), score)

    face, nose = at(10, 10, 110, 130, 0.9), at(40, 60, 80, 100, 0.8)
    neighbour, wide = at(100, 20, 150, 80, 0.75), at(600, 0, 901, 400, 0.99)
    at_once = {640: [face], 1280: [nose, neighbour, wide]}

    def find(image: np.ndarray) -> list[DetectedFace]:
        # In pixels of the whole picture, and so of each working size.
        scale = image.shape[1] / 1280
        return [found.scaled(scale) for found in at_once[image.shape[1]]]

    picture = np.zeros((720, 1280, 3), np.uint8)
    found = _search(picture, (640, 1280), find)
    assert [item.score for item in found] == [face.score, neighbour.score]
    # At the smallest working size a face may be as wide as it likes.
    assert [item.score for item in _search(picture, (1280,), find)] == [0.8, 0.75, 0.99]


def test_every_working_size_is_as_long_as_it_says_and_of_the_pictures_shape() -> None:
    seen = []
    _search(
        np.zeros((3001, 4003, 3), np.uint8), (640, 1920), lambda at: seen.append(at.shape) or []
    )
    assert seen == [(480, 640, 3), (1439, 1920, 3)]


def test_sizes_beyond_the_picture_are_its_own(
    detector: FaceDetector, small_portrait: np.ndarray
) -> None:
    at_its_own = detector.detect(small_portrait, (144,))
    assert at_its_own
    assert as_plain(detector.detect(small_portrait, (700, 5000))) == as_plain(at_its_own)


def test_threads_do_not_disturb_each_other(
    detector: FaceDetector, small_portrait: np.ndarray
) -> None:
    other = small_sample("eileen-collins.jpg")
    images = [small_portrait, other, small_portrait[:130], cv2.resize(other, (150, 150))] * 2
    one_by_one = [as_plain(detector.detect(image)) for image in images]
    with ThreadPoolExecutor(8) as pool:
        at_once = [as_plain(faces) for faces in pool.map(detector.detect, images)]
    assert at_once == one_by_one
    assert all(one_by_one)


def test_auto_without_yunet_is_haar() -> None:
    assert load_detector("auto").name == "haar"
    assert load_detector().name == "haar"


@pytest.mark.usefixtures("yunet_env")
@pytest.mark.parametrize(
    ("name", "expected"), [("auto", "yunet"), ("yunet", "yunet"), ("haar",) * 2]
)
def test_choice_with_yunet(name: str, expected: str) -> None:
    assert load_detector(name).name == expected


def test_yunet_without_its_file() -> None:
    with pytest.raises(DetectorUnavailable, match="fer_core download") as caught:
        load_detector("yunet")
    assert "\n" not in str(caught.value)


def _text(_: bytes) -> bytes:
    return b"<html>Please log in to this network.</html>"


def _nothing(_: bytes) -> bytes:
    return b""


def _first_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _zeros_inside(content: bytes) -> bytes:
    return content[:1000] + bytes(5000) + content[6000:]


@pytest.mark.parametrize("damage", [_text, _nothing, _first_half, _zeros_inside])
def test_damaged_yunet(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    yunet_file: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "yunet.onnx"
    file.write_bytes(damage(yunet_file.read_bytes()))
    monkeypatch.setenv("FER_YUNET", str(file))
    with pytest.raises(DetectorUnavailable, match=r"yunet\.onnx is damaged") as caught:
        load_detector("yunet")
    assert "\n" not in str(caught.value)
    assert load_detector("auto").name == "haar"


def test_unknown_detector() -> None:
    with pytest.raises(ValueError, match="No detector 'mtcnn'; there are auto, yunet, haar, none"):
        load_detector("mtcnn")


@pytest.mark.parametrize("shape", [(48, 48), (30, 70, 3), (1, 1, 4)])
def test_a_whole_picture_is_one_face(shape: tuple[int, ...]) -> None:
    detector = load_detector("none")
    assert detector.name == "none"
    (face,) = detector.detect(np.zeros(shape, np.uint8), FRAME_SIZES)
    assert face == DetectedFace(FaceBox(0, 0, shape[1], shape[0]), 1.0, None, is_crop=True)
    with pytest.raises(ValueError, match="not empty"):
        detector.detect(np.zeros((0, 5), np.uint8))


def test_the_files_that_faces_are_found_by(yunet_env: None, yunet_file: Path) -> None:
    assert detector_file("yunet") == yunet_file
    cascade = detector_file("haar")
    assert cascade is not None and cascade.is_file()
    assert detector_file("none") is None


def test_faces_are_in_the_order_in_which_people_read() -> None:
    """Two rows, neither of them straight, and a large face that reaches into the second one."""
    boxes = {
        "a": (10, 12, 60, 62), "b": (100, 0, 150, 50), "c": (200, 20, 250, 70),
        "d": (0, 90, 40, 130), "e": (80, 100, 120, 140), "f": (160, 85, 220, 145),
    }  # fmt: skip
    names = {FaceBox(*xyxy): name for name, xyxy in boxes.items()}
    faces = [DetectedFace(box, 0.9) for box in names]
    for shuffled in (faces, faces[::-1], faces[1::2] + faces[::2]):
        assert "".join(names[face.box] for face in reading_order(shuffled)) == "abcdef"
    assert reading_order([]) == ()
