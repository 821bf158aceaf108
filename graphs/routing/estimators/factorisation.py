"""Matrix factorisation: a query and a model meet in a latent space of few dimensions.

RouteLLM's matrix-factorisation router (Ong et al., arXiv 2406.18665) for any number of models and graded scores: log
odds of success = (x W) . v_m + c_m, with x the row of the design, under a log loss. The rank and the penalty are chosen
by held-out error. It knows nothing that is not linear in x, and of a model only what its vector says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import CrossFitted, Examples, Head, sigmoid
from graphs.routing.estimators.lbfgs import minimise

__all__ = ["Factorisation"]

_RANKS = (2, 8)
_STRENGTHS = (300.0, 100.0, 30.0)
"""Penalties on the squared entries of both factors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """`latent` (d, r) of the query, `models` (r, m) and `bias` (m,)."""

    latent: Matrix
    models: Matrix
    bias: Matrix

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        return sigmoid(rows @ self.latent @ self.models + self.bias)


class Factorisation(CrossFitted):
    """Bilinear heads."""

    @classmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return one for each rank and strength; within a rank each begins where the stronger one ended."""
        overall = np.clip(fitted.scores.mean(axis=0), 0.01, 0.99)
        d, m = fitted.rows.shape[1], fitted.scores.shape[1]
        found = []
        for rank in _RANKS:
            random = np.random.default_rng(0)
            parameters: list[Matrix] = [
                random.normal(0, 0.1, (d, rank)),
                random.normal(0, 0.1, (rank, m)),
                np.log(overall / (1 - overall)),
            ]
            for strength in _STRENGTHS:
                parameters = _factorise(fitted, parameters, strength)
                found.append(
                    Factors(latent=parameters[0], models=parameters[1], bias=parameters[2])
                )
        return found


def _factorise(examples: Examples, start: list[Matrix], strength: float) -> list[Matrix]:
    def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
        latent, models, bias = parameters
        places = examples.rows @ latent
        logits = places @ models + bias
        value = (np.logaddexp(0, logits) - examples.scores * logits).sum()
        value += strength * ((latent**2).sum() + (models**2).sum()) / 2
        slope = sigmoid(logits) - examples.scores
        gradient = [
            examples.rows.T @ (slope @ models.T) + strength * latent,
            places.T @ slope + strength * models,
            slope.sum(axis=0),
        ]
        return float(value), gradient

    return minimise(loss, start)
