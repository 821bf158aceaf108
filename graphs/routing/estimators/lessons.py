"""What a head is taught by: scores of models on queries, and pairs of answers that a judge compared.

A row may have either or both. The loss is the negative log likelihood of all labels: a score counts as a share of
successes under the logistic function, a comparison under the ordinal logit. With scores the logits are anchored, and
how strongly a lead in them shows in a comparison is learnt; without, only leads are told, and the logits of a query
are free up to a constant. It knows no head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators import ordinal
from graphs.routing.estimators.adam import Array
from graphs.routing.estimators.base import Matrix, Rows
from graphs.routing.estimators.lbfgs import minimise
from graphs.routing.preferences import Pairs

__all__ = ["Lessons"]

Floats = NDArray[np.floating]
_PRIOR = 1.0
"""The precision of the normal prior of an overall logit: a model that always wins has a finite one."""


@dataclass(
    frozen=True, kw_only=True
)  # no slots: what is read again and again is kept on the object
class Lessons:
    """`rows` (n, d) of the design, `scores` (n, m), NaN where a row has none, and maybe `pairs` on the n rows."""

    rows: Array
    scores: Matrix
    pairs: Pairs | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Rows) -> "Lessons":
        """Return the lessons of `rows`, numbered from 0."""
        pairs = None if self.pairs is None else self.pairs.of_queries(rows)
        return Lessons(rows=self.rows[rows], scores=self.scores[rows], pairs=pairs)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Whether a row has scores, (n,)."""
        return np.asarray(np.isfinite(self.scores).all(axis=1))

    @property
    def anchored(self) -> bool:
        """Whether any row has scores."""
        return bool(self.scored.any())

    def start(self) -> tuple[Array, list[Array]]:
        """Return the overall logit of each model (m,), and the parameters that judging adds: steps and log slope.

        They are those with the least loss where nothing is known of a query.
        """
        overall = np.zeros(self.scores.shape[1])
        if self.anchored:
            mean = np.clip(self.scores[self.scored].mean(axis=0), 0.01, 0.99)
            overall = np.log(mean / (1 - mean))
        if self.pairs is None:
            return overall.astype(np.float32), []

        def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
            levels, *judging = parameters
            logits = np.tile(levels, (len(self), 1))
            value, slope, by_judging = self.loss(logits, judging)
            prior = _PRIOR / len(logits)
            value += prior * float((levels**2).sum()) / 2
            return value, [slope.sum(axis=0) + prior * levels, *by_judging]

        found = minimise(loss, [overall, ordinal.start_of(self.pairs.margin), np.zeros(1)])
        levels, *judging = (array.astype(np.float32) for array in found)
        return levels, judging

    def loss(self, logits: Floats, judging: Sequence[Floats]) -> tuple[float, Any, list[Any]]:
        """Return the mean over the labels, its slope in the logits (n, m), and that in what judging adds."""
        labels = int(self.scored.sum()) * logits.shape[1]
        labels += 0 if self.pairs is None else len(self.pairs)
        slope = np.zeros_like(logits)
        total, by_judging = 0.0, [np.zeros_like(array) for array in judging]
        if self.anchored:
            z, truth = logits[self.scored], self.scores[self.scored]
            total += float((np.logaddexp(0, z) - truth * z).sum())
            slope[self.scored] = 0.5 * (1 + np.tanh(0.5 * z)) - truth
        if self.pairs is not None and len(self.pairs):
            p, (free, log_slope) = self.pairs, judging
            strength = np.exp(log_slope[0])
            lead = logits[p.query, p.first] - logits[p.query, p.second]
            losses, by_lead, by_free = ordinal.loss(strength * lead, p.margin, free)
            total += float(losses.sum())
            np.add.at(slope, (p.query, p.first), strength * by_lead)
            np.add.at(slope, (p.query, p.second), -strength * by_lead)
            # Without scores the strength is no more than the unit of the logits.
            by_log = float((by_lead * lead).sum()) * strength if self.anchored else 0.0
            by_judging = [by_free.sum(axis=0), np.array([by_log])]
        count = np.asarray(max(labels, 1), logits.dtype)
        return (
            total / max(labels, 1),
            slope / count,
            [array / count for array in by_judging],
        )
