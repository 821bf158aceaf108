"""From five-outcome labels of pairs to a score for each query and model: what `fit` needs, and what pairs can tell.

MoMA's map is not known; this is our choice. An outcome counts 1 (much better), 1/2, 0 (the same), -1/2 or -1 for the
first answer. `level` is what a model gains on average against an average opponent, by least squares over all pairs, so
that it does not hang on whom it met. On a query it gains that and the mean surprise of its own pairs there, each the
outcome less the difference of the two levels. The score is 1/2 + gain / 2, cut to 0..1: 1/2 is the pool's mean over all
queries, so scores of different pools are not to be compared. A model that was not compared on a query has its level.

Scores are not shrunk, since a fit shrinks them: they are as noisy as the judge, and on average right. The half of
"better" is what an ordinal logit would give (0.44 to 0.62 of "much better" on simulated labels). It knows no text and
no price.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.preferences import Pairs

__all__ = ["PairScale"]

Matrix = NDArray[np.float64]
_VALUES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Of the margins from -2 to 2."""
_RIDGE = 1e-6
"""Of the least squares, in comparisons: what was never compared, or only among itself, is at the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScale:
    """The `level` (m,) of each model, with mean 0."""

    level: Matrix

    @classmethod
    def fit(cls, pairs: Pairs) -> "PairScale":
        """Fit the levels on all pairs."""
        m, value = pairs.models, _VALUES[pairs.margin + 2]
        met = np.zeros((m, m))
        np.add.at(met, (pairs.first, pairs.second), 1)
        met += met.T
        laplacian = np.diag(met.sum(axis=1)) - met + _RIDGE * np.eye(m)
        gained = np.bincount(pairs.first, value, m) - np.bincount(pairs.second, value, m)
        level = np.linalg.solve(laplacian, gained)
        return cls(level=level - level.mean())

    def scores(self, pairs: Pairs) -> Matrix:
        """Return the score of each model on each query, (n, m) in 0..1."""
        surprise = _VALUES[pairs.margin + 2] - self.level[pairs.first] + self.level[pairs.second]
        gain, count = (
            np.zeros((pairs.queries, pairs.models)),
            np.zeros((pairs.queries, pairs.models)),
        )
        for model, sign in ((pairs.first, 1.0), (pairs.second, -1.0)):
            np.add.at(gain, (pairs.query, model), sign * surprise)
            np.add.at(count, (pairs.query, model), 1)
        mean = self.level + gain / np.maximum(count, 1)
        scores: Matrix = np.clip(0.5 + 0.5 * mean, 0, 1)
        return scores
