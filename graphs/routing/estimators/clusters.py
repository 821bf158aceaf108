"""Scores of models on clusters of queries, and how many clusters there should be.

It knows neither how a query belongs to clusters (one, or several in shares) nor what a score means. Within a cluster
each model is taken to be equally good everywhere: what that costs is how much it is not (UniRoute's Proposition 2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training, text_splits
from graphs.routing.estimators.kmeans import Labels, Vectors, kmeans, squared_distances, totals

__all__ = ["SIZES", "Clusters", "Shares", "best_clusters"]

SIZES = (1, 2, 5, 10, 25, 50, 100, 200, 300)
"""The numbers of clusters that are tried: UniRoute's grid (5 to 300), and ZeroRouter's single cluster."""

Shares = Callable[[Vectors], Matrix]
"""From squared distances to the centroids, (n, k), to what share of each query belongs to each cluster, (n, k)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """`centroids` (k, d), each model's mean score in each cluster and the standard error of that, (k, m) each."""

    centroids: Vectors
    quality: Matrix
    error: Matrix

    @classmethod
    def fit(cls, centroids: Vectors, training: Training) -> "Clusters":
        """Average the scores on the queries nearest each centroid; an empty cluster takes the overall mean."""
        labels = squared_distances(training.queries.vectors, centroids).argmin(axis=1)
        quality, error = _statistics(labels, training.scores, len(centroids))
        return cls(centroids=centroids, quality=quality, error=error)

    def with_model(self, training: Training) -> "Clusters":
        """Return the same with one more model, from scores (n, 1); no other number changes."""
        one = Clusters.fit(self.centroids, training)
        return Clusters(
            centroids=self.centroids,
            quality=np.hstack([self.quality, one.quality]),
            error=np.hstack([self.error, one.error]),
        )

    def distances(self, queries: Queries) -> Vectors:
        """Return the squared distances to the centroids, (n, k)."""
        return squared_distances(queries.vectors, self.centroids)

    def estimate(self, shares: Matrix) -> Estimate:
        """Mix the clusters by `shares` (n, k) of each query; errors of different clusters are independent."""
        # Rounding can carry a mean of ones past 1.
        return Estimate(np.minimum(shares @ self.quality, 1), np.sqrt(shares**2 @ self.error**2))


def best_clusters(training: Training, shares: Shares) -> Clusters:
    """Return the clusters of the size whose means predict held-out scores best, by squared error.

    The centroids are fitted on all queries, since they read no score.
    """
    tried = [size for size in SIZES if size <= max(1, len(training) // 2)]
    centroids = [kmeans(training.queries.vectors, size) for size in tried]
    errors = [_held_out_error(training, these, shares) for these in centroids]
    return Clusters.fit(centroids[int(np.argmin(errors))], training)


def _held_out_error(training: Training, centroids: Vectors, shares: Shares) -> float:
    distances = squared_distances(training.queries.vectors, centroids)
    labels, mixed = distances.argmin(axis=1), shares(distances)
    total = 0.0
    for fitted, held in text_splits(training.queries.vectors, 5):
        quality, _ = _statistics(labels[fitted], training.scores[fitted], len(centroids))
        total += float(((mixed[held] @ quality - training.scores[held]) ** 2).sum())
    return total


def _statistics(labels: Labels, scores: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """Return the mean scores and their standard errors, each (k, m)."""
    sums, counts = totals(labels, scores, k)
    n = np.maximum(counts, 1)[:, None]
    overall = scores.mean(axis=0)
    quality = np.where(counts[:, None] > 0, sums / n, overall)
    # As in `ZeroRouter`: with few queries, equal outcomes are no certainty.
    smoothed = (sums + 2 * overall) / (counts[:, None] + 2)
    smoothed = np.clip(smoothed, 1 / (n + 2), 1 - 1 / (n + 2))
    return quality, np.sqrt(smoothed * (1 - smoothed) / n)
