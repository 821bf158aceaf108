"""The measures of each curve, and how sure they are: paired bootstrap over queries (Efron & Tibshirani, 1993).

A draw takes the same queries for every router, so that differences between routers are surer than each alone. It knows
no estimator. What it does not tell: how a router would do on other models or other kinds of query.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.evaluate.curves import BEST, CHEAPEST, ORACLE, Curve
from app.evaluate.metrics import area, arena, cost_at, score_within
from graphs.routing.estimators.base import Matrix

__all__ = ["BOOTSTRAPPED", "Interval", "Measures", "bootstrapped", "interval", "measures", "paired"]

Measures = dict[str, float | None]
BOOTSTRAPPED = ("area", "cost_at_best_single", "max_score")
_LEVEL = (0.025, 0.975)
_SHARES = (0.1, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of the draws; None where that end is out of reach (a score that is not attained)."""

    low: float | None
    high: float | None


def measures(curve: Curve, references: Mapping[str, Curve]) -> Measures:
    """Return all measures of a curve; costs are relative to the best single model's."""
    every = np.full((1, len(curve.scores)), 1 / len(curve.scores))
    costs, scores = (every @ curve.costs)[0], (every @ curve.scores)[0]
    best, cheapest, oracle = (_point(every, references[n]) for n in (BEST, CHEAPEST, ORACLE))
    found = _measured(costs, scores, best=best[0], cheapest=cheapest[0])
    unit = best[0][0]
    within = {
        f"score_at_{share:.0%}".rstrip("%"): score_within(costs, scores, share * unit)
        for share in _SHARES
    }
    highest = float(scores.max())
    return {
        **found,
        **within,
        "gain_over_best_single": highest / best[0][1] - 1 if best[0][1] else None,
        "gap_to_oracle": 1 - highest / oracle[0][1] if oracle[0][1] else None,
        "arena": max(arena(s, c) for s, c in zip(scores, costs, strict=True)),
    }


def bootstrapped(
    curves: Mapping[str, Curve], *, draws: int = 400, seed: int = 0
) -> dict[str, dict[str, Matrix]]:
    """Return for each router each of `BOOTSTRAPPED` in every draw, (draws,); infinite where not attained."""
    n = len(curves[BEST].scores)
    random = np.random.default_rng(seed)
    weights = random.multinomial(n, np.full(n, 1 / n), size=draws) / n
    best, cheapest = (_point(weights, curves[name]) for name in (BEST, CHEAPEST))
    found: dict[str, dict[str, Matrix]] = {}
    for name, curve in curves.items():
        costs, scores = weights @ curve.costs, weights @ curve.scores
        drawn = [
            _measured(costs[d], scores[d], best=best[d], cheapest=cheapest[d]) for d in range(draws)
        ]
        found[name] = {
            key: np.array([np.inf if one[key] is None else one[key] for one in drawn], np.float64)
            for key in BOOTSTRAPPED
        }
    return found


def interval(values: Matrix) -> Interval:
    """Return the middle 95 % of drawn values, which may be infinite."""
    low, high = np.quantile(values, _LEVEL, method="inverted_cdf").tolist()
    return Interval(*(end if np.isfinite(end) else None for end in (low, high)))


def paired(ours: Matrix, theirs: Matrix) -> tuple[Interval, float]:
    """Return the interval of ours - theirs, draw by draw, and the share of draws in which ours is higher."""
    return interval(ours - theirs), float((ours > theirs).mean())


def _point(weights: Matrix, curve: Curve) -> list[tuple[float, float]]:
    """Return cost and score of a curve of one setting in each draw."""
    pairs = zip((weights @ curve.costs)[:, 0], (weights @ curve.scores)[:, 0], strict=True)
    return [(float(cost), float(score)) for cost, score in pairs]


def _measured(
    costs: Matrix, scores: Matrix, *, best: tuple[float, float], cheapest: tuple[float, float]
) -> Measures:
    reached = cost_at(costs, scores, best[1])
    return {
        "area": area(costs, scores, cheapest=cheapest, until=best[0]),
        "cost_at_best_single": None if reached is None else reached / best[0] if best[0] else 1.0,
        "max_score": float(scores.max()),
    }
