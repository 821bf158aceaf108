"""MoMA's estimator of quality: overall score, domain, linear head and neighbours, weighed by what they got right.

The weights are fitted on predictions for rows that the parts had not seen, non-negative and with the sum 1 (stacking;
Wolpert, 1992; Breiman, 1996). They are judged by the differences between models on a query, since a choice rests on
those, and a little by the query's mean over the models. What did not help out of fold loses its weight; where data is
thin the weights keep near fixed ones that lean to the overall score, since what helped on some dozens of rows is a
matter of chance. Far from every recorded query it returns the overall scores, with the spread of quality as the
uncertainty. It does not know what a text far from all that was recorded needs; it only knows that it is far.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

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
from graphs.routing.estimators.convex import convex, surely_less
from graphs.routing.estimators.domains import DomainScores
from graphs.routing.estimators.local import Group, LocalComponents
from graphs.routing.estimators.mixture import Comparisons, MixtureOfExperts
from graphs.routing.estimators.neighbours import index_rows
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.zero import ZeroRouter

__all__ = ["Combined", "Head", "Prospect"]

Head = Literal["auto", "part", "alone"]
"""`auto`: the mixture of experts is a part where held-out rows surely gain by it; `part`: in any case; `alone`: it is
the only one, as in the paper."""
PARTS = ("zero", "domains", "ridge", "local", "experts")
_VALUES = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
"""By how much two scores should differ for the margins -2 to 2, as in `pair_scores`."""
_FOLDS = 5
_PRIOR, _PRIOR_ROWS = np.array([0.4, 0.3, 0.15, 0.15, 0.15]), 200.0
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
    domains: Matrix
    """How probable each recorded domain is, (n, g)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """The parts, their `weights` in the order of `PARTS`, (5,) or (4,) without experts, and what calibrates them.

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
    experts: MixtureOfExperts | None = None

    @classmethod
    def fit(cls, training: Training, costs: Matrix | None = None) -> "Combined":
        """Fit the parts, then weigh them out of fold; the arguments are those of `fit_held_out`."""
        return cls.fit_held_out(training, costs)[0]

    @classmethod
    def fit_held_out(
        cls,
        training: Training,
        costs: Matrix | None = None,
        comparisons: Comparisons | None = None,
        *,
        head: Head = "auto",
    ) -> tuple["Combined", Estimate]:
        """Return the fit, and what its parts expected of the rows (n, m) while they had not seen them.

        Args:
            training: the recorded outcomes.
            costs: what they cost, (n, m) in USD: the weights then serve the models that a choice is between. Without
                it every model counts alike.
            comparisons: judged pairs that the mixture of experts learns from; where they are on rows of `training`, its
                scores are taken to come from them, and the pairs weigh the parts.
            head: what the mixture of experts is for.
        """
        held_out = [out_of_fold(fit, training, folds=_FOLDS) for fit in _FITS]
        experts, heard = MixtureOfExperts.fit_held_out(training, comparisons)
        held_out.append(heard)
        relevance = _relevance([part.mean for part in held_out[:-1]], costs)
        weights = _weights(held_out, training.scores, relevance, comparisons, head)
        mixed = _mixture(held_out[: len(weights)], weights)
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
            experts=experts if len(weights) == len(PARTS) else None,
        )
        return fitted, mixed

    def predict(self, queries: Queries) -> Estimate:
        """Return the estimate for `queries`."""
        return self.foresee(queries).estimate

    def foresee(self, queries: Queries) -> Prospect:
        """Return the estimate with how near the recorded queries are."""
        local, nearness = self.local.predict_near(queries)
        domains = self.domains.reader.read(queries)
        parts = [
            self.zero.predict(queries),
            self.domains.mixed(domains),
            self.ridge.predict(queries),
            local,
        ]
        if self.experts is not None:
            parts.append(self.experts.predict(queries))
        mean, deviation = _mixture(parts, self.weights)
        trust = np.clip((nearness - self.far) / max(self.near - self.far, 1e-9), 0, 1)
        share = trust[:, None]
        mean = share * mean + (1 - share) * self.zero.mean
        if self.shift.size:
            mean = np.clip(mean + domains @ self.shift, 0, 1)
        # Where rows are few `scale` may be next to nothing by chance: no prediction is surer than the model's mean.
        variance = np.maximum((self.scale * deviation) ** 2, self.zero.error**2)
        variance += (1 - share) * self.spread**2
        return Prospect(Estimate(mean, np.sqrt(variance)), nearness, trust, domains)

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
            experts=None if self.experts is None else self.experts.with_model(training),
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


def _weights(
    held_out: list[Estimate],
    scores: Matrix,
    relevance: Matrix,
    comparisons: Comparisons | None,
    head: Head,
) -> Matrix:
    """Return the weights of the parts, of which the experts are the last; without them where they gain nothing sure."""
    if head == "alone":
        return np.append(np.zeros(len(held_out) - 1), 1.0)
    means = [part.mean for part in held_out]
    mine = None if comparisons is None else comparisons.pairs.before(len(scores))
    if mine is not None and len(mine):
        design = np.column_stack(
            [mean[mine.query, mine.first] - mean[mine.query, mine.second] for mean in means]
        )
        target, queries = _VALUES[mine.margin + 2], mine.query
    else:
        design = np.column_stack([_contrasts(mean, relevance).ravel() for mean in means])
        target = _contrasts(scores, relevance).ravel()
        queries = np.repeat(np.arange(len(scores)), scores.shape[1] + 1)
    share = _PRIOR_ROWS / len(np.unique(queries))
    without, whole = (
        convex(design[:, :parts], target, prior=_PRIOR[:parts], share=share)
        for parts in (len(means) - 1, len(means))
    )
    if head == "part":
        return whole
    errors = [(target - design[:, : len(w)] @ w) ** 2 for w in (whole, without)]
    return whole if surely_less(errors[0], errors[1], queries) else without


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
