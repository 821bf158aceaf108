"""K-means on vectors: Lloyd's rounds (1982) from a k-means++ start (Arthur & Vassilvitskii, 2007), equal on every run.

It knows no query, no model and no score, and finds a local optimum; `k` is the caller's.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["kmeans", "squared_distances", "totals"]

Vectors = NDArray[np.float32]
Labels = NDArray[np.intp]


def kmeans(vectors: Vectors, k: int, *, seed: int = 0, rounds: int = 30) -> Vectors:
    """Return the centroids, (k, d), or fewer where `vectors` (n, d) has fewer than `k` distinct rows.

    Args:
        vectors: finite rows, at least one.
        k: how many centroids, 1 or more.
        seed: of the start.
        rounds: Lloyd's rounds at most; they end when no row changes its cluster.
    """
    centroids = _start(vectors, k, np.random.default_rng(seed))
    labels = squared_distances(vectors, centroids).argmin(axis=1)
    for _ in range(rounds):
        sums, counts = totals(labels, vectors, len(centroids))
        # A cluster that lost its last row stays where it was.
        centroids = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centroids)
        centroids = centroids.astype(np.float32)
        before, labels = labels, squared_distances(vectors, centroids).argmin(axis=1)
        if (labels == before).all():
            break
    return centroids


def squared_distances(vectors: Vectors, centroids: Vectors) -> Vectors:
    """Return the squared Euclidean distances, (n, k)."""
    distances = (vectors**2).sum(axis=1)[:, None] - 2 * vectors @ centroids.T
    floored: Vectors = np.maximum(distances + (centroids**2).sum(axis=1), 0)
    return floored


def totals(
    labels: Labels, values: NDArray[np.floating], k: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the sums of `values` (n, m) over the rows of each label, (k, m), and the counts, (k,)."""
    counts = np.bincount(labels, minlength=k)
    sums = np.zeros((k, values.shape[1]))
    present = np.flatnonzero(counts)
    if len(present):
        ordered = values[np.argsort(labels, kind="stable")].astype(np.float64)
        sums[present] = np.add.reduceat(ordered, (np.cumsum(counts) - counts)[present], axis=0)
    return sums, counts


def _start(vectors: Vectors, k: int, random: np.random.Generator) -> Vectors:
    """Draw each centroid with a chance in proportion to its squared distance to those drawn before."""
    chosen = [int(random.integers(len(vectors)))]
    nearest = squared_distances(vectors, vectors[chosen])[:, 0].astype(np.float64)
    while len(chosen) < k:
        nearest[nearest < 1e-6] = 0  # what rounding leaves between equal rows
        if not (total := nearest.sum()):
            break
        chosen.append(int(random.choice(len(vectors), p=nearest / total)))
        nearest = np.minimum(nearest, squared_distances(vectors, vectors[chosen[-1:]])[:, 0])
    return vectors[chosen]
