"""UniRoute (Jitkrittum et al., arXiv 2502.08773): a model is its mean score on each cluster of queries.

`UniRouteKMeans` puts a query into its nearest cluster (section 5.1, eqs 12 and 13), `UniRouteLearnedMap` into all of
them, in shares that are learned from the scores (section 5.2). A new model needs its scores on some hundred queries;
no number of another model changes. Neither knows what differs inside a cluster. Not from the paper: the number of
clusters by squared error (the paper: by the area under the curve), and the start, optimiser and stop of the map.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.adam import Array, train
from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training, text_splits
from graphs.routing.estimators.clusters import Clusters, best_clusters
from graphs.routing.estimators.kmeans import Vectors, kmeans

__all__ = ["UniRouteKMeans", "UniRouteLearnedMap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UniRouteKMeans:
    """Each query is its nearest cluster."""

    clusters: Clusters

    @classmethod
    def fit(cls, training: Training) -> "UniRouteKMeans":
        """Choose the number of clusters by held-out error."""
        return cls(clusters=best_clusters(training, _nearest))

    def with_model(self, training: Training) -> "UniRouteKMeans":
        """Return the same with one more model, from scores (n, 1)."""
        return UniRouteKMeans(clusters=self.clusters.with_model(training))

    def predict(self, queries: Queries) -> Estimate:
        """Return the means of each query's cluster."""
        return self.clusters.estimate(_nearest(self.clusters.distances(queries)))


@dataclass(frozen=True, slots=True, kw_only=True)
class UniRouteLearnedMap:
    """Each query is a mixture of clusters, softmax(x W + b) with `weights` W (d, k) and `bias` b (k,)."""

    clusters: Clusters
    weights: Array
    bias: Array

    @classmethod
    def fit(cls, training: Training) -> "UniRouteLearnedMap":
        """Choose the number of clusters and the stop on a fifth of the rows, then learn the map on all."""
        if len(training) < _FEWEST:
            return cls.start(training, 1)
        part = text_splits(training.queries.vectors, 5)[0]
        fitted, held = (training.take(rows) for rows in part)
        tried = [cls.start(fitted, size).learn(fitted, held) for size in _MAP_SIZES]
        size, (_, epochs, _) = min(
            zip(_MAP_SIZES, tried, strict=True), key=lambda choice: choice[1][2]
        )
        return cls.start(training, size).learn(training, None, epochs=epochs)[0]

    @classmethod
    def start(cls, training: Training, size: int) -> "UniRouteLearnedMap":
        """Return the map whose shares fall with the distance to each of `size` centroids."""
        centroids = kmeans(training.queries.vectors, size)
        clusters = Clusters.fit(centroids, training)
        within = max(float(clusters.distances(training.queries).min(axis=1).mean()), 1e-3)
        return cls(
            clusters=clusters,
            weights=2 * centroids.T / np.float32(within),
            bias=-(centroids**2).sum(axis=1) / np.float32(within),
        )

    def learn(
        self, training: Training, held: Training | None, *, epochs: int = 60
    ) -> tuple["UniRouteLearnedMap", int, float]:
        """Descend on the log loss; return the map, the epochs taken, and the loss on `held` (0 without)."""
        quality = np.clip(self.clusters.quality, 0.01, 0.99).astype(np.float32)
        scores = training.scores.astype(np.float32)

        def gradient(parameters: list[Array], rows: NDArray[np.intp]) -> list[Array]:
            vectors = training.queries.vectors[rows]
            shares = _softmax(vectors @ parameters[0] + parameters[1])
            mean = shares @ quality
            by_share = ((mean - scores[rows]) / (mean * (1 - mean))) @ quality.T
            by_logit = shares * (by_share - (shares * by_share).sum(axis=1, keepdims=True))
            by_logit /= np.float32(len(rows) * scores.shape[1])
            return [vectors.T @ by_logit, by_logit.sum(axis=0)]

        def held_loss(parameters: list[Array]) -> float:
            if held is None:
                return 0.0
            mean = _softmax(held.queries.vectors @ parameters[0] + parameters[1]) @ quality
            return float(((mean - held.scores) ** 2).mean())

        (weights, bias), taken, loss = train(
            [self.weights, self.bias],
            gradient,
            held_loss if held is not None else None,
            rows=len(training),
            rate=0.05,
            epochs=epochs,
        )
        return replace(self, weights=weights, bias=bias), taken, loss

    def with_model(self, training: Training) -> "UniRouteLearnedMap":
        """Return the same with one more model, from scores (n, 1); the map stays."""
        return replace(self, clusters=self.clusters.with_model(training))

    def predict(self, queries: Queries) -> Estimate:
        """Return the means of the clusters, mixed by the map."""
        logits = queries.vectors @ self.weights + self.bias
        shares = _softmax(logits.astype(np.float64))
        return self.clusters.estimate(shares)


_FEWEST = 20
"""Rows; with fewer there is nothing to learn a map from."""
_MAP_SIZES = (1, 5, 10, 25, 50, 100)
_Float = TypeVar("_Float", np.float32, np.float64)


def _nearest(distances: Vectors) -> Matrix:
    shares = np.zeros(distances.shape)
    shares[np.arange(len(distances)), distances.argmin(axis=1)] = 1
    return shares


def _softmax(logits: NDArray[_Float]) -> NDArray[_Float]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[_Float] = raised / raised.sum(axis=1, keepdims=True)
    return shares
