"""ZeroRouter (Hu et al., RouterBench, arXiv 2403.12031): each model's overall score. It knows nothing of the query."""

from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training

__all__ = ["ZeroRouter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroRouter:
    """The mean score of each model, (m,), and the standard error of that mean."""

    mean: Matrix
    error: Matrix

    @classmethod
    def fit(cls, training: Training) -> "ZeroRouter":
        """Average over all queries."""
        n = len(training)
        mean = training.scores.mean(axis=0)
        # One more success and one more failure: with few queries, equal outcomes are no certainty.
        smoothed = (training.scores.sum(axis=0) + 1) / (n + 2)
        return cls(mean=mean, error=np.sqrt(smoothed * (1 - smoothed) / n))

    def predict(self, queries: Queries) -> Estimate:
        """Return the same for every query."""
        shape = (len(queries), len(self.mean))
        return Estimate(np.broadcast_to(self.mean, shape), np.broadcast_to(self.error, shape))
