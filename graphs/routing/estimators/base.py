"""What every estimator of quality is given and gives. It knows no estimator, no price and no file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Estimate",
    "Estimator",
    "Fit",
    "Queries",
    "Training",
    "out_of_fold",
    "splits",
    "text_splits",
    "texts",
]

Matrix = NDArray[np.float64]
Rows = NDArray[np.intp]
UNKNOWN_DOMAIN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Queries as the estimators see them.

    `vectors` (n, d) are unit rows, `surface` (n, f) is in natural units, `words` (n, w) counts words by bucket; None
    where they were not counted.
    """

    vectors: NDArray[np.float32]
    surface: Matrix
    words: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: Rows) -> "Queries":
        """Return the queries of `rows`."""
        words = None if self.words is None else self.words[rows]
        return Queries(vectors=self.vectors[rows], surface=self.surface[rows], words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Recorded outcomes: `scores` (n, m) in 0..1 of m models on n queries.

    `domains` (n,) numbers the data set that each query came from, `UNKNOWN_DOMAIN` where none is recorded. A router is
    never told the domain of a query that it routes.
    """

    queries: Queries
    scores: Matrix
    domains: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: Rows) -> "Training":
        """Return the outcomes of `rows`."""
        return replace(
            self,
            queries=self.queries.take(rows),
            scores=self.scores[rows],
            domains=self.domains[rows],
        )


class Estimate(NamedTuple):
    """What is expected of each model on each query."""

    mean: Matrix
    """The expected score, (n, m) in 0..1."""
    deviation: Matrix
    """One standard deviation of the error of `mean`, (n, m); not that of a single outcome."""


class Estimator(Protocol):
    """Predicts the quality of the models that it was fitted on."""

    def predict(self, queries: Queries, /) -> Estimate:
        """Return the estimate for `queries`."""
        ...


Fit = Callable[[Training], Estimator]
"""Fits an estimator; equal outcomes give an equal one."""


def splits(n: int, folds: int, *, seed: int = 0) -> Iterator[tuple[Rows, Rows]]:
    """Yield (rows to fit on, rows held out) for each of `folds` parts of `n` shuffled rows."""
    order = np.random.default_rng(seed).permutation(n)
    for fold in range(folds):
        held = np.sort(order[fold::folds])
        yield np.setdiff1d(order, held), held


def texts(rows: NDArray[Any]) -> Rows:
    """Return the number of the text of each of `rows` (n, d), (n,): equal rows are one text, numbered as they come."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], np.intp)


def text_splits(rows: NDArray[Any], folds: int, *, seed: int = 0) -> list[tuple[Rows, Rows]]:
    """Return (rows to fit on, rows held out) for each of at most `folds` parts; equal `rows` (n, d) are in one.

    A text that was recorded several times would else be known to the fit that it is held out from. Where there is only
    one text, all rows are both.
    """
    text = texts(rows)
    count = int(text.max(initial=-1)) + 1
    if count < 2:
        return [(np.arange(len(rows)), np.arange(len(rows)))]
    parts = (np.isin(text, held) for _, held in splits(count, min(folds, count), seed=seed))
    return [(np.flatnonzero(~mine), np.flatnonzero(mine)) for mine in parts]


def out_of_fold(fit: Fit, training: Training, *, folds: int = 5, seed: int = 0) -> Estimate:
    """Return the estimate (n, m) for each row by an estimator that was not fitted on its text."""
    mean, deviation = np.empty_like(training.scores), np.empty_like(training.scores)
    for fitted, held in text_splits(training.queries.vectors, folds, seed=seed):
        estimator = fit(training.take(fitted))
        mean[held], deviation[held] = estimator.predict(training.queries.take(held))
    return Estimate(mean, deviation)
