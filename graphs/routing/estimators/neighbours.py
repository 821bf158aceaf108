"""k nearest neighbours: the mean score of each model on the recorded queries most like this one.

It knows no domain and nothing beyond its neighbours. Models that were added later have recorded queries of their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training, texts
from graphs.routing.index import VectorIndex

__all__ = ["Neighbours", "index_rows"]

_COUNTS = (10, 20, 40, 80, 160, 320)
_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Recorded queries in `index`, the scores on them (n, m), and how many neighbours are asked."""

    index: VectorIndex
    scores: Matrix
    count: int

    @classmethod
    def fit(cls, training: Training) -> "Neighbours":
        """Choose the count with the least leave-one-out squared error."""
        index = index_rows(training.queries.vectors)
        count = _best_count(index, training)
        return cls(index=index, scores=training.scores, count=count)

    def predict(self, queries: Queries) -> Estimate:
        """Return the mean over the neighbours, and its standard error."""
        _, rows = self.index.nearest_rows(queries.vectors, self.count)
        means = np.stack([self.scores[near].mean(axis=0) for near in rows])
        smoothed = (self.count * means + 1) / (self.count + 2)
        return Estimate(means, np.sqrt(smoothed * (1 - smoothed) / self.count))


def index_rows(vectors: NDArray[np.float32]) -> VectorIndex:
    """Return an index with the rows of `vectors` (n, d)."""
    return VectorIndex.from_vectors([str(row) for row in range(len(vectors))], vectors)


def _best_count(index: VectorIndex, training: Training) -> int:
    """Return the number of neighbours with the least error on rows whose own text is no neighbour."""
    n, text = len(training), texts(training.queries.vectors)
    most = int(np.bincount(text).max())
    counts = [count for count in _COUNTS if count <= n - most] or [max(n - most, 1)]
    errors = np.zeros(len(counts))
    for start in range(0, n, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, n))
        asked = min(counts[-1] + most, n)
        _, found = index.nearest_rows(training.queries.vectors[block], asked)
        for row, near in zip(block, found, strict=True):
            others = near[text[near] != text[row]][: counts[-1]] if most < n else near
            sums = training.scores[others].cumsum(axis=0)
            for place, count in enumerate(counts):
                errors[place] += ((sums[count - 1] / count - training.scores[row]) ** 2).sum()
    return counts[int(errors.argmin())]
