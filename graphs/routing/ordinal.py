r"""From five-outcome labels of pairs to a score for each query and model: an ordinal logit with a prior.

MoMA's map is not known; this is our choice, consistent with what is. With `d = r_first - r_second` and `0 < t1 < t2`:

    P(much better) = s(d - t2)              P(better) = s(d - t1) - s(d - t2)
    P(same)        = s(d + t1) - s(d - t1)  and so on down, s the logistic function

It is Bradley-Terry at t1 = t2 = 0 and antisymmetric. Pairs fix `r` on a query but for a constant and say nothing of a
model that was not compared; a normal prior around each model's overall rating, whose width is learnt, does both. The
score is s(r): the chance that the judge prefers the model's answer to that of a model which is average over all
queries. 0.5 is the pool's mean, so scores of different pools are not to be compared. It knows no text and no price.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.preferences import Pairs

__all__ = ["BINARY", "Cuts", "OrdinalScale"]

Matrix = NDArray[np.float64]
_PRIOR = 0.04
"""The precision of the prior on overall ratings: a standard deviation of five logits."""
_ROUNDS, _STEPS, _LONGEST_STEP = 60, 8, 3.0
_FIRST_SPREAD, _SPREADS = 1.0, (0.05, 4.0)
_CHUNK = 2048
_ENDS = {
    2: ("much", None),
    1: ("better", "much"),
    0: ("-better", "better"),
    -1: ("-much", "-better"),
    -2: (None, "-much"),
}
"""For each margin the cuts at the ends of its interval."""
_CORNERS = (
    ("first", "first", 1),
    ("second", "second", 1),
    ("first", "second", -1),
    ("second", "first", -1),
)
"""Where a comparison enters the curvature of its query."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the outcomes part, in logits: `better` (t1) and `much` (t2)."""

    better: float
    much: float

    def bounds(self, margin: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Return the ends of each outcome's interval on the scale of d, (p,) each."""
        low = np.array([-np.inf, -self.much, -self.better, self.better, self.much])
        high = np.append(low[1:], np.inf)
        return low[margin + 2], high[margin + 2]


BINARY = Cuts(0.0, np.inf)
"""Of labels that only say who is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalScale:
    """What was learnt of m models' overall ratings `overall` (m,), the cuts, and how far ratings on a query stray."""

    overall: Matrix
    cuts: Cuts
    spread: float
    """The standard deviation of a model's rating on a query around its overall rating, in logits."""

    @classmethod
    def fit(cls, pairs: Pairs) -> "OrdinalScale":
        """Fit cuts and overall ratings by maximum likelihood, then the spread by EM with Laplace's approximation.

        Where no query has two pairs, nothing tells the spread, and it stays at its first value.
        """
        cuts, overall = _overall(pairs)
        scale = cls._of(overall, cuts, _FIRST_SPREAD)
        if not (np.bincount(pairs.query, minlength=1) > 1).any():
            return scale
        for _ in range(_ROUNDS):
            rated, variance, seen = scale._rated(pairs, scale.overall)
            found = ((rated - scale.overall) ** 2 + variance)[seen]
            spread = float(np.clip(np.sqrt(found.mean()), *_SPREADS))
            done = abs(spread - scale.spread) < 1e-3 * scale.spread
            scale = cls._of(overall, cuts, spread)
            if done:
                break
        return scale

    @classmethod
    def _of(cls, overall: Matrix, cuts: Cuts, spread: float) -> "OrdinalScale":
        """Return the scale for ratings and cuts that were fitted as if nothing strayed, which shrinks them.

        A logistic whose argument strays normally by `v` is nearly one of the argument over sqrt(1 + pi v / 8)
        (MacKay, 1992); the difference of two models strays by twice the square of the spread.
        """
        wider = float(np.sqrt(1 + np.pi * spread**2 / 4))
        cuts = Cuts(cuts.better * wider, cuts.much * wider)
        return cls(overall=overall * wider, cuts=cuts, spread=spread)

    def ratings(self, pairs: Pairs, *, expected: Matrix | None = None) -> Matrix:
        """Return the most probable rating of each model on each query, (n, m) in logits.

        Args:
            pairs: of n queries.
            expected: what a router expects, (n, m) or (m,); None takes the overall ratings.
        """
        return self._rated(pairs, self.overall if expected is None else expected)[0]

    def scores(self, pairs: Pairs) -> Matrix:
        """Return the ratings as scores in 0..1, (n, m)."""
        return _logistic(self.ratings(pairs))

    def _rated(self, pairs: Pairs, expected: Matrix) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
        """Return ratings and their variance, (n, m) each, and which were compared at all."""
        n, m = pairs.queries, pairs.models
        prior = np.broadcast_to(expected, (n, m)).astype(np.float64)
        rated, variance = prior.copy(), np.full((n, m), self.spread**2)
        seen = np.zeros((n, m), bool)
        seen[pairs.query, pairs.first] = seen[pairs.query, pairs.second] = True
        order = np.argsort(pairs.query, kind="stable")
        for start in range(0, n, _CHUNK):
            rows = order[
                slice(*np.searchsorted(pairs.query[order], [start, min(start + _CHUNK, n)]))
            ]
            part = slice(start, min(start + _CHUNK, n))
            if len(rows):
                rated[part], variance[part] = self._newton(pairs.take(rows), start, prior[part])
        return rated, variance, seen

    def _newton(self, pairs: Pairs, start: int, prior: Matrix) -> tuple[Matrix, Matrix]:
        n, m = prior.shape
        query, first, second = pairs.query - start, pairs.first, pairs.second
        low, high = self.cuts.bounds(pairs.margin)
        precision, rated = self.spread**-2, prior.copy()
        curvature = np.empty((n, m, m))
        for _ in range(_STEPS):
            slope, curve = _slopes(rated[query, first] - rated[query, second], low, high)
            gradient = precision * (prior - rated)
            np.add.at(gradient, (query, first), slope)
            np.add.at(gradient, (query, second), -slope)
            curvature[:] = precision * np.eye(m)
            for one, other, sign in _CORNERS:
                ends = {"first": first, "second": second}
                np.add.at(curvature, (query, ends[one], ends[other]), sign * curve)
            step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
            rated += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            if np.abs(step).max() < 1e-4:
                break
        variance = np.diagonal(np.linalg.inv(curvature), axis1=1, axis2=2)
        return rated, variance


def _overall(pairs: Pairs) -> tuple[Cuts, Matrix]:
    """Return the cuts and the ratings (m,) of sum 0 with the greatest likelihood, as if all queries were alike."""
    from scipy.optimize import minimize  # only a fit needs it

    m = pairs.models
    binary = not (pairs.margin == 0).any() and not (np.abs(pairs.margin) == 2).any()

    def cuts_of(free: Matrix) -> Cuts:
        if binary:
            return BINARY
        better, gap = np.exp(np.clip(free, -6, 4))
        return Cuts(float(better), float(better + gap))

    def loss(given: Matrix) -> tuple[float, Matrix]:
        rating, free = given[:m], given[m:]
        cuts = cuts_of(free)
        low, high = cuts.bounds(pairs.margin)
        d = rating[pairs.first] - rating[pairs.second]
        chance = np.maximum(_logistic(d - low) - _logistic(d - high), 1e-12)
        slope, _ = _slopes(d, low, high)
        gradient = (
            _PRIOR * rating
            - np.bincount(pairs.first, slope, m)
            + np.bincount(pairs.second, slope, m)
        )
        value = 0.5 * _PRIOR * float(rating @ rating) - float(np.log(chance).sum())
        return value, np.append(gradient, [] if binary else _cut_slopes(pairs, d, low, high, chance, cuts))  # fmt: skip

    begin = np.append(np.zeros(m), [] if binary else [-1.0, 0.0])
    found = minimize(loss, begin, jac=True, method="L-BFGS-B").x
    overall: Matrix = found[:m] - found[:m].mean()
    return cuts_of(found[m:]), overall


def _cut_slopes(
    pairs: Pairs, d: Matrix, low: Matrix, high: Matrix, chance: Matrix, cuts: Cuts
) -> list[float]:
    """Return the slopes of the loss by log t1 and log (t2 - t1), each clipped parameter's being none."""
    rise_low, rise_high = _density(d - low) / chance, -_density(d - high) / chance
    by_better = by_much = 0.0
    for margin, (low_of, high_of) in _ENDS.items():
        mine = pairs.margin == margin
        for name, slope in ((low_of, rise_low[mine].sum()), (high_of, rise_high[mine].sum())):
            if name is None:
                continue
            signed = -slope if name[0] == "-" else slope
            by_better += signed if name.endswith("better") else 0.0
            by_much += signed if name.endswith("much") else 0.0
    return [(by_better + by_much) * cuts.better, by_much * (cuts.much - cuts.better)]


def _slopes(d: Matrix, low: Matrix, high: Matrix) -> tuple[Matrix, Matrix]:
    """Return the first derivative of each log likelihood by d, and the second with its sign changed, (p,) each.

    With s(a) - s(b) the likelihood, they are 1 - s(a) - s(b) and s'(a) + s'(b).
    """
    a, b = _logistic(d - low), _logistic(d - high)
    slope: Matrix = 1 - a - b
    curve: Matrix = a * (1 - a) + b * (1 - b)
    return slope, curve


def _logistic(x: Matrix) -> Matrix:
    half: Matrix = 0.5 * (1 + np.tanh(0.5 * x))
    return half


def _density(x: Matrix) -> Matrix:
    s = _logistic(x)
    return s * (1 - s)
