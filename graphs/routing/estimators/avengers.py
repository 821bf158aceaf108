"""Avengers-Pro (arXiv 2508.12631, as its published code does it): the nearest clusters vote.

As an estimator it mixes the clusters' mean scores; `decide` is its own rule, which ranks the models in each cluster by
score and cost and sums reciprocal ranks. It knows no query beyond the distances to the centroids; its rule knows only
the order of the models in a cluster, not by how much they differ. The number of clusters is chosen by held-out error
(the published settings: 25 and 32); the number of voters and the sharpness are the published ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training
from graphs.routing.estimators.clusters import Clusters, best_clusters
from graphs.routing.estimators.kmeans import Vectors, totals

__all__ = ["AvengersPro"]

VOTERS = 3
SHARPNESS = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AvengersPro:
    """Each query is its three nearest clusters, weighted by a softmax of their distances."""

    clusters: Clusters

    @classmethod
    def fit(cls, training: Training) -> "AvengersPro":
        """Choose the number of clusters by held-out error."""
        return cls(clusters=best_clusters(training, _votes))

    def with_model(self, training: Training) -> "AvengersPro":
        """Return the same with one more model, from scores (n, 1)."""
        return AvengersPro(clusters=self.clusters.with_model(training))

    def predict(self, queries: Queries) -> Estimate:
        """Return the means of the voting clusters, mixed by their weights."""
        return self.clusters.estimate(_votes(self.clusters.distances(queries)))

    def costs(self, queries: Queries, costs: Matrix) -> Matrix:
        """Return the mean cost of each model in each cluster, (k, m), from `costs` (n, m) in USD."""
        labels = self.clusters.distances(queries).argmin(axis=1)
        sums, counts = totals(labels, costs, len(self.clusters.centroids))
        means = sums / np.maximum(counts, 1)[:, None]
        return np.where(counts[:, None] > 0, means, costs.mean(axis=0))

    def decide(self, queries: Queries, costs: Matrix, *, performance: float) -> NDArray[np.intp]:
        """Return the column of the model that the published rule chooses for each query, (n,).

        Args:
            queries: n of them.
            costs: of each model in each cluster, (k, m), in USD, as `costs` returns them.
            performance: the weight of score, 0 to 1 (the paper's alpha); that of cost is the rest.
        """
        quality = self.clusters.quality
        lowest = quality.min(axis=1, keepdims=True)
        span = quality.max(axis=1, keepdims=True) - lowest
        score = np.where(span > 0, (quality - lowest) / np.where(span > 0, span, 1), 1.0)
        dearest = costs.max(axis=1, keepdims=True)
        cost = costs / np.where(dearest > 0, dearest, 1)
        merit = performance * score + (1 - performance) * (1 - cost)
        ranks = (-merit).argsort(axis=1, kind="stable").argsort(axis=1)
        votes = _votes(self.clusters.distances(queries))
        chosen: NDArray[np.intp] = (votes @ (1 / (ranks + 1))).argmax(axis=1)
        return chosen


def _votes(distances: Vectors) -> Matrix:
    away = np.sqrt(distances.astype(np.float64))
    nearest = np.argsort(away, axis=1, kind="stable")[:, :VOTERS]
    raised = np.take_along_axis(away, nearest, axis=1)
    raised = np.exp(-SHARPNESS * (raised - raised.min(axis=1, keepdims=True)))
    votes = np.zeros(away.shape)
    np.put_along_axis(votes, nearest, raised / raised.sum(axis=1, keepdims=True), axis=1)
    return votes
