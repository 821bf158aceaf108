"""A gated top-k mixture of experts as a function: a gate keeps k experts for a query, each adds what it says.

Each expert is one hidden layer with an output for each model. What the gate and the hidden layers make of a query, its
features, does not depend on the models; the outputs are linear in it. A load-balance term (Shazeer et al., 2017, in the
form of Switch Transformer, Fedus et al., 2022, eq. 4) keeps the gate from sending all queries to one expert. It knows
no loss and no data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from graphs.routing.estimators.adam import Array

__all__ = ["Gated", "Shape", "gates"]


class Shape(NamedTuple):
    """How many experts there are, how many are kept for a query, and the width of each."""

    experts: int
    top: int
    width: int


class Passed(NamedTuple):
    """What the way back needs of a batch."""

    shares: Array
    """The softmax over all experts, (n, e)."""
    kept: Array
    """The softmax over the kept ones, 0 for the rest, (n, e)."""
    active: Array
    """The hidden layers, (n, e, w)."""
    scaled: Array
    """The hidden layers times the gates of their experts, (n, e * w)."""
    logits: Array
    """(n, m)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """The function of rows (n, d) and its gradient.

    Parameters are gate (d, e), hidden (d, e * w), threshold (e * w,), output (e * w, m) and bias (e * m,).
    """

    shape: Shape

    def start(self, d: int, bias: Array, random: np.random.Generator) -> list[Array]:
        """Return parameters whose logits are about `bias` (m,)."""
        e, _, w = self.shape
        parameters: Sequence[np.ndarray] = (
            random.normal(0, d**-0.5, (d, e)),
            random.normal(0, d**-0.5, (d, e * w)),
            np.zeros(e * w),
            random.normal(0, 0.01, (e * w, len(bias))),
            np.tile(bias, e),
        )
        return [array.astype(np.float32) for array in parameters]

    def passed(
        self, parameters: Sequence[Array], rows: Array, dropped: Array | None = None
    ) -> Passed:
        """Return what becomes of `rows`; `dropped` (n, e * w) multiplies the hidden layers."""
        gate, hidden, threshold, output, bias = parameters
        e, top, w = self.shape
        shares, kept = gates(rows @ gate, top)
        active = np.maximum(rows @ hidden + threshold, 0)
        if dropped is not None:
            active *= dropped
        active = active.reshape(len(rows), e, w)
        scaled = (active * kept[:, :, None]).reshape(len(rows), e * w)
        return Passed(shares, kept, active, scaled, scaled @ output + kept @ bias.reshape(e, -1))

    def gradient(
        self,
        parameters: Sequence[Array],
        rows: Array,
        passed: Passed,
        slope: Array,
        *,
        balance: float,
        dropped: Array | None = None,
    ) -> list[Array]:
        """Return the gradient from the slope in the logits (n, m) and the weight of the load balance."""
        output, bias = parameters[3:]
        e, top, w = self.shape
        n = len(rows)
        by_scaled = (slope @ output.T).reshape(n, e, w)
        by_kept = (by_scaled * passed.active).sum(axis=2) + slope @ bias.reshape(e, -1).T
        by_hidden = by_scaled * passed.kept[:, :, None] * (passed.active > 0)
        by_hidden = by_hidden.reshape(n, e * w)
        if dropped is not None:
            by_hidden *= dropped
        # Through the softmax over the kept experts, then through that over all of them for the balance. Of a single
        # kept expert the gate is 1 whatever the logits are: its slope is that of its share among all (Switch).
        by_gate = (
            _through_softmax(passed.shares, by_kept * (passed.kept > 0))
            if top == 1 < e
            else _through_softmax(passed.kept, by_kept)
        )
        if balance:
            load = (passed.kept > 0).mean(axis=0) / np.float32(top)
            by_share = np.broadcast_to(np.float32(balance * e / n) * load, passed.shares.shape)
            by_gate = by_gate + _through_softmax(passed.shares, by_share.astype(np.float32))
        return [
            rows.T @ by_gate,
            rows.T @ by_hidden,
            by_hidden.sum(axis=0),
            passed.scaled.T @ slope,
            (passed.kept.T @ slope).ravel(),
        ]


def gates(logits: Array, top: int) -> tuple[Array, Array]:
    """Return the softmax over all experts and that over the `top` best, 0 for the rest, (n, e) each."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    if top >= logits.shape[-1]:
        shares = raised / raised.sum(axis=-1, keepdims=True)
        return shares, shares
    cut = np.sort(logits, axis=-1)[..., -top, None]
    kept = raised * (logits >= cut)
    return raised / raised.sum(axis=-1, keepdims=True), kept / kept.sum(axis=-1, keepdims=True)


def _through_softmax(shares: Array, slope: Array) -> Array:
    inner = (shares * slope).sum(axis=1, keepdims=True)
    through: Array = shares * (slope - inner)
    return through
