"""Measures of a model router, as the field defines them: functions of costs and scores, and of nothing else.

They know no router, no file and no plot. Costs are in USD a query, scores 0 to 1.

Curves are points (cost, score), one for each setting of a router. `area` and `cost_at` follow UniRoute's Area and QNC
(arXiv 2502.08773); AIQ is RouterBench's (arXiv 2403.12031), `apgr` and `cpt` are RouteLLM's (arXiv 2406.18665), `arena`
is RouterArena's (arXiv 2510.00202), each as its published code computes it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "aiq",
    "apgr",
    "area",
    "arena",
    "calibration_error",
    "cost_at",
    "coverage",
    "cpt",
    "recovered",
    "reliability",
    "score_within",
]

Numbers = NDArray[np.float64]

_GRID = 400
ARENA_CHEAPEST_USD, ARENA_DEAREST_USD, ARENA_BETA = 0.0044, 200.0, 0.1
"""Per 1,000 queries."""


def area(costs: Numbers, scores: Numbers, *, cheapest: tuple[float, float], until: float) -> float:
    """Return the mean of the best score so far over costs from the cheapest model's to `until`.

    Args:
        costs: of the points of the curve, (p,).
        scores: of the same points, (p,).
        cheapest: cost and score of always taking the cheapest model; it counts as a point of every curve.
        until: the cost to which to average, as a rule that of the best single model.
    """
    order = np.lexsort((-scores, costs))
    x = np.concatenate([[cheapest[0]], costs[order]])
    y = np.concatenate([[cheapest[1]], scores[order]])
    by_cost = np.argsort(x, kind="stable")
    x, y = x[by_cost], np.maximum.accumulate(y[by_cost])
    return float(np.interp(np.linspace(cheapest[0], until, _GRID), x, y).mean())


def cost_at(costs: Numbers, scores: Numbers, score: float) -> float | None:
    """Return the least cost of a point that scores at least `score`, None where none does (QNC, times its unit)."""
    reached = costs[scores >= score - 1e-12]
    return float(reached.min()) if len(reached) else None


def score_within(costs: Numbers, scores: Numbers, budget: float) -> float | None:
    """Return the highest score of a point that costs at most `budget`, None where none does."""
    affordable = scores[costs <= budget]
    return float(affordable.max()) if len(affordable) else None


def aiq(curves: Mapping[str, tuple[Numbers, Numbers]]) -> dict[str, float]:
    """Return RouterBench's average improvement in quality of each router; it depends on who is compared with whom.

    The non-decreasing convex hull of each curve (a straight segment is a random mixture of two settings) is extended
    flat to the largest cost of all; its area is divided by that cost.
    """
    last = max(float(costs.max()) for costs, _ in curves.values())
    found = {}
    for name, (costs, scores) in curves.items():
        x, y = _hull(costs, scores)
        x, y = np.append(x, last), np.append(y, y[-1])
        found[name] = float(np.trapezoid(y, x) / last) if last else float(y[-1])
    return found


def _hull(costs: Numbers, scores: Numbers) -> tuple[Numbers, Numbers]:
    """Return the upper convex hull from the cheapest to the best point."""
    hull: list[tuple[float, float]] = []
    for x, y in sorted(
        zip(costs.tolist(), scores.tolist(), strict=True), key=lambda p: (p[0], -p[1])
    ):
        if hull and y <= hull[-1][1]:
            continue
        while len(hull) > 1 and _below(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    points = np.array(hull)
    return points[:, 0], points[:, 1]


def _below(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Tell whether b lies on or under the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def recovered(advantage: Numbers, weak: Numbers, strong: Numbers) -> tuple[Numbers, Numbers]:
    """Return the share of calls to the strong model and the part of the gap that it recovers (PGR), (n + 1,) each.

    Args:
        advantage: by how much the strong model is expected to be better, (n,); the highest go to it first, equal ones
            in random order, of which this is the mean.
        weak: the scores of the weak model, (n,).
        strong: the scores of the strong one, (n,).

    Raises:
        ValueError: the strong model does not score more than the weak one.
    """
    gap = float(strong.mean() - weak.mean())
    if gap <= 0:
        raise ValueError(
            f"the strong model scores {-gap:.4f} less than the weak one, expected more"
        )
    _, places, counts = np.unique(-advantage, return_inverse=True, return_counts=True)
    gained = np.repeat(np.bincount(places, strong - weak) / counts, counts)
    part = np.concatenate([[0.0], gained.cumsum()]) / (gap * len(weak))
    return np.linspace(0, 1, len(part)), part


def apgr(shares: Numbers, part: Numbers) -> float:
    """Return the average part of the gap that is recovered over all shares of strong calls; at random it is 0.5."""
    return float(np.trapezoid(part, shares))


def cpt(shares: Numbers, part: Numbers, target: float) -> float:
    """Return the least share of strong calls that recovers `target` of the gap, interpolated."""
    place = int(np.argmax(part >= target - 1e-12))
    if not place:
        return float(shares[0])
    below, above = part[place - 1], part[place]
    way = (target - below) / (above - below)
    return float(shares[place - 1] + way * (shares[place] - shares[place - 1]))


def arena(accuracy: float, cost: float) -> float:
    """Return RouterArena's score of a system: mostly accuracy, and a little of the logarithm of its cost.

    Args:
        accuracy: 0 to 1.
        cost: USD a query; the measure's own anchors are 0.0044 and 200 USD for 1,000 queries.
    """
    thousand = float(np.clip(1000 * cost, ARENA_CHEAPEST_USD, ARENA_DEAREST_USD))
    cheap = np.log2(ARENA_DEAREST_USD / thousand) / np.log2(ARENA_DEAREST_USD / ARENA_CHEAPEST_USD)
    whole = ARENA_BETA * accuracy + cheap
    return float((1 + ARENA_BETA) * accuracy * cheap / whole) if whole else 0.0


def reliability(
    predicted: Numbers, observed: Numbers, *, bins: int = 15
) -> tuple[Numbers, Numbers, Numbers]:
    """Return mean prediction, mean outcome and count of each bin of predictions that has any; bins are equally wide."""
    place = np.clip((predicted.ravel() * bins).astype(int), 0, bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.float64)
    filled = counts > 0
    sums = [np.bincount(place, values.ravel(), bins)[filled] for values in (predicted, observed)]
    return sums[0] / counts[filled], sums[1] / counts[filled], counts[filled]


def calibration_error(predicted: Numbers, observed: Numbers, *, bins: int = 15) -> float:
    """Return the expected calibration error (Naeini et al., 2015): the mean gap of prediction and outcome over bins."""
    said, happened, counts = reliability(predicted, observed, bins=bins)
    return float((np.abs(said - happened) * counts).sum() / counts.sum())


def coverage(
    predicted: Numbers,
    deviation: Numbers,
    observed: Numbers,
    groups: NDArray[np.intp],
    *,
    quantile: float,
) -> float:
    """Return how often a group's mean score lies in its predicted interval.

    A single outcome tells nothing of the error of its expectation, the mean of a group does. The interval is
    `quantile` times the root of the mean squared deviation, as if all errors in a group were one, plus the variance of
    the group's mean under the predicted chances (for graded scores an upper bound).

    Args:
        predicted: (n, m) in 0..1.
        deviation: (n, m).
        observed: (n, m).
        groups: the number of each query's group, (n,).
        quantile: of the standard normal distribution, 1.645 for nine in ten.
    """
    held: list[NDArray[np.bool_]] = []
    for group in np.unique(groups):
        rows = groups == group
        chance = (predicted[rows] * (1 - predicted[rows])).mean(axis=0) / rows.sum()
        width = quantile * np.sqrt((deviation[rows] ** 2).mean(axis=0) + chance)
        gap = np.abs(predicted[rows].mean(axis=0) - observed[rows].mean(axis=0))
        held.append(gap <= width)
    return float(np.mean(held))
