from __future__ import annotations

import numpy as np
import pytest

from train.evaluation.embeddings import map_of, nearest


def clusters(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Points around three far corners of eight dimensions, and which."""
    rng = np.random.default_rng(0)
    kinds = np.arange(count) % 3
    return (np.eye(8)[kinds] * 5 + rng.normal(0, 0.5, (count, 8))).astype(np.float32), kinds


def test_neighbours_are_scikit_learns() -> None:
    from sklearn.neighbors import NearestNeighbors

    features, _ = clusters()
    positions, similarities = nearest(features, 5)
    distances, expected = (
        NearestNeighbors(n_neighbors=6, metric="cosine").fit(features).kneighbors()
    )
    assert np.array_equal(positions, expected[:, :5])
    np.testing.assert_allclose(similarities, 1 - distances[:, :5], atol=1e-5)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    features, _ = clusters()
    whole = nearest(features, 4)
    monkeypatch.setattr("train.evaluation.embeddings._ROWS", 7)
    for left, right in zip(whole, nearest(features, 4), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


def test_a_copy_is_the_nearest_and_nobody_is_their_own_neighbour() -> None:
    features, _ = clusters(40)
    twice = np.concatenate([features, features])
    positions, similarities = nearest(twice, 3)
    assert np.array_equal(positions[:, 0], (np.arange(80) + 40) % 80)
    np.testing.assert_allclose(similarities[:, 0], 1, atol=1e-6)
    assert similarities.max() <= 1
    assert (positions != np.arange(80)[:, np.newaxis]).all()


def test_features_of_nothing_resemble_nothing() -> None:
    features, _ = clusters(20)
    features[3] = 0
    similarities = nearest(features, 2)[1]
    assert np.isfinite(similarities).all()
    assert (similarities[3] == 0).all()


@pytest.fixture(scope="module")
def mapped() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The map of the clusters, which takes seconds."""
    return map_of(clusters()[0])


def test_the_map_keeps_neighbours_together(
    mapped: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    from sklearn.neighbors import NearestNeighbors

    _, kinds = clusters()
    places, positions, similarities = mapped
    assert places.shape == (120, 2) and places.dtype == np.float32
    assert positions.shape == similarities.shape == (120, 8)
    assert np.isfinite(places).all()
    own = NearestNeighbors(n_neighbors=5).fit(places).kneighbors(return_distance=False)
    assert (kinds[own] == kinds[:, np.newaxis]).mean() > 0.95


def test_the_same_features_give_the_same_map(
    mapped: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    assert np.array_equal(mapped[0], map_of(clusters()[0])[0])
