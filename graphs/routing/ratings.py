"""One number a model from comparisons: Bradley-Terry by maximum likelihood, and Elo. They know no query.

Bradley & Terry (1952) with a same as half a win, and a small normal prior, so that a model that always wins has a
finite rating. Elo (1978) depends on the order of the comparisons: the mean over shuffles is given. Both are in points
of Elo, 400 for odds of ten to one, with mean 1000. The intervals are of a bootstrap over queries, since comparisons on
one query are not independent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.preferences import Pairs

__all__ = ["Rated", "bradley_terry", "elo"]

Matrix = NDArray[np.float64]
POINTS = 400 / np.log(10)
"""Of Elo in a logit."""
_MEAN, _K = 1000.0, 16.0
_PRIOR = 0.04
"""The precision of the prior: a standard deviation of five logits, 870 points."""
_LEVEL = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """`rating` (m,) in points, the ends of its 95 % interval, and `error` (m,), one standard error."""

    rating: Matrix
    low: Matrix
    high: Matrix
    error: Matrix


def bradley_terry(pairs: Pairs, *, draws: int = 200, seed: int = 0) -> Rated:
    """Return the ratings; the standard error is that of the curvature, as if comparisons were independent."""
    rating, covariance = _strengths(pairs)
    random = np.random.default_rng(seed)
    drawn = [_strengths(pairs.take(pairs.resampled(random)))[0] for _ in range(draws)]
    low, high = np.quantile(np.array([*drawn, rating]), _LEVEL, axis=0)
    return Rated(
        rating=_MEAN + POINTS * rating,
        low=_MEAN + POINTS * low,
        high=_MEAN + POINTS * high,
        error=POINTS * np.sqrt(np.diagonal(covariance)),
    )


def elo(pairs: Pairs, *, shuffles: int = 50, draws: int = 200, seed: int = 0) -> Rated:
    """Return the mean of the final ratings over shuffled orders; the standard error is that over the bootstrap."""
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(pairs)) for _ in range(shuffles)]
    resampled = [random.permutation(pairs.resampled(random)) for _ in range(draws)]
    rating = _played(pairs, orders).mean(axis=0)
    drawn = _played(pairs, resampled)
    low, high = np.quantile(drawn, _LEVEL, axis=0)
    return Rated(rating=rating, low=low, high=high, error=drawn.std(axis=0))


def _strengths(pairs: Pairs) -> tuple[Matrix, Matrix]:
    """Return strengths (m,) of sum 0 in logits and their covariance (m, m), by Newton's method."""
    m, won = pairs.models, 0.5 * (1 + np.sign(pairs.margin))
    strength = np.zeros(m)
    curvature = _PRIOR * np.eye(m)
    for _ in range(50):
        chance = 0.5 * (1 + np.tanh(0.5 * (strength[pairs.first] - strength[pairs.second])))
        miss, curve = won - chance, chance * (1 - chance)
        gradient = (
            np.bincount(pairs.first, miss, m)
            - np.bincount(pairs.second, miss, m)
            - _PRIOR * strength
        )
        curvature = _PRIOR * np.eye(m)
        np.add.at(curvature, (pairs.first, pairs.first), curve)
        np.add.at(curvature, (pairs.second, pairs.second), curve)
        np.add.at(curvature, (pairs.first, pairs.second), -curve)
        np.add.at(curvature, (pairs.second, pairs.first), -curve)
        step = np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        strength += step
        if np.abs(step).max() < 1e-9:
            break
    centring = np.eye(m) - 1 / m
    return strength - strength.mean(), centring @ np.linalg.inv(curvature) @ centring


def _played(pairs: Pairs, orders: list[NDArray[np.intp]]) -> Matrix:
    """Return the final ratings of each order of play, (orders, m), all orders in step."""
    longest = max((len(order) for order in orders), default=0)
    rows = np.full((len(orders), longest), -1)
    for place, order in enumerate(orders):
        rows[place, : len(order)] = order
    won = 0.5 * (1 + np.sign(pairs.margin))
    rating = np.full((len(orders), pairs.models), _MEAN)
    every = np.arange(len(orders))
    for now in rows.T:
        first, second = pairs.first[now], pairs.second[now]
        ahead = (rating[every, first] - rating[every, second]) / POINTS
        move = _K * (won[now] - 0.5 * (1 + np.tanh(0.5 * ahead)))
        move[now < 0] = 0  # this order is at its end
        rating[every, first] += move
        rating[every, second] -= move
    return rating
