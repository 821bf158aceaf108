"""Predicts what a query costs with each model: from its length, its kind, and how long the model answers such ones.

Where the price of a model is known, the length of the answer is learnt and the price applied to it; elsewhere the
recorded cost itself is learnt. Both by ridge regression of the logarithm on the embedding and the surface features,
corrected for the bias of exponentiating (Duan's smearing estimate, 1983). It knows no quality, and nothing of what a
conversation before the query adds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphs.routing.estimators.base import Matrix, Queries, texts
from graphs.routing.estimators.design import Design
from graphs.routing.estimators.ridge import loo_ridge
from graphs.routing.features import SURFACE

__all__ = ["CostModel", "Prices", "input_tokens", "unlikely_prices"]

Prices = Sequence[tuple[float, float] | None]
"""For each model USD a million input and output tokens, None where they are not known."""

_LEAST_USD = 1e-9
_CHARACTERS_A_TOKEN = 4.0
_ROUGH, _MANY, _LONGEST = 2.0, 0.1, 20_000
"""By how much the tokens of a query may be off, which share of rows is no accident, and a median no model answers."""
_LENGTH = list(SURFACE).index("log_characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """For each of m models a regression of log tokens or log USD: `weights` (d, m), `bias` (m,).

    Predictions stay within `low` and `high` (m,), the logarithms that were recorded; `smear` (m,) corrects the mean.
    `prices` (m, 2) is NaN where it is not known.
    """

    design: Design
    weights: Matrix
    bias: Matrix
    low: Matrix
    high: Matrix
    smear: Matrix
    prices: Matrix

    @classmethod
    def fit(cls, queries: Queries, costs: Matrix, *, prices: Prices | None = None) -> "CostModel":
        """Fit on recorded `costs` (n, m) in USD."""
        design = Design.fit(queries)
        empty = cls(
            design=design,
            weights=np.zeros((len(design.centre), 0)),
            bias=np.zeros(0),
            low=np.zeros(0),
            high=np.zeros(0),
            smear=np.zeros(0),
            prices=np.zeros((0, 2)),
        )
        return empty.with_models(queries, costs, prices=prices)

    def with_models(
        self, queries: Queries, costs: Matrix, *, prices: Prices | None = None
    ) -> "CostModel":
        """Return this with the models of `costs` (n, m) more; what is kept for the others does not change."""
        priced = _priced(prices, costs.shape[1])
        targets = np.log(_targets(queries, costs, priced))
        rows = self.design.matrix(queries)
        centre, mean = rows.mean(axis=0), targets.mean(axis=0)
        weights = loo_ridge(rows - centre, targets - mean, texts(queries.vectors)).weights
        bias = mean - centre @ weights
        fitted = rows @ weights + bias
        return replace(
            self,
            weights=np.hstack([self.weights, weights]),
            bias=np.append(self.bias, bias),
            low=np.append(self.low, targets.min(axis=0)),
            high=np.append(self.high, targets.max(axis=0)),
            smear=np.append(self.smear, np.exp(targets - fitted).mean(axis=0)),
            prices=np.vstack([self.prices, priced]),
        )

    def predict(self, queries: Queries) -> Matrix:
        """Return the expected cost of each query with each model in USD, (n, m)."""
        expected = self._expected(queries)
        read = input_tokens(queries)[:, None]
        by_price = (self.prices[:, 0] * read + self.prices[:, 1] * expected) / 1e6
        return np.where(np.isnan(by_price), expected, by_price)

    def output_tokens(self, queries: Queries) -> Matrix:
        """Return the expected length of each answer, (n, m); NaN for a model whose price does not tell it."""
        return np.where(self.prices[:, 1] > 0, self._expected(queries), np.nan)

    def _expected(self, queries: Queries) -> Matrix:
        logarithm = self.design.matrix(queries) @ self.weights + self.bias
        expected = np.exp(np.clip(logarithm, self.low, self.high)) * self.smear
        expected = np.minimum(expected, np.exp(self.high))
        free = self.high <= math.log(_LEAST_USD)  # all that was recorded of it cost nothing
        return np.where(free, 0.0, expected)


def input_tokens(queries: Queries) -> Matrix:
    """Return roughly how many tokens each query has, (n,), from its characters."""
    counted: Matrix = np.expm1(queries.surface[:, _LENGTH]) / _CHARACTERS_A_TOKEN
    return counted


def unlikely_prices(queries: Queries, costs: Matrix, prices: Prices) -> list[int]:
    """Return the columns of `costs` (n, m) that cannot have been recorded at `prices`.

    The queries alone would have cost more, or answers would be longer than models answer. Prices that are off by a
    factor of two show in neither.
    """
    priced = _priced(prices, costs.shape[1])
    asked = priced[:, 0] * input_tokens(queries)[:, None] / 1e6
    tokens = _answer_tokens(queries, costs, priced)
    found = []
    for column, cost in enumerate(costs.T):
        paid = cost > 0
        less = (asked[paid, column] > _ROUGH * cost[paid]).mean() if paid.any() else 0.0
        length = np.median(tokens[paid, column]) if paid.any() else 0.0
        if less > _MANY or _LONGEST < length < np.inf:
            found.append(column)
    return found


def _priced(prices: Prices | None, count: int) -> Matrix:
    given = prices if prices is not None else [None] * count
    return np.array([price or (np.nan, np.nan) for price in given], np.float64).reshape(count, 2)


def _targets(queries: Queries, costs: Matrix, priced: Matrix) -> Matrix:
    """Return the tokens of each answer where the price is known and not zero, else the cost in USD.

    A call that was free, as a cached one, counts as the cheapest of its model: a logarithm far from all others would
    bend the regression everywhere.
    """
    tokens = _answer_tokens(queries, costs, priced)
    usable = np.isfinite(tokens)
    paid = np.where(costs > 0, costs, np.inf).min(axis=0, initial=np.inf)
    least = np.where(np.isfinite(paid), np.maximum(paid, _LEAST_USD), _LEAST_USD)
    return np.where(usable, np.maximum(tokens, 1.0), np.maximum(costs, least))


def _answer_tokens(queries: Queries, costs: Matrix, priced: Matrix) -> Matrix:
    """Return how long each answer was by what it cost, (n, m), not finite where no price tells it."""
    read = input_tokens(queries)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        tokens: Matrix = (costs * 1e6 - priced[:, 0] * read) / priced[:, 1]
    return tokens
