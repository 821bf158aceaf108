"""MoMA's router head (Guo et al., arXiv 2509.07571): a gate picks the top k of several experts and sums what they say.

It learns from scores, from judged pairs, or from both. One head is fitted without each part of the rows, and their mean
is the estimate. Number and width of the experts, k and the load balance are those with the least loss on held-out rows;
one expert is a dense head. Not from the paper, whose values are unknown: all of these, a frozen encoder (MoMA tunes a
Qwen-3), and the loss. It knows no other estimator.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators import ordinal
from graphs.routing.estimators.adam import Array, train
from graphs.routing.estimators.added_output import added_output
from graphs.routing.estimators.base import Estimate, Matrix, Queries, Training, text_splits, texts
from graphs.routing.estimators.design import Design
from graphs.routing.estimators.gated import Gated, Shape, gates
from graphs.routing.estimators.lessons import Lessons
from graphs.routing.preferences import Pairs

__all__ = ["SETTINGS", "Comparisons", "MixtureOfExperts", "Setting"]

_PARTS, _INNER = 5, 8
_TRIED_ON = 2
"""Parts on which the setting is chosen."""
_ALIKE, _MANY = 3, 1_000_000
"""Heads that foretell a part that is left out, where there are not more scores than that."""
_RATE, _EPOCHS, _DECAY, _DROPPED = 3e-3, 30, 1.0, 0.3
_FEWEST, _AGAIN = 25_600, 300
"""Rows to go over, again and again where they are few, and how often at most: an epoch of one row is a whole step."""


class Setting(NamedTuple):
    """What held-out loss chooses."""

    shape: Shape
    balance: float


SETTINGS = (
    Setting(Shape(experts=1, top=1, width=64), 0.0),
    Setting(Shape(experts=4, top=2, width=16), 0.01),
    Setting(Shape(experts=4, top=2, width=16), 0.1),
    Setting(Shape(experts=8, top=2, width=16), 0.01),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Judged pairs on the rows of a training set, and on `more` queries, which are numbered after them.

    Of a row that has pairs the head learns nothing by its scores.
    """

    pairs: Pairs
    more: Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureOfExperts:
    """h heads of one shape, each fitted without one part of the rows.

    `first` (d, h * e * (1 + w)) holds the gates and then the hidden layers with `threshold` (h * e * w,); `loadings`
    (h, e * (w + 1), m) lead from the features to the logits; `cuts` (h, 2) are those of the ordinal logit, 0 where the
    logits are anchored on scores. `floor` (m,) is the least deviation.
    """

    design: Design
    shape: Shape
    first: Array
    threshold: Array
    loadings: Matrix
    cuts: Matrix
    floor: Matrix

    @classmethod
    def fit(cls, training: Training) -> "MixtureOfExperts":
        """Fit on scores."""
        return cls.fit_held_out(training)[0]

    @classmethod
    def fit_held_out(
        cls,
        training: Training,
        comparisons: Comparisons | None = None,
        *,
        settings: Sequence[Setting] = SETTINGS,
    ) -> tuple["MixtureOfExperts", Estimate]:
        """Return the heads, and what is expected of the rows of `training` (n, m) by heads that had not seen them.

        Of those there are several for each part, since the mean of the heads is surer than one of them.
        """
        n = len(training)
        design = Design.fit(training.queries)
        lessons = _lessons(design, training, comparisons)
        more = np.arange(n, len(lessons))
        parts = text_splits(training.queries.vectors, _PARTS)
        taught = [lessons.take(np.concatenate([fitted, more])) for fitted, _ in parts]
        tried = [[_head(part, setting) for setting in settings] for part in taught[:_TRIED_ON]]
        best = int(np.sum([[loss for _, loss in heads] for heads in tried], axis=0).argmin())
        heads = [found[best][0] for found in tried]
        heads += [_head(part, settings[best])[0] for part in taught[_TRIED_ON:]]
        whole = cls._of(design, settings[best].shape, heads, _floor(training))
        mean, deviation = np.empty_like(training.scores), whole.predict(training.queries).deviation
        alike = _ALIKE if training.scores.size <= _MANY else 1
        for place, (_, held) in enumerate(parts):
            like = [_head(taught[place], settings[best], seed=seed)[0] for seed in range(1, alike)]
            own = cls._of(design, settings[best].shape, [heads[place], *like], whole.floor)
            mean[held] = own.predict(training.queries.take(held)).mean
        return whole, Estimate(mean, deviation)

    @classmethod
    def _of(
        cls, design: Design, shape: Shape, heads: list[list[Array]], floor: Matrix
    ) -> "MixtureOfExperts":
        gate, hidden, threshold, output, bias, cuts = (
            [head[place] for head in heads] for place in range(6)
        )
        e = shape.experts
        loadings = [np.vstack([o, b.reshape(e, -1)]) for o, b in zip(output, bias, strict=True)]
        return cls(
            design=design,
            shape=shape,
            first=np.hstack([*gate, *hidden]),
            threshold=np.concatenate(threshold),
            loadings=np.array(loadings, np.float64),
            cuts=np.array(cuts, np.float64),
            floor=floor,
        )

    @property
    def outputs(self) -> tuple[int, int]:
        """How many loadings a model has: (h, e * (w + 1))."""
        return len(self.cuts), self.shape.experts * (self.shape.width + 1)

    def features(self, queries: Queries) -> tuple[Array, Array]:
        """Return what the heads make of `queries`, (h, n, e * (w + 1)), and the gates, (h, n, e): 0 but for k."""
        (e, top, w), h, n = self.shape, len(self.cuts), len(queries)
        read = self.design.matrix(queries).astype(np.float32) @ self.first
        _, kept = gates(read[:, : h * e].reshape(n, h, e), top)
        active = np.maximum(read[:, h * e :] + self.threshold, 0).reshape(n, h, e, w)
        scaled = (active * kept[..., None]).reshape(n, h, e * w)
        whole = np.concatenate([scaled, kept], axis=2).transpose(1, 0, 2)
        return whole, kept.transpose(1, 0, 2)

    def predict(self, queries: Queries) -> Estimate:
        """Return the mean over the heads, and how far one of fewer rows would move it."""
        means = self._each(queries)
        spread = np.sqrt(max(len(means) - 1, 0)) * means.std(axis=0)
        return Estimate(means.mean(axis=0), np.maximum(spread, self.floor))

    def with_model(self, training: Training) -> "MixtureOfExperts":
        """Return this with one model more, from scores (n, 1): gates and experts stay, only its outputs are fitted."""
        features = self.features(training.queries)[0].astype(np.float64)
        text = texts(training.queries.vectors)
        added = [
            added_output(
                rows, loadings, cuts, training.scores[:, 0], gates=self.shape.experts, text=text
            )
            for rows, loadings, cuts in zip(features, self.loadings, self.cuts, strict=True)
        ]
        return replace(
            self,
            loadings=np.concatenate([self.loadings, np.array(added)[:, :, None]], axis=2),
            floor=np.append(self.floor, _floor(training)),
        )

    def _each(self, queries: Queries) -> Matrix:
        """Return what each head expects, (h, n, m)."""
        logits = np.matmul(self.features(queries)[0].astype(np.float64), self.loadings)
        return np.stack([ordinal.expected(z, c) for z, c in zip(logits, self.cuts, strict=True)])


