"""Faces in FER-2013's frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_core.alignment import FRAME_BOX, FRAME_LANDMARKS, align_face, crop_face, frame_matrix
from fer_core.types import DetectedFace, FaceBox

# Where the face of grace-hopper.jpg is.
BOX = FaceBox(177, 123, 355, 335)
POINTS = np.array([[224, 197], [307, 195], [265, 239], [229, 273], [304, 272]], np.float32)


@pytest.fixture
def gray(portrait: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)


def moved(points: np.ndarray, angle_deg: float, scale: float, shift: tuple[float, float]):
    """Return points turned, scaled and shifted, and the matrix that does it to a picture."""
    angle = np.radians(angle_deg)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32), matrix


def with_points(points: np.ndarray, box: FaceBox = BOX) -> DetectedFace:
    return DetectedFace(box, 0.9, points.astype(np.float32))


def only_eyes(points: np.ndarray) -> np.ndarray:
    eyes = points.copy()
    eyes[2:] = np.nan
    return eyes


@pytest.mark.parametrize("angle_deg", [0, 20, -45, 90, 180])
@pytest.mark.parametrize("scale", [0.3, 1, 7])
@pytest.mark.parametrize("select", [np.copy, only_eyes])
def test_landmarks_land_where_the_frame_has_them(angle_deg, scale, select) -> None:
    points, _ = moved(FRAME_LANDMARKS, angle_deg, scale, (300, -20))
    matrix = frame_matrix(with_points(select(points)))
    assert points @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(FRAME_LANDMARKS, abs=1e-3)


def test_face_that_does_not_fit_is_turned_and_scaled_but_not_sheared() -> None:
    matrix = frame_matrix(
        with_points(POINTS + np.array([[9, 0], [0, 5], [-4, 4], [0, 0], [3, -3]]))
    )
    (a, b), (c, d) = matrix[:, :2]
    assert (a, b) == pytest.approx((d, -c))


def test_dots_on_the_landmarks_come_out_there() -> None:
    # Drawn, cut out and found again: the half pixels between corners and centres count.
    points, _ = moved(FRAME_LANDMARKS, 15, 4, (150, 80))
    picture = np.zeros((500, 500), np.uint8)
    for x, y in points:
        cv2.circle(picture, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 96, 255, -1, shift=4)
    aligned = align_face(picture, with_points(points))
    scale = len(aligned) / 48
    found = cv2.connectedComponentsWithStats((aligned > 127).astype(np.uint8))[3][1:]
    found = (found + 0.5) / scale
    for point in FRAME_LANDMARKS:
        assert np.linalg.norm(found - point, axis=1).min() < 0.15


@pytest.mark.parametrize("angle_deg", [0, 25, -60])
@pytest.mark.parametrize("scale", [0.8, 1.0, 1.3])
def test_crop_is_the_same_however_the_face_lies(gray, angle_deg: float, scale: float) -> None:
    center = POINTS.mean(axis=0)
    points, matrix = moved(POINTS - center, angle_deg, scale, (300, 300))
    matrix[:, 2] -= matrix[:, :2] @ center
    # The picture's own map is between pixel centres.
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    picture = cv2.warpAffine(gray, matrix, (600, 600), flags=cv2.INTER_CUBIC)
    usual, turned = (
        cv2.resize(align_face(image, with_points(where)), (48, 48), interpolation=cv2.INTER_AREA)
        for image, where in ((gray, POINTS), (picture, points))
    )
    assert cv2.absdiff(usual, turned).mean() < 4
    assert np.corrcoef(usual.ravel(), turned.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    "landmarks",
    [
        None,
        np.full((5, 2), np.nan),
        np.vstack([POINTS[:1], np.full((4, 2), np.nan)]),
        np.full((5, 2), 50.0),  # all at one place: there is no direction in it
        np.full((5, 2), np.inf),
    ],
)
def test_the_box_decides_without_landmarks(landmarks) -> None:
    face = DetectedFace(BOX, 0.9, None if landmarks is None else landmarks.astype(np.float32))
    matrix = frame_matrix(face)
    assert matrix[:, :2] == pytest.approx(matrix[0, 0] * np.eye(2))
    assert matrix[:, :2] @ BOX.center + matrix[:, 2] == pytest.approx(FRAME_BOX.center)
    assert matrix[0, 0] ** 2 * BOX.area == pytest.approx(FRAME_BOX.area)


@pytest.mark.parametrize(
    ("face_width", "side"),
    [(1, 48), (20, 48), (48, 48), (90, 96), (190, 192), (300, 288), (1000, 288), (6000, 288)],
)
def test_side_follows_the_face(face_width: float, side: int) -> None:
    picture = np.zeros((700, 800), np.uint8)
    aligned = align_face(picture, DetectedFace(FaceBox(5, 5, 5 + face_width, 5 + face_width), 1))
    assert (aligned.shape, aligned.dtype) == ((side, side), np.uint8)


def test_huge_face_is_averaged_not_sampled() -> None:
    board = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (1500, 1500))
    aligned = align_face(board, DetectedFace(FaceBox(100, 100, 2900, 2900), 1))
    assert aligned.shape == (288, 288)
    assert np.abs(aligned.astype(int) - 100).max() <= 25


@pytest.mark.parametrize(
    "box", [(-100, -80, 150, 150), (400, 450, 700, 800), (-50, -50, 600, 700), (900, 900, 999, 999)]
)
@pytest.mark.parametrize("shape", [(600, 512), (1, 1), (1, 600), (30, 2)])
def test_over_the_edge_the_border_is_repeated(box, shape: tuple[int, int]) -> None:
    aligned = align_face(np.full(shape, 77, np.uint8), DetectedFace(FaceBox(*box), 0.9))
    assert (aligned == 77).all()


def test_picture_is_not_changed(gray: np.ndarray) -> None:
    before = gray.copy()
    for face in (with_points(POINTS), DetectedFace(FaceBox(-10, -10, 600, 610), 0.9)):
        points = None if face.landmarks is None else face.landmarks.copy()
        align_face(gray, face)
        assert (gray == before).all()
        assert points is None or (face.landmarks == points).all()


def test_a_ready_crop_is_the_frame_itself(gray: np.ndarray) -> None:
    crop = cv2.resize(gray, (96, 96))
    face = DetectedFace(FaceBox(0, 0, 96, 96), 1.0, is_crop=True)
    assert (align_face(crop, face) == crop).all()
    assert frame_matrix(face.scaled(2)) == pytest.approx(frame_matrix(face) / [2, 2, 1])


def test_a_crop_of_another_shape_is_not_squashed() -> None:
    matrix = frame_matrix(DetectedFace(FaceBox(0, 0, 60, 90), 1.0, is_crop=True))
    assert matrix[:, :2] == pytest.approx(np.eye(2) * 48 / np.sqrt(60 * 90))
    assert matrix @ [30, 45, 1] == pytest.approx([24, 24])


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((40, 50, 60, 60), np.s_[41:69, 36:64]),
        ((-10, -10, 10, 10), np.s_[0:14, 0:14]),
        ((90, 70, 130, 110), np.s_[62:80, 82:100]),
        ((200, 200, 210, 210), np.s_[0:0, 0:0]),
    ],
)
def test_a_face_to_look_at_is_a_square_within_the_picture(
    box: tuple[float, ...], kept: tuple[slice, slice]
) -> None:
    image = np.arange(80 * 100 * 3).reshape(80, 100, 3).astype(np.uint8)
    face = crop_face(image, FaceBox(*box))
    assert face.shape[:2] == image[kept].shape[:2]
    assert (face == image[kept]).all()
