"""What a head is taught by: scores of models on queries, and pairs of answers that a judge compared.

A row may have either or both. The loss is the negative log likelihood of all labels: a score counts as a share of
successes under the logistic function, a comparison under the ordinal logit. With scores the logits are anchored, and
how strongly a lead in them shows in a comparison is learnt; without, only leads are told, and the logits of a query
are free up to a constant. It knows no head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """`rows` (n, d) of the design, `scores` (n, m) of those rows that are `scored` (n,), and maybe `pairs` on them."""

    rows: Array
    scores: Array
    scored: NDArray[np.bool_]
    pairs: Pairs | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Rows) -> "Lessons":
        """Return the lessons of `rows`, numbered from 0."""
        return Lessons(
            rows=self.rows[rows],
            scores=self.scores[rows],
            scored=self.scored[rows],
            pairs=None if self.pairs is None else self.pairs.of_queries(rows),
        )

    @property
    def anchored(self) -> bool:
        """Whether any row has scores."""
        return bool(self.scored.any())

    @property
    def labels(self) -> int:
        """How many scores and pairs there are, 1 at least."""
        scores: int = np.count_nonzero(self.scored) * self.scores.shape[1]
        return max(scores + (0 if self.pairs is None else len(self.pairs)), 1)

    def start(self) -> tuple[Array, list[Array]]:
        """Return the overall logit of each model (m,), and the parameters that judging adds: steps and log strength.

        They are those with the least loss where nothing is known of a query.
        """
        overall = np.zeros(self.scores.shape[1])
        if self.anchored:
            mean = np.clip(self.scores[self.scored].mean(axis=0, dtype=np.float64), 0.01, 0.99)
            overall = np.log(mean / (1 - mean))
        if self.pairs is None:
            return overall.astype(np.float32), []

        def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
            levels, *judging = parameters
            logits = np.tile(levels, (len(self), 1))
            slope, by_judging = self.slopes(logits, judging)
            prior = _PRIOR / self.labels
            value = self.loss(logits, judging) + prior * float((levels**2).sum()) / 2
            return value, [slope.sum(axis=0) + prior * levels, *by_judging]

        found = minimise(loss, [overall, ordinal.start_of(self.pairs.margin), np.zeros(1)])
        levels, *judging = (array.astype(np.float32) for array in found)
        return levels, judging

    def loss(self, logits: Floats, judging: Sequence[Floats]) -> float:
        """Return the mean loss over the labels for logits (n, m)."""
        z, truth = logits[self.scored], self.scores[self.scored]
        total = float((np.logaddexp(0, z) - truth * z).sum(dtype=np.float64))
        if self.pairs is not None:
            lead = self._lead(logits, self.pairs)
            free, log_strength = judging
            found = ordinal.loss(np.exp(log_strength[0]) * lead, self.pairs.margin, free)
            total += float(found.value.sum())
        return total / self.labels

    def slopes(self, logits: Floats, judging: Sequence[Floats]) -> tuple[Any, list[Any]]:
        """Return the slope of `loss` in the logits, (n, m), and in what judging adds."""
        count = np.asarray(self.labels, logits.dtype)
        scored = self.scored[:, None]
        slope = np.where(scored, 0.5 * (1 + np.tanh(0.5 * logits)) - self.scores, 0) / count
        if self.pairs is None:
            return slope, []
        p, (free, log_strength) = self.pairs, judging
        strength = np.exp(log_strength[0])
        lead = self._lead(logits, p)
        found = ordinal.loss(strength * lead, p.margin, free)
        by_lead = strength * found.by_lead / count
        np.add.at(slope, (p.query, p.first), by_lead)
        np.add.at(slope, (p.query, p.second), -by_lead)
        # Without scores the strength is no more than the unit of the logits.
        by_log = (by_lead * lead).sum() if self.anchored else 0.0
        return slope, [found.by_free.sum(axis=0) / count, np.array([by_log])]

    @staticmethod
    def _lead(logits: Floats, pairs: Pairs) -> Floats:
        lead: Floats = logits[pairs.query, pairs.first] - logits[pairs.query, pairs.second]
        return lead
