from __future__ import annotations

import numpy as np
import pytest

from fer_core.classifier import EmotionClassifier
from fer_core.tta import CROPS, FLIP, ONE_VIEW, VIEW_COUNTS, views_of

FACE = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)


@pytest.fixture(autouse=True)
def _faces_are_found_and_read_once() -> None:
    """Not here, where the networks themselves are tested."""


@pytest.mark.parametrize("views", VIEW_COUNTS)
def test_so_many_views_of_the_same_size_the_face_first(views: str) -> None:
    seen = views_of(FACE, views)
    assert len(seen) == VIEW_COUNTS[views]
    assert {view.shape for view in seen} == {(96, 96)}
    assert {view.dtype for view in seen} == {np.dtype(np.uint8)}
    assert np.array_equal(seen[0], FACE)


def test_the_second_half_mirrors_the_first() -> None:
    seen = views_of(FACE, CROPS)
    assert all(np.array_equal(a[:, ::-1], b) for a, b in zip(seen[:5], seen[5:], strict=True))


def test_corners_show_the_face_shifted_and_its_border_repeated() -> None:
    # Three of the network's 48 pixels are six of this face's.
    corner = views_of(FACE, CROPS)[1]
    assert np.array_equal(corner[6:, 6:], FACE[:-6, :-6])
    assert (corner[:6, 6:] == FACE[0, :-6]).all()
    assert (corner[:7, :7] == FACE[0, 0]).all()


def test_the_logits_of_all_views_are_averaged(fer7: EmotionClassifier) -> None:
    faces = [FACE, FACE[:48, :48]]
    for views in (ONE_VIEW, FLIP, CROPS):
        together = fer7.logits(faces, views)
        assert together.shape == (2, 15)
        assert together.dtype == np.float32
        for face, row in zip(faces, together, strict=True):
            alone = fer7.logits(views_of(face, views), ONE_VIEW).mean(axis=0)
            np.testing.assert_allclose(row, alone, atol=1e-5)
    assert fer7.predict([], CROPS).shape == (0, 7)


def test_ten_crops_do_not_know_left_from_right(fer7: EmotionClassifier) -> None:
    one, mirrored = fer7.predict([FACE, FACE[:, ::-1]], CROPS)
    np.testing.assert_allclose(one, mirrored, atol=1e-5)
