"""An item-response model (two-parameter logistic, Birnbaum, 1968): a query has one difficulty, shared by all models.

log odds of success = discrimination of the model * (its ability - difficulty of the query), the difficulty being linear
in the design, so that a query never seen before has one. It knows no strengths in a subject: whatever the query, the
models keep their order where their discriminations are equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import CrossFitted, Examples, Head, sigmoid
from graphs.routing.estimators.lbfgs import minimise

__all__ = ["ItemResponse"]

_STRENGTHS = (3000.0, 1000.0, 300.0, 100.0, 30.0)
"""Penalties on the squared weights of the difficulty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoParameter:
    """`difficulty` (d,) weights, `discrimination` (m,) above 0 and `ease` (m,), that times the ability."""

    difficulty: Matrix
    discrimination: Matrix
    ease: Matrix

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        return sigmoid(self.ease - np.outer(rows @ self.difficulty, self.discrimination))


class ItemResponse(CrossFitted):
    """Two-parameter models with a predicted difficulty."""

    @classmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return one for each strength, each begun where the stronger one ended."""
        overall = np.clip(fitted.scores.mean(axis=0), 0.01, 0.99)
        parameters: list[Matrix] = [
            np.zeros(fitted.rows.shape[1]),
            np.zeros(len(overall)),
            np.log(overall / (1 - overall)),
        ]
        found = []
        for strength in _STRENGTHS:
            parameters = _respond(fitted, parameters, strength)
            weights, logarithm, ease = parameters
            found.append(
                TwoParameter(
                    difficulty=weights,
                    discrimination=_discriminations(logarithm),
                    ease=ease,
                )
            )
        return found


def _respond(examples: Examples, start: list[Matrix], strength: float) -> list[Matrix]:
    """Fit by penalised likelihood; the logarithm of a discrimination has a standard normal prior.

    The discriminations have a mean square of 1: else they could grow as the weights shrink, unpenalised.
    """

    def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
        weights, logarithm, ease = parameters
        discrimination = _discriminations(logarithm)
        harder = np.outer(examples.rows @ weights, discrimination)
        logits = ease - harder
        value = (np.logaddexp(0, logits) - examples.scores * logits).sum()
        value += strength * (weights**2).sum() / 2 + (logarithm**2).sum() / 2
        slope = sigmoid(logits) - examples.scores
        by_logarithm = -(slope * harder).sum(axis=0)
        gradient = [
            strength * weights - examples.rows.T @ (slope @ discrimination),
            by_logarithm - discrimination**2 * by_logarithm.mean() + logarithm,
            slope.sum(axis=0),
        ]
        return float(value), gradient

    return minimise(loss, start)


def _discriminations(logarithm: Matrix) -> Matrix:
    raised = np.exp(logarithm - logarithm.max())
    scaled: Matrix = raised / np.sqrt((raised**2).mean())
    return scaled
