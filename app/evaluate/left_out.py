"""Predictions for models that were left out of training: UniRoute's protocol (arXiv 2502.08773, section 6).

A third of the models, at least two, is left out at random, and three in ten of the queries are held out. The new models
are known by some hundred of the other queries alone: an estimator that can take a model in is fitted on the old models
and extended, any other is fitted anew on those few rows. It knows no rule of choice.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Protocol, Self, runtime_checkable

import numpy as np

from app.evaluate.compared import COMBINED, ESTIMATORS, FitWithCosts
from app.evaluate.held_out import HeldOut, Recorded, Said
from graphs.routing.estimators.base import Estimate, Estimator, Queries, Training

__all__ = ["CLAIRVOYANT", "known_by", "left_out"]

CLAIRVOYANT = "clairvoyant"
"""The default estimator, fitted on the new models with all the rows."""
_HELD = 0.3


@runtime_checkable
class Extensible(Protocol):
    """An estimator that takes in a model without touching the others."""

    def predict(self, queries: Queries, /) -> Estimate:
        """Return the estimate for `queries`."""
        ...

    def with_model(self, training: Training, /) -> Self:
        """Return the estimator with one model more, from scores (n, 1)."""
        ...


def left_out(
    recorded: Recorded,
    *,
    trials: int,
    labelled: int,
    say: Said,
    estimators: Mapping[str, FitWithCosts] = ESTIMATORS,
) -> Iterator[HeldOut]:
    """Yield for each trial what is predicted of the models left out, for the held-out queries.

    Args:
        recorded: three models or more.
        trials: how often models and queries are drawn.
        labelled: how many queries the new models are known by.
        say: is told how far the work is.
        estimators: by name.
    """
    n, m = len(recorded), len(recorded.models)
    count = max(2, round(m / 3))
    for trial in range(trials):
        random = np.random.default_rng(trial)
        order, columns = random.permutation(n), random.permutation(m)
        new, old = np.sort(columns[:count]), np.sort(columns[count:])
        held, kept = np.sort(order[: round(_HELD * n)]), order[round(_HELD * n) :]
        seen = recorded.take(np.sort(kept))
        few = recorded.take(np.sort(kept[: known_by(n, labelled)])).only(new)
        rows = np.arange(len(held))
        held_out = HeldOut.empty(recorded.take(held).only(new))
        held_out.references(few, rows)
        added = slice(-count, None)
        for name, fit in estimators.items():
            say(f"models left out, trial {trial + 1} of {trials}: {name}")
            held_out.estimate(name, rows, partial(_extended, fit, seen.only(old), few), added)
        known = seen.only(new)
        clairvoyant = partial(ESTIMATORS[COMBINED], known.training, known.costs)
        held_out.estimate(CLAIRVOYANT, rows, clairvoyant, added)
        yield held_out


def known_by(rows: int, labelled: int) -> int:
    """Return by how many queries new models are known where `rows` were recorded and `labelled` are wanted."""
    return min(labelled, rows - round(_HELD * rows))


def _extended(fit: FitWithCosts, old: Recorded, few: Recorded) -> Estimator:
    estimator = fit(old.training, old.costs)
    if not isinstance(estimator, Extensible):
        return fit(few.training, few.costs)
    for column in range(len(few.models)):
        estimator = estimator.with_model(few.only(np.array([column])).training)
    return estimator
