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

__all__ = ["LEVELS", "Joint", "log_odds", "stretch"]

LEVELS = np.linspace(-4.0, 4.0, 9)
"""How much easier than predicted a query may be, in standard deviations or so."""
_LEAST = 0.01


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


def log_odds(quality: Matrix) -> Matrix:
    """Return log(q / (1 - q)); no quality counts as certain."""
    kept = np.clip(quality, _LEAST, 1 - _LEAST)
    odds: Matrix = np.log(kept / (1 - kept))
    return odds


def stretch(loading: Matrix) -> Matrix:
    """Return how much steeper log odds are at a known level, for their mean over levels to stay (MacKay, 1992)."""
    steeper: Matrix = np.sqrt(1 + np.pi / 8 * loading**2)
    return steeper
