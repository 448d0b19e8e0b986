from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.alignment import align_face
from fer_core.images import to_gray
from fer_core.preprocessing import resize_face
from fer_core.types import DetectedFace, FaceBox
from train.data.fer2013 import FaceSet
from train.data.framing import (
    canvas_of,
    framed_face,
    framing_matrices,
    framing_matrix,
    read_framings,
    write_framings,
)
from train.errors import DataError

MIDDLE, CORNER = FaceBox(120, 120, 270, 270), FaceBox(0, 0, 60, 60)


class BoxDetector:
    """Finds the same boxes in every picture, or in those whose middle is bright only."""

    name = "boxes"

    def __init__(self, *boxes: FaceBox, brightest: int = 0) -> None:
        self._faces = [DetectedFace(box, 0.9) for box in boxes]
        self._brightest = brightest

    def detect(self, image_bgr: np.ndarray, sizes: object = ()) -> list[DetectedFace]:
        return self._faces if image_bgr.max() >= self._brightest else []


def test_the_canvas_has_the_face_in_its_middle(tiny_set: FaceSet) -> None:
    face = tiny_set.faces_gray[0]
    canvas = canvas_of(face)
    assert canvas.shape == (384, 384, 3)
    assert canvas.dtype == np.uint8
    middle = canvas[96:288, 96:288, 0]
    back = cv2.resize(middle, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - face).mean() < 3
    assert (canvas[:96, 100] == canvas[96, 100]).all()
    assert (canvas[200, 288:] == canvas[200, 287]).all()


def test_the_nearest_face_is_aligned_as_the_app_does(tiny_set: FaceSet) -> None:
    face = tiny_set.faces_gray[0]
    crop = framed_face(face, BoxDetector(CORNER, MIDDLE))
    expected = align_face(to_gray(canvas_of(face)), DetectedFace(MIDDLE, 0.9))
    assert crop is not None
    assert crop.shape == (48, 48)
    assert np.array_equal(crop, resize_face(expected))
    assert framed_face(face, BoxDetector()) is None


def test_the_matrix_moves_a_picture_as_alignment_does(tiny_set: FaceSet) -> None:
    face = tiny_set.faces_gray[0]
    matrix = framing_matrix(face, BoxDetector(CORNER, MIDDLE))
    assert matrix is not None
    assert matrix.dtype == np.float32
    # warpAffine counts from the middle of the first pixel, the matrix from its corner.
    centers = matrix.astype(np.float64)
    centers[:, 2] += centers[:, :2] @ [0.5, 0.5] - 0.5
    moved = cv2.warpAffine(face, centers, (48, 48), borderMode=cv2.BORDER_REPLICATE)
    framed = framed_face(face, BoxDetector(CORNER, MIDDLE))
    assert framed is not None
    # The crop comes from the enlarged picture, so only interpolation may differ.
    assert np.abs(moved.astype(int) - framed).mean() < 4
    assert np.abs(face.astype(int) - framed).mean() > 10
    assert framing_matrix(face, BoxDetector()) is None


def test_matrices_of_pictures_without_a_face_are_unknown(tiny_set: FaceSet) -> None:
    faces = tiny_set.faces_gray[:3].copy()
    faces[1:, 20:30, 20:30] = 250
    faces[0] = faces[0] // 4
    dataset = replace(tiny_set.where(np.arange(3)), faces_gray=faces)
    matrices = framing_matrices(dataset, BoxDetector(MIDDLE, brightest=150))
    assert matrices.shape == (3, 2, 3)
    assert np.isnan(matrices[0]).all()
    assert np.array_equal(matrices[1], framing_matrix(faces[1], BoxDetector(MIDDLE)))


def test_framings_come_back_by_name_and_label(tiny_set: FaceSet, tmp_path: Path) -> None:
    faces = tiny_set.faces_gray.copy()
    faces[1:, 20:30, 20:30] = 250
    faces[0] = faces[0] // 4
    dataset = replace(tiny_set, faces_gray=faces)
    one, other = tmp_path / "made" / "one.npz", tmp_path / "other.npz"
    assert write_framings(dataset, BoxDetector(MIDDLE, brightest=150), one) == len(dataset) - 1
    assert write_framings(dataset, BoxDetector(CORNER), other) == len(dataset)
    framed = read_framings([one, other]).of(dataset)
    assert [len(crops) for crops in framed] == [1] + [2] * (len(dataset) - 1)
    assert np.array_equal(framed[1][0], framed_face(faces[1], BoxDetector(MIDDLE)))
    assert np.array_equal(framed[0][0], framed_face(faces[0], BoxDetector(CORNER)))
    assert read_framings([]).of(dataset)[3] == []


@pytest.mark.parametrize("content", [None, b"no archive", b"", b"PK\x03\x04 cut off"])
def test_a_file_of_something_else(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.npz cannot be read"):
        read_framings([path])


def test_an_archive_of_other_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", names=np.array(["a"]))
    with pytest.raises(DataError, match=r"odd\.npz cannot be read"):
        read_framings([tmp_path / "odd.npz"])
