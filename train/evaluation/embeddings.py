"""Where a network puts the pictures: nearest neighbours, and a map in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train.evaluation.records import NEIGHBOURS

_PERPLEXITY = 30
_ROWS = 512


def nearest(
    features: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the most similar other pictures of each; all pairs are compared.

    Args:
        features: float32 ``(N, D)``.
        count: Neighbours a picture, less than N.

    Returns:
        Positions int64 ``(N, count)``, the most similar first, and cosine similarities float32
        ``(N, count)``.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    positions = np.empty((len(unit), count), np.int64)
    similarities = np.empty((len(unit), count), np.float32)
    for start in tqdm(range(0, len(unit), _ROWS), unit="block", disable=None):
        block = unit[start : start + _ROWS] @ unit.T
        rows = np.arange(len(block))[:, np.newaxis]
        block[rows[:, 0], start + rows[:, 0]] = -np.inf  # a picture is no neighbour of its own
        best = np.argpartition(-block, count - 1, axis=1)[:, :count]
        # Among equals the first: the order of a partition is nobody's choice.
        order = np.lexsort((best, -block[rows, best]), axis=1)
        positions[start : start + _ROWS] = best[rows, order]
        similarities[start : start + _ROWS] = block[rows, best[rows, order]]
    return positions, np.minimum(similarities, 1)


def map_of(
    features: NDArray[np.float32], seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Lay features out in two dimensions by t-SNE (van der Maaten and Hinton, 2008).

    By openTSNE (Poličar et al., 2024), for many pictures with the interpolation of Linderman et
    al., 2019, and from the first two principal components, which keeps the broad arrangement
    (Kobak and Berens, 2019). On one core, so that the same features give the same map.

    Args:
        features: float32 ``(N, D)``, N at least 16.
        seed: Of what is random in it.

    Returns:
        Places float32 ``(N, 2)``, and the nearest eight neighbours as ``nearest`` gives them.
    """
    import openTSNE
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = min(_PERPLEXITY, (len(features) - 1) // 3)
    positions, similarities = nearest(features, 3 * perplexity)
    # Between vectors of length 1, the square of the distance is 2 - 2 cos.
    distances = np.sqrt(np.maximum(2 - 2 * similarities.astype(np.float64), 0))
    affinities = openTSNE.affinity.PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=PrecomputedNeighbors(positions, distances),
        n_jobs=1,
        random_state=seed,
    )
    start = openTSNE.initialization.pca(features.astype(np.float64), random_state=seed)
    fitted = openTSNE.TSNE(n_jobs=1, random_state=seed).fit(
        affinities=affinities, initialization=start
    )
    places = np.asarray(fitted, np.float32)
    return places, positions[:, :NEIGHBOURS], similarities[:, :NEIGHBOURS]
