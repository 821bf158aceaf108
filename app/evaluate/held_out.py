"""Predictions for rows that what predicts them was not fitted on, by repeated cross-validation.

It knows no rule of choice but Avengers-Pro's own, which needs what its estimator has learnt. Nothing is tuned on the
rows that it predicts.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.evaluate.compared import ESTIMATORS, FitWithCosts
from graphs.routing.costs import CostModel
from graphs.routing.estimators.avengers import AvengersPro
from graphs.routing.estimators.base import (
    UNKNOWN_DOMAIN,
    Estimate,
    Estimator,
    Matrix,
    Rows,
    Training,
    splits,
)

__all__ = ["ALPHAS", "HeldOut", "Recorded", "Said", "cross_validated", "text_splits"]

ALPHAS = tuple(np.linspace(0, 1, 21).tolist())
"""The weights of performance that Avengers-Pro's own rule is run at."""

Said = Callable[[str], None]
"""Takes a line about how far the work is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Recorded outcomes: `training` of n queries and m `models`, and `costs` (n, m) in USD."""

    training: Training
    costs: Matrix
    models: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.training)

    def take(self, rows: Rows) -> "Recorded":
        """Return the queries of `rows`."""
        return replace(self, training=self.training.take(rows), costs=self.costs[rows])

    def only(self, columns: Rows) -> "Recorded":
        """Return the models of `columns`."""
        return Recorded(
            training=replace(self.training, scores=self.training.scores[:, columns]),
            costs=self.costs[:, columns],
            models=tuple(self.models[column] for column in columns),
        )


@dataclass(slots=True, kw_only=True)
class HeldOut:
    """What was predicted for the queries of `recorded`, each by what was fitted without it; filled fold by fold."""

    recorded: Recorded
    costs: Matrix
    """Predicted for each query and model, (n, m) in USD."""
    mean_costs: Matrix
    """What each model cost on average where it was fitted, (n, m) in USD."""
    label: Matrix
    """What each model scored on the query's data set where it was fitted, (n, m); no router is told the data set."""
    best: NDArray[np.intp]
    """The model that scored best where it was fitted, (n,)."""
    estimates: dict[str, Estimate] = field(default_factory=dict)
    avengers: NDArray[np.intp] | None = None
    """The models that Avengers-Pro's own rule chooses at each of `ALPHAS`, (n, alphas)."""
    seconds: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """For each estimator the times to fit and to predict a query, a pair for each fold."""

    @classmethod
    def empty(cls, recorded: Recorded) -> "HeldOut":
        """Return it for `recorded`, with nothing predicted."""
        shape = recorded.costs.shape
        return cls(
            recorded=recorded,
            costs=np.empty(shape),
            mean_costs=np.empty(shape),
            label=np.empty(shape),
            best=np.empty(len(recorded), np.intp),
        )

    def references(self, fitted: Recorded, rows: Rows) -> None:
        """Enter for `rows` what needs no estimator of quality."""
        held = self.recorded.take(rows).training
        costs = CostModel.fit(fitted.training.queries, fitted.costs)
        self.costs[rows] = costs.predict(held.queries)
        self.mean_costs[rows] = fitted.costs.mean(axis=0)
        self.label[rows] = _label_scores(fitted.training, held)
        self.best[rows] = fitted.training.scores.mean(axis=0).argmax()

    def estimate(
        self, name: str, rows: Rows, fit: Callable[[], Estimator], columns: slice = slice(None)
    ) -> Estimator:
        """Fit the estimator, enter for `rows` what it predicts of the models of its `columns`, and return it."""
        started = time.perf_counter()
        estimator = fit()
        fitted = time.perf_counter()
        estimate = estimator.predict(self.recorded.training.queries.take(rows))
        ended = time.perf_counter()
        shape = self.costs.shape
        mean, deviation = self.estimates.setdefault(
            name, Estimate(np.empty(shape), np.empty(shape))
        )
        mean[rows], deviation[rows] = (part[:, columns] for part in estimate)
        times = (fitted - started, (ended - fitted) / max(len(rows), 1))
        self.seconds.setdefault(name, []).append(times)
        return estimator

    def own_rule(self, estimator: Estimator, fitted: Recorded, rows: Rows) -> None:
        """Enter for `rows` the choices of Avengers-Pro, if it is the estimator."""
        if not isinstance(estimator, AvengersPro):
            return
        costs = estimator.costs(fitted.training.queries, fitted.costs)
        queries = self.recorded.training.queries.take(rows)
        if self.avengers is None:
            self.avengers = np.empty((len(self.recorded), len(ALPHAS)), np.intp)
        for place, alpha in enumerate(ALPHAS):
            self.avengers[rows, place] = estimator.decide(queries, costs, performance=alpha)


def cross_validated(
    recorded: Recorded,
    *,
    folds: int,
    repeats: int,
    say: Said,
    estimators: Mapping[str, FitWithCosts] = ESTIMATORS,
) -> Iterator[HeldOut]:
    """Yield for each repeat the predictions for all rows, by fits on the other folds; no text is in two of them."""
    for repeat in range(repeats):
        held_out = HeldOut.empty(recorded)
        for fold, (kept, rows) in enumerate(text_splits(recorded, folds, seed=1 + repeat), 1):
            fitted = recorded.take(kept)
            held_out.references(fitted, rows)
            for name, fit in estimators.items():
                say(f"repeat {repeat + 1} of {repeats}, fold {fold} of {folds}: {name}")
                estimator = held_out.estimate(
                    name, rows, partial(fit, fitted.training, fitted.costs)
                )
                held_out.own_rule(estimator, fitted, rows)
        yield held_out


def text_splits(recorded: Recorded, folds: int, *, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield (rows to fit on, rows held out), the rows of a repeated text on one side."""
    _, text = np.unique(recorded.training.queries.vectors, axis=0, return_inverse=True)
    for _, held in splits(int(text.max()) + 1, folds, seed=seed):
        mine = np.isin(text, held)
        yield np.flatnonzero(~mine), np.flatnonzero(mine)


def _label_scores(fitted: Training, held: Training) -> Matrix:
    scores = np.tile(fitted.scores.mean(axis=0), (len(held), 1))
    for domain in np.unique(fitted.domains[fitted.domains != UNKNOWN_DOMAIN]):
        scores[held.domains == domain] = fitted.scores[fitted.domains == domain].mean(axis=0)
    return scores
