"""Learned heads, each fitted without one part of the rows; their mean is the estimate.

The strength of a penalty, the rank or the width is the one whose heads predict the parts left out best, by squared
error; those heads are kept, so that the choice costs no further fit. The deviation is that of the delete-a-group
jackknife (Quenouille, 1956; Kott, 2001) and at least the standard error of a mean over all rows. It knows no form of
head and not the bias that all of them share.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Rows, Training, text_splits
from graphs.routing.estimators.design import Design

__all__ = ["CrossFitted", "Examples", "Head", "sigmoid"]

_PARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What a head is fitted on: `rows` (n, d) of the design and `scores` (n, m)."""

    rows: Matrix
    scores: Matrix

    def take(self, rows: Rows) -> "Examples":
        """Return the examples of `rows`."""
        return Examples(rows=self.rows[rows], scores=self.scores[rows])


class Head(Protocol):
    """Maps rows of the design (n, d) to expected scores (n, m)."""

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFitted(ABC):
    """One head for each part of the rows that was left out; `floor` (m,) is the least deviation."""

    design: Design
    heads: tuple[Head, ...]
    floor: Matrix

    @classmethod
    @abstractmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return a head for each setting, always in the same order; `held` may stop an optimiser early."""

    @classmethod
    def fit(cls, training: Training) -> Self:
        """Choose the setting and keep its heads."""
        design = Design.fit(training.queries)
        examples = Examples(rows=design.matrix(training.queries), scores=training.scores)
        n = len(training)
        parts = text_splits(training.queries.vectors, _PARTS)
        tried, errors = [], []
        for fitted, held in parts:
            out = examples.take(held)
            heads = cls.candidates(examples.take(fitted), out)
            tried.append(heads)
            errors.append([float(((head(out.rows) - out.scores) ** 2).sum()) for head in heads])
        best = int(np.sum(errors, axis=0).argmin())
        smoothed = (training.scores.sum(axis=0) + 1) / (n + 2)
        floor = np.sqrt(smoothed * (1 - smoothed) / n)
        return cls(design=design, heads=tuple(heads[best] for heads in tried), floor=floor)

    def predict(self, queries: Queries) -> Estimate:
        """Return the mean over the heads, and how far one of fewer rows would move it."""
        rows = self.design.matrix(queries)
        means = np.stack([head(rows) for head in self.heads])
        spread = np.sqrt(max(len(means) - 1, 0)) * means.std(axis=0)
        return Estimate(means.mean(axis=0), np.maximum(spread, self.floor))


def sigmoid(logits: Matrix) -> Matrix:
    """Return 1 / (1 + exp(-x)) without overflow."""
    value: Matrix = 0.5 * (1 + np.tanh(0.5 * logits))
    return value
