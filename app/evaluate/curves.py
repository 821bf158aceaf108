"""From predictions to curves: what each router would have scored and cost on each query, at each of its settings.

All estimators are under one rule, quality - weight * predicted cost, at the same weights; `MoMA` is the default
estimator under MoMA's own rule, at preferences from 0 to 1. `zero` and the label reference see no query and use mean
costs. It knows no estimator, only what was predicted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.evaluate.compared import COMBINED, ZERO
from app.evaluate.held_out import ALPHAS, HeldOut
from graphs.routing.choice import closeness
from graphs.routing.estimators.base import Matrix

__all__ = [
    "AVENGERS_RULE",
    "BEST",
    "CHEAPEST",
    "LABEL",
    "MOMA",
    "ORACLE",
    "RANDOM",
    "Curve",
    "curves",
]

MOMA = "MoMA"
AVENGERS_RULE = "Avengers-Pro, own rule"
LABEL = "label reference"
RANDOM = "random mix"
"""The best single model for a random share of the queries, the cheapest for the rest."""
BEST, CHEAPEST, ORACLE = "best single", "cheapest single", "oracle"

PREFERENCES = tuple(np.linspace(0, 1, 21).round(2).tolist())
_WEIGHTS = np.concatenate([[0.0], np.geomspace(1e-3, 50, 80)])
"""Of cost beside quality, in units of what the dearest model costs on average."""
_SHARES = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What a router scores and costs (n, p) on n queries at its p `settings`."""

    settings: tuple[float, ...]
    scores: Matrix
    costs: Matrix

    @classmethod
    def mean(cls, curves: Sequence["Curve"]) -> "Curve":
        """Return the mean of curves over the same queries and settings."""
        return cls(
            settings=curves[0].settings,
            scores=np.mean([curve.scores for curve in curves], axis=0),
            costs=np.mean([curve.costs for curve in curves], axis=0),
        )


def curves(held_out: HeldOut) -> dict[str, Curve]:
    """Return the curve of each router; what is no more than a point has one setting."""
    mean_costs = held_out.mean_costs
    found: dict[str, Curve] = {}
    for name, (mean, _) in held_out.estimates.items():
        found[name] = _weighed(held_out, mean, mean_costs if name == ZERO else held_out.costs)
        if name == COMBINED:
            chosen = _swept(PREFERENCES, _by_preference(mean, held_out.costs))
            found = {MOMA: _taken(held_out, PREFERENCES, chosen), **found}
    if held_out.avengers is not None:
        found[AVENGERS_RULE] = _taken(held_out, ALPHAS, held_out.avengers)
    found[LABEL] = _weighed(held_out, held_out.label, mean_costs)
    return found | _references(held_out)


def _references(held_out: HeldOut) -> dict[str, Curve]:
    scores, costs = held_out.recorded.training.scores, held_out.recorded.costs
    n = len(scores)
    best = _taken(held_out, (0.0,), held_out.best[:, None])
    cheapest = _taken(held_out, (0.0,), np.full((n, 1), costs.mean(axis=0).argmin()))
    # Of the models with the best score on a query the cheapest.
    oracle = np.lexsort((costs, -scores), axis=1)[:, :1]
    mix = Curve(
        settings=tuple(_SHARES.tolist()),
        scores=cheapest.scores + _SHARES * (best.scores - cheapest.scores),
        costs=cheapest.costs + _SHARES * (best.costs - cheapest.costs),
    )
    return {
        RANDOM: mix,
        BEST: best,
        CHEAPEST: cheapest,
        ORACLE: _taken(held_out, (0.0,), oracle),
    }


def _weighed(held_out: HeldOut, quality: Matrix, costs: Matrix) -> Curve:
    unit = held_out.mean_costs.mean(axis=0).max()
    weights = tuple((_WEIGHTS / (unit or 1.0)).tolist())
    return _taken(held_out, weights, _swept(weights, lambda weight: quality - weight * costs))


def _by_preference(quality: Matrix, costs: Matrix) -> Callable[[float], Matrix]:
    return lambda preference: closeness(quality, costs, preference)


def _swept(settings: Iterable[float], merit: Callable[[float], Matrix]) -> NDArray[np.intp]:
    """Return the column of the highest merit (n, m) at each setting, (n, p)."""
    return np.stack([merit(setting).argmax(axis=1) for setting in settings], axis=1)


def _taken(held_out: HeldOut, settings: tuple[float, ...], chosen: NDArray[np.intp]) -> Curve:
    return Curve(
        settings=settings,
        scores=np.take_along_axis(held_out.recorded.training.scores, chosen, axis=1),
        costs=np.take_along_axis(held_out.recorded.costs, chosen, axis=1),
    )
