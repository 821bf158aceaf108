"""A linear head: logistic regression of each model's score on the design, with a ridge penalty.

Scores between 0 and 1 count as shares of successes. It knows nothing that is not linear in the embedding and the
surface features, and nothing that one model tells of another but the strength of the penalty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import CrossFitted, Examples, Head, sigmoid
from graphs.routing.estimators.lbfgs import minimise

__all__ = ["LinearHead"]

_STRENGTHS = (300.0, 100.0, 30.0, 10.0, 3.0)
"""Penalties on the squared weights, beside the sum of the log losses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """`weights` (d, m) and `bias` (m,)."""

    weights: Matrix
    bias: Matrix

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        return sigmoid(rows @ self.weights + self.bias)


class LinearHead(CrossFitted):
    """Logistic regressions."""

    @classmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return one for each strength, each begun where the stronger one ended."""
        overall = np.clip(fitted.scores.mean(axis=0), 0.01, 0.99)
        shape = (fitted.rows.shape[1], fitted.scores.shape[1])
        parameters: list[Matrix] = [np.zeros(shape), np.log(overall / (1 - overall))]
        found = []
        for strength in _STRENGTHS:
            parameters = _regress(fitted, parameters, strength)
            found.append(Logistic(weights=parameters[0], bias=parameters[1]))
        return found


def _regress(examples: Examples, start: list[Matrix], strength: float) -> list[Matrix]:
    def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
        weights, bias = parameters
        logits = examples.rows @ weights + bias
        value = (np.logaddexp(0, logits) - examples.scores * logits).sum()
        slope = sigmoid(logits) - examples.scores
        gradient = [examples.rows.T @ slope + strength * weights, slope.sum(axis=0)]
        return float(value + strength * (weights**2).sum() / 2), gradient

    return minimise(loss, start)
