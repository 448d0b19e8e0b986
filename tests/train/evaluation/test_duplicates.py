from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.evaluation.duplicates import NEAR, detail_vectors, groups_of, near_pairs, numbered


def joined(left: np.ndarray, right: np.ndarray) -> bool:
    pairs, values = near_pairs(np.stack([left, right]))
    assert (values >= NEAR).all()
    return pairs.tolist() == [[0, 1]]


def test_the_same_photo_in_another_form_is_found(tiny_set: FaceSet) -> None:
    face = tiny_set.faces_gray[3]
    marked = face.copy()
    cv2.putText(marked, "photo", (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.3, 200, 1)
    small = cv2.resize(cv2.resize(face, (32, 32)), (48, 48))
    versions = {
        "darker": (face * 0.5).astype(np.uint8),
        "brighter": np.clip(face * 0.7 + 70, 0, 255).astype(np.uint8),
        "watermark": marked,
        "small": small,
    }
    for name, version in versions.items():
        assert joined(face, version), name


def test_different_faces_are_not_joined(tiny_set: FaceSet) -> None:
    faces = tiny_set.faces_gray[:60]
    pairs, _ = near_pairs(faces)
    same = {face.tobytes() for face in faces}
    assert len(pairs) <= len(faces) - len(same)


def test_the_values_are_correlations(tiny_set: FaceSet) -> None:
    vectors = detail_vectors(tiny_set.faces_gray[:2]).astype(np.float64)
    pairs, values = near_pairs(tiny_set.faces_gray[:2], threshold=-1)
    assert pairs.tolist() == [[0, 1]]
    assert values[0] == pytest.approx(np.corrcoef(vectors)[0, 1], abs=1e-5)


def test_blank_pictures_resemble_nothing() -> None:
    blank = np.stack([np.full((48, 48), level, np.uint8) for level in (0, 0, 128, 255)])
    assert len(near_pairs(blank)[0]) == 0


def test_pairs_across_blocks_are_found(tiny_set: FaceSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.evaluation.duplicates._ROWS", 7)
    faces = tiny_set.faces_gray[:20]
    pairs, _ = near_pairs(np.concatenate([faces, faces]))
    assert {(index, index + 20) for index in range(20)} <= set(map(tuple, pairs.tolist()))


def test_no_pictures_have_no_pairs() -> None:
    pairs, values = near_pairs(np.empty((0, 48, 48), np.uint8))
    assert pairs.shape == (0, 2) and values.shape == (0,)


def test_groups_join_what_pairs_chain() -> None:
    pairs = np.array([[1, 4], [4, 6], [2, 3]])
    assert groups_of(pairs, 8).tolist() == [-1, 0, 1, 1, 0, -1, 0, -1]
    assert groups_of(np.empty((0, 2), np.int64), 3).tolist() == [-1, -1, -1]


def test_groups_are_numbered_in_order_of_appearance() -> None:
    assert numbered(np.array([9, 5, 5, 7, 9, 3])).tolist() == [0, 1, 1, -1, 0, -1]
    assert numbered(np.empty(0, np.int64)).tolist() == []
