"""How models answer the same query: how often they are right together, and how often wrong ones say the same.

What a model's chance leaves open is shared: a query that turns out harder than predicted is so for all of them (a
two-parameter logistic model of one latent difficulty; Birnbaum, 1968), so two models that are right 80 % of the time
are not two independent witnesses. It knows no query, no price and no text of an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import sigmoid

__all__ = ["LEVELS", "Joint", "assumed_joint", "log_odds", "stretch"]

LEVELS = np.linspace(-4.0, 4.0, 9)
"""How much easier than predicted a query may be, in standard deviations or so."""
_LEAST = 0.01
_LOADING, _EMPTY, _ALIKE = 1.5, 0.05, 0.25
"""What is assumed of models whose answers were never recorded: that they fail on the same queries as others do, and
that a fifth of their wrong answers are the same. Ours, on the careful side: agreement then proves little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What is known of m `models` together.

    The log odds that a model is right are `ease` (m,) + `slope` times those of its predicted quality + `loading` (m,)
    times the level, which has the probability `weights` (u,). A wrong answer is unreadable with the chance `empty`
    (m,); of the readable ones, one of i is drawn to one of j with the odds `likeness[i, j]` (m, m).
    """

    models: tuple[str, ...]
    slope: float
    ease: Matrix
    loading: Matrix
    weights: Matrix
    empty: Matrix
    likeness: Matrix

    def chances(self, quality: Matrix) -> Matrix:
        """Return how likely each model is right at each level, (b, m, u), for predicted qualities (b, m)."""
        centre = self.ease + self.slope * log_odds(quality) * stretch(self.loading)
        return sigmoid(centre[:, :, None] + self.loading[:, None] * LEVELS)

    def only(self, models: Sequence[str]) -> "Joint":
        """Return what is known of those of `models` that it knows, in their order."""
        kept = [name for name in models if name in self.models]
        columns = [self.models.index(name) for name in kept]
        return replace(
            self,
            models=tuple(kept),
            ease=self.ease[columns],
            loading=self.loading[columns],
            empty=self.empty[columns],
            likeness=self.likeness[np.ix_(columns, columns)],
        )

    def covering(self, models: Sequence[str]) -> "Joint":
        """Return what is known of `models`, in their order, and what is assumed of those that it does not know."""
        assumed = assumed_joint(models)
        known = [place for place, name in enumerate(models) if name in self.models]
        columns = [self.models.index(models[place]) for place in known]
        ease, loading, empty = assumed.ease.copy(), assumed.loading.copy(), assumed.empty.copy()
        likeness = assumed.likeness.copy()
        ease[known], loading[known] = self.ease[columns], self.loading[columns]
        empty[known] = self.empty[columns]
        likeness[np.ix_(known, known)] = self.likeness[np.ix_(columns, columns)]
        return Joint(
            models=tuple(models),
            slope=self.slope,
            ease=ease,
            loading=loading,
            weights=self.weights,
            empty=empty,
            likeness=likeness,
        )


def assumed_joint(models: Sequence[str]) -> Joint:
    """Return what is assumed of how `models` answer together, where no answers were recorded."""
    count = len(models)
    normal = np.exp(-(LEVELS**2) / 2)
    return Joint(
        models=tuple(models),
        slope=1.0,
        ease=np.zeros(count),
        loading=np.full(count, _LOADING),
        weights=normal / normal.sum(),
        empty=np.full(count, _EMPTY),
        likeness=np.where(np.eye(count, dtype=bool), 0.0, _ALIKE),
    )


def log_odds(quality: Matrix) -> Matrix:
    """Return log(q / (1 - q)); no quality counts as certain."""
    kept = np.clip(quality, _LEAST, 1 - _LEAST)
    odds: Matrix = np.log(kept / (1 - kept))
    return odds


def stretch(loading: Matrix) -> Matrix:
    """Return how much steeper log odds are at a known level, for their mean over levels to stay (MacKay, 1992)."""
    steeper: Matrix = np.sqrt(1 + np.pi / 8 * loading**2)
    return steeper