def _floor(training: Training) -> Matrix:
    """Return the standard error of a mean over all rows, (m,), never 0."""
    n = len(training)
    smoothed = (training.scores.sum(axis=0) + 1) / (n + 2)
    error: Matrix = np.sqrt(smoothed * (1 - smoothed) / n)
    return error


def _lessons(design: Design, training: Training, comparisons: Comparisons | None) -> Lessons:
    rows = design.matrix(training.queries).astype(np.float32)
    scores, scored = training.scores.astype(np.float32), np.ones(len(training), bool)
    if comparisons is None:
        return Lessons(rows=rows, scores=scores, scored=scored)
    more = design.matrix(comparisons.more).astype(np.float32)
    scored = np.append(scored, np.zeros(len(more), bool))
    scored[comparisons.pairs.query] = False
    return Lessons(
        rows=np.vstack([rows, more]),
        scores=np.vstack([scores, np.zeros((len(more), scores.shape[1]), np.float32)]),
        scored=scored,
        pairs=comparisons.pairs,
    )


def _head(lessons: Lessons, setting: Setting, *, seed: int = 0) -> tuple[list[Array], float]:
    """Return gate, hidden layer, threshold, output, bias and cuts of one head, and its loss on rows held out."""
    n, d = lessons.rows.shape
    every = np.arange(n)
    several = n >= 2 * _INNER
    kept, held = text_splits(lessons.rows, _INNER, seed=seed)[0] if several else (every, every)
    fitted, out = lessons.take(kept), lessons.take(held)
    net, random = Gated(shape=setting.shape), np.random.default_rng(seed)
    bias, judging = fitted.start()
    start = [*net.start(d, bias, random), *judging]
    units = setting.shape.experts * setting.shape.width

    def gradient(parameters: list[Array], batch: NDArray[np.intp]) -> list[Array]:
        some, weights = fitted.take(batch), parameters[:5]
        alive = random.random((len(batch), units), np.float32) >= _DROPPED
        dropped = alive * np.float32(1 / (1 - _DROPPED))
        passed = net.passed(weights, some.rows, dropped)
        slope, by_judging = some.slopes(passed.logits, parameters[5:])
        slopes = net.gradient(
            weights, some.rows, passed, slope, balance=setting.balance, dropped=dropped
        )
        return [*slopes, *by_judging]

    def held_loss(parameters: list[Array]) -> float:
        return out.loss(net.passed(parameters[:5], out.rows).logits, parameters[5:])

    epochs = max(_EPOCHS, min(_FEWEST // len(fitted), _AGAIN))
    found, _, loss = train(
        start, gradient, held_loss, rows=len(fitted), rate=_RATE, epochs=epochs, decay=_DECAY
    )
    gate, hidden, threshold, output, bias = found[:5]
    if fitted.anchored:
        return [gate, hidden, threshold, output, bias, np.zeros(2, np.float32)], loss
    # Only leads were told: 0 is the mean over the models, in every expert and so in every query.
    bias = bias.reshape(setting.shape.experts, -1)
    output, bias = (table - table.mean(axis=1, keepdims=True) for table in (output, bias))
    cuts = ordinal.cuts_of(found[5]).astype(np.float32)
    return [gate, hidden, threshold, output, bias.ravel(), cuts], loss
