"""MoMA's estimator of quality: overall score, domain, linear head and neighbours, weighed by what they got right.

The weights are fitted on predictions for rows that the parts had not seen, non-negative and with the sum 1 (stacking;
Wolpert, 1992; Breiman, 1996). They are judged by the differences between models on a query, since a choice rests on
those, and a little by the query's mean over the models. What did not help out of fold loses its weight; where data is
thin the weights keep near fixed ones that lean to the overall score, since what helped on some dozens of rows is a
matter of chance. Far from every recorded query it returns the overall scores, with the spread of quality as the
uncertainty. It does not know what a text far from all that was recorded needs; it only knows that it is far.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from graphs.routing.choice import closeness
from graphs.routing.estimators.base import (
    Estimate,
    Matrix,
    Queries,
    Training,
    out_of_fold,
    splits,
)
from graphs.routing.estimators.domains import DomainScores
from graphs.routing.estimators.local import Group, LocalComponents
from graphs.routing.estimators.neighbours import index_rows
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.zero import ZeroRouter

__all__ = ["Combined", "Prospect"]

PARTS = ("zero", "domains", "ridge", "local")
_FOLDS = 5
_PRIOR, _PRIOR_ROWS = (0.4, 0.3, 0.15, 0.15), 200.0
"""The weights where nothing is known yet, and how many rows these count for beside the recorded ones."""
_LEVEL = 0.1
"""What the error of a query's mean over the models counts for beside that of the differences between them: a choice
rests on the differences, yet what tells hard queries from easy ones tells more of them than chance does."""
_PREFERENCES = (0.1, 0.3, 0.5, 0.7, 0.9)
_EVEN = 0.2
"""The share of relevance that is spread over all models, so that none is left to chance."""
_SCALES = (0.05, 4.0)
_SAME = 1e-5
"""By how much a text is nearer to itself than to another at least."""
_REPEATS = 12
_GROUP = 40
"""Rows whose mean outcome is held against the mean prediction, to learn how far off predictions are."""


class Prospect(NamedTuple):
    """An estimate, and how much of it rests on recorded queries."""

    estimate: Estimate
    nearness: Matrix
    """How near the nearest recorded query is, (n,): at most the cosine to it."""
    trust: Matrix
    """0 where nothing recorded is near, 1 where the estimate counts in full, (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """The parts, their `weights` (4,) in the order of `PARTS`, and what calibrates the uncertainty.

    `scale` multiplies the parts' own deviations; between the nearness `far` and `near` trust goes from 0 to 1; `spread`
    (m,) is the deviation of each model's quality over the recorded queries. `shift` (g, m) is what a review of feedback
    added to the quality by the domain that a query looks like; it is empty where there was none.
    """

    zero: ZeroRouter
    domains: DomainScores
    ridge: RotatedRidge
    local: LocalComponents
    weights: Matrix
    scale: float
    near: float
    far: float
    spread: Matrix
    shift: Matrix = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def fit(cls, training: Training, costs: Matrix | None = None) -> "Combined":
        """Fit the parts, then weigh them out of fold; the arguments are those of `fit_held_out`."""
        return cls.fit_held_out(training, costs)[0]

    @classmethod
    def fit_held_out(
        cls, training: Training, costs: Matrix | None = None
    ) -> tuple["Combined", Estimate]:
        """Return the fit, and what its parts expected of the rows (n, m) while they had not seen them.

        Args:
            training: the recorded outcomes.
            costs: what they cost, (n, m) in USD: the weights then serve the models that a choice is between. Without
                it every model counts alike.
        """
        held_out = [out_of_fold(fit, training, folds=_FOLDS) for fit in _FITS]
        means = [part.mean for part in held_out]
        weights = _stacked(means, training.scores, _relevance(means, costs))
        mixed = _mixture(held_out, weights)
        local = LocalComponents.fit(training)
        near, far = _reach(local.groups[0], training.queries)
        fitted = cls(
            zero=ZeroRouter.fit(training),
            domains=DomainScores.fit(training),
            ridge=RotatedRidge.fit(training),
            local=local,
            weights=weights,
            scale=_scale(mixed, training),
            near=near,
            far=far,
            spread=mixed.mean.std(axis=0),
        )
        return fitted, mixed

    def predict(self, queries: Queries) -> Estimate:
        """Return the estimate for `queries`."""
        return self.foresee(queries).estimate

    def foresee(self, queries: Queries) -> Prospect:
        """Return the estimate with how near the recorded queries are."""
        local, nearness = self.local.predict_near(queries)
        parts = [part.predict(queries) for part in (self.zero, self.domains, self.ridge)]
        mean, deviation = _mixture([*parts, local], self.weights)
        trust = np.clip((nearness - self.far) / max(self.near - self.far, 1e-9), 0, 1)
        share = trust[:, None]
        mean = share * mean + (1 - share) * self.zero.mean
        if self.shift.size:
            mean = np.clip(mean + self.domains.reader.read(queries) @ self.shift, 0, 1)
        variance = (self.scale * deviation) ** 2 + (1 - share) * self.spread**2
        return Prospect(Estimate(mean, np.sqrt(variance)), nearness, trust)

    def with_model(self, training: Training) -> "Combined":
        """Return this with one model more, from scores (n, 1) on a few hundred queries; the others stay as they are."""
        added = Combined(
            zero=_joined(self.zero, ZeroRouter.fit(training)),
            domains=self.domains.with_model(training),
            ridge=self.ridge.with_model(training),
            local=self.local.with_model(training),
            weights=self.weights,
            scale=self.scale,
            near=self.near,
            far=self.far,
            spread=np.append(self.spread, 0.0),
            shift=_widened(self.shift),
        )
        spread = added.predict(training.queries).mean[:, -1].std()
        return replace(added, spread=np.append(self.spread, spread))


_FITS = (ZeroRouter.fit, DomainScores.fit, RotatedRidge.fit, LocalComponents.fit)


def _joined(all_but_one: ZeroRouter, one: ZeroRouter) -> ZeroRouter:
    return ZeroRouter(
        mean=np.append(all_but_one.mean, one.mean), error=np.append(all_but_one.error, one.error)
    )


def _widened(shift: Matrix) -> Matrix:
    """Return the shifts with a model more, of which nothing was said yet."""
    return np.column_stack([shift, np.zeros(len(shift))]) if shift.size else shift


def _mixture(parts: list[Estimate], weights: Matrix) -> Estimate:
    """Return mean and deviation of the mixture: the parts' own variance and their disagreement."""
    means, deviations = np.array([p.mean for p in parts]), np.array([p.deviation for p in parts])
    each = weights[:, None, None]
    mean = (each * means).sum(axis=0)
    variance = (each * (deviations**2 + (means - mean) ** 2)).sum(axis=0)
    return Estimate(mean, np.sqrt(variance))


def _relevance(predictions: list[Matrix], costs: Matrix | None) -> Matrix:
    """Return how much each model matters to a choice, (m,) of sum 1: how often one would fall on it."""
    models = predictions[0].shape[1]
    even = np.full(models, 1 / models)
    if costs is None:
        return even
    quality = np.mean(predictions, axis=0)
    chosen = [closeness(quality, costs, p).argmax(axis=1) for p in _PREFERENCES]
    share = np.bincount(np.concatenate(chosen), minlength=models) / sum(map(len, chosen))
    relevance: Matrix = (1 - _EVEN) * share + _EVEN * even
    return relevance


def _stacked(predictions: list[Matrix], scores: Matrix, relevance: Matrix) -> Matrix:
    """Return the weights, not negative and of sum 1, with the least squared error on what a choice rests on.

    The prior counts as rows on which its mixture is right, with the spread of the recorded ones.
    """
    from scipy.optimize import nnls  # only a fit needs it

    design = np.column_stack([_contrasts(p, relevance).ravel() for p in predictions])
    target = _contrasts(scores, relevance).ravel()
    # A heavy row makes the weights sum to 1; a light ridge settles ties between equal parts.
    gram, moment = design.T @ design, design.T @ target
    share = _PRIOR_ROWS / len(scores)
    gram, moment = (1 + share) * gram, moment + share * gram @ np.array(_PRIOR)
    heavy = 1e3 * np.sqrt(np.trace(gram) + 1e-12)
    root = np.linalg.cholesky(gram + (1e-6 * np.trace(gram) + 1e-12) * np.eye(design.shape[1]))
    rows = np.vstack([root.T, heavy * np.ones(design.shape[1])])
    right = np.append(np.linalg.solve(root, moment), heavy)
    found, _ = nnls(rows, right)
    weights: Matrix = found / found.sum()
    return weights


def _contrasts(scores: Matrix, relevance: Matrix) -> Matrix:
    """Return each score less the query's mean, and that mean, weighted, (n, m + 1)."""
    level = scores @ relevance[:, None]
    return np.hstack([(scores - level) * np.sqrt(relevance), level * np.sqrt(_LEVEL)])


def _scale(estimate: Estimate, training: Training) -> float:
    """Return what the deviations must be multiplied by for the errors of groups of like queries to fit them."""
    n = len(training)
    if n < 2 * _GROUP:
        return 1.0
    index = index_rows(training.queries.vectors)
    centres = np.linspace(0, n - 1, min(n // 4, 500)).astype(int)
    _, near = index.nearest_rows(training.queries.vectors[centres], _GROUP)
    residual = training.scores - estimate.mean
    found = ((residual[near].mean(axis=1)) ** 2).mean()
    chance = (residual[near].var(axis=1) / _GROUP).mean()
    stated = (estimate.deviation[near] ** 2).mean()
    return float(np.clip(np.sqrt(max(found - chance, 0) / max(stated, 1e-12)), *_SCALES))


def _reach(group: Group, queries: Queries) -> tuple[float, float]:
    """Return the nearness from which a query counts as near, and below which as far.

    Near is what nine in ten recorded queries have to their nearest other text, far what one in a hundred has: a text
    that is further from all of them than nearly any of them is from the others is not one of their kind. Where the
    recorded queries are much alike, as if filled in from templates, three quarters and half of the median suffice.
    """
    n = len(queries)
    if n < 3:
        return 0.45, 0.15
    vectors = queries.vectors @ group.axes
    blocks = [rows for _, rows in splits(n, 1 + n // 1024)]
    asked = min(n, _REPEATS)
    found = np.concatenate([group.index.nearest_rows(vectors[rows], asked)[0] for rows in blocks])
    itself = (vectors[np.concatenate(blocks)] ** 2).sum(axis=1, keepdims=True)
    # The same text again, as of repeated runs, tells nothing of how near other texts are.
    other = np.where(np.abs(found - itself) > _SAME, found, -1).max(axis=1)
    nearest = other[other > -1]
    if not len(nearest):
        return 0.45, 0.15
    far, near, middle = np.quantile(nearest, [0.01, 0.1, 0.5])
    return float(min(near, 0.75 * middle)), float(min(far, 0.5 * middle))
