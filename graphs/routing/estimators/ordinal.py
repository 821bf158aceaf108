"""The ordinal logit of five outcomes (MoMA's labels, arXiv 2509.07571; the logit is ours, METHODS.md 1.3).

Of the first answer against the second, with a lead of `d` and cuts 0 <= t1 <= t2: P(much better) = s(d - t2),
P(better) = s(d - t1) - s(d - t2), P(same) = s(d + t1) - s(d - t1) and so on, s the logistic function. It is
antisymmetric in the two answers, and Bradley-Terry (1952) at t1 = t2 = 0. It knows no query and no model.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Loss", "chances", "cuts_of", "expected", "loss", "start_of"]

Floats = NDArray[np.floating]
Matrix = NDArray[np.float64]
_LEAST = 1e-9
"""No outcome is taken to be rarer, so that the logarithm stays finite."""


def cuts_of(free: Floats) -> Floats:
    """Return t1 and t2, (2,), for any two numbers."""
    steps: Floats = np.logaddexp(0, free)
    return np.cumsum(steps)


def start_of(margins: NDArray[np.intp]) -> Matrix:
    """Return the two numbers whose cuts give the outcomes `margins` (p,), -2..2, their shares where nobody leads."""
    n = len(margins)
    decided = (np.count_nonzero(margins) + 1) / (n + 2)
    far = min((np.count_nonzero(np.abs(margins) == 2) + 0.5) / (n + 2), 0.999 * decided)
    cuts = -np.log(np.array([decided, far]) / 2 / (1 - np.array([decided, far]) / 2))
    steps = np.maximum(np.diff(cuts, prepend=0.0), 1e-3)
    free: Matrix = np.log(np.expm1(steps))
    return free


def chances(lead: Floats, cuts: Floats) -> Floats:
    """Return the probability of each margin from -2 to 2, (p, 5), at a lead of (p,)."""
    ends = np.array([-np.inf, -cuts[1], -cuts[0], cuts[0], cuts[1], np.inf])
    below = _sigmoid(ends - lead[:, None])
    shares: Floats = np.diff(below, axis=1)
    return shares


def expected(lead: Floats, cuts: Floats) -> Floats:
    """Return what an outcome is worth on average, from 0 (much worse) by quarters to 1 (much better)."""
    if not cuts.any():
        return _sigmoid(lead)
    worth: Floats = (
        _sigmoid(lead - cuts[0])
        + _sigmoid(lead + cuts[0])
        + _sigmoid(lead - cuts[1])
        + _sigmoid(lead + cuts[1])
    ) / 4
    return worth


class Loss(NamedTuple):
    """The negative log likelihood of each outcome (p,), its slope in the lead (p,) and in `free` (p, 2)."""

    value: Floats
    by_lead: Floats
    by_free: Floats


def loss(lead: Floats, margins: NDArray[np.intp], free: Floats) -> Loss:
    """Return the loss of outcomes `margins` (p,), -2..2, at a lead of (p,) and the cuts of `free` (2,)."""
    cuts = cuts_of(free)
    ends = np.array([-np.inf, -cuts[1], -cuts[0], cuts[0], cuts[1], np.inf])
    # The outcome lies between two ends; only |margin| and the sign of the cut tell which cut moves them.
    low, high = ends[margins + 2] - lead, ends[margins + 3] - lead
    at_low, at_high = _sigmoid(low), _sigmoid(high)
    share = np.maximum(at_high - at_low, _LEAST)
    density_low, density_high = at_low * (1 - at_low), at_high * (1 - at_high)
    by_low, by_high = density_low / share, -density_high / share
    by_cuts = np.zeros((len(lead), 2))
    for place, (end, sign) in enumerate(((1, -1), (0, -1), (0, 1), (1, 1))):
        # The ends 1..4 are -t2, -t1, t1, t2; an outcome has the end as its upper or as its lower one.
        by_cuts[:, end] += sign * (by_high * (margins + 3 == place + 1))
        by_cuts[:, end] += sign * (by_low * (margins + 2 == place + 1))
    # Both cuts hold the first step, the second cut the second one as well.
    by_steps = np.column_stack([by_cuts.sum(axis=1), by_cuts[:, 1]])
    return Loss(-np.log(share), -(by_low + by_high), by_steps * _sigmoid(free))


def _sigmoid(logits: Floats) -> Floats:
    value: Floats = 0.5 * (1 + np.tanh(0.5 * logits))
    return value
