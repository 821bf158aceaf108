"""MoMA's head (Guo et al., arXiv 2509.07571): a gate picks the top k of several experts and sums what they say.

The gate is a softmax over the experts that it kept; each expert is linear in the design. A load-balance term (Switch
Transformer, Fedus et al., 2022, eq. 4) keeps the gate from sending all queries to one expert. Not from the paper, whose
values are unknown: a frozen encoder (MoMA tunes a Qwen-3), graded scores under a log loss in the place of judged pairs,
and the number of experts, k and the strength of the balance, which held-out error chooses; one expert is a dense head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.adam import Array, train
from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import CrossFitted, Examples, Head, sigmoid

__all__ = ["Experts", "MixtureOfExperts", "Setting", "mixture"]

_RATE, _EPOCHS = 3e-3, 30


class Setting(NamedTuple):
    """What held-out error chooses."""

    experts: int
    top: int
    balance: float
    decay: float


_SETTINGS = (
    Setting(1, 1, 0.0, 1.0),
    Setting(4, 2, 0.01, 1.0),
    Setting(8, 2, 0.01, 1.0),
    Setting(8, 2, 0.1, 3.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """`gate` (d, e), `experts` (d, e * m), `bias` (e * m,), and how many experts are kept for a query."""

    gate: Array
    experts: Array
    bias: Array
    top: int

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        read, e = rows.astype(np.float32), self.gate.shape[1]
        _, kept = _gates(read @ self.gate, self.top)
        outputs = (read @ self.experts + self.bias).reshape(len(read), e, len(self.bias) // e)
        return sigmoid(np.einsum("ne,nem->nm", kept, outputs).astype(np.float64))


class MixtureOfExperts(CrossFitted):
    """Gated heads."""

    @classmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return one for each setting."""
        return [mixture(fitted, held, setting) for setting in _SETTINGS]


def mixture(fitted: Examples, held: Examples, setting: Setting) -> Experts:
    """Fit one head; it stops when the error on `held` rises."""
    rows, scores = fitted.rows.astype(np.float32), fitted.scores.astype(np.float32)
    d, m, e = rows.shape[1], scores.shape[1], setting.experts
    overall = np.clip(scores.mean(axis=0), 0.01, 0.99)
    random = np.random.default_rng(0)
    start = [
        random.normal(0, 0.1, (d, e)),
        random.normal(0, 0.01, (d, e * m)),
        np.tile(np.log(overall / (1 - overall)), e),
    ]

    def gradient(parameters: list[Array], batch: NDArray[np.intp]) -> list[Array]:
        gate, experts, bias = parameters
        read, n = rows[batch], np.float32(len(batch))
        shares, kept = _gates(read @ gate, setting.top)
        outputs = (read @ experts + bias).reshape(len(batch), e, m)
        logits = np.einsum("ne,nem->nm", kept, outputs)
        slope = (0.5 * (1 + np.tanh(0.5 * logits)) - scores[batch]) / n
        by_output = (kept[:, :, None] * slope[:, None, :]).reshape(len(batch), e * m)
        # Through the softmax over the kept experts, then through that over all of them for the balance.
        by_kept = np.einsum("nm,nem->ne", slope, outputs)
        by_gate = kept * (by_kept - (kept * by_kept).sum(axis=1, keepdims=True))
        load = (kept > 0).mean(axis=0) / np.float32(setting.top)
        by_share = np.broadcast_to(setting.balance * m * e * load / n, shares.shape)
        by_gate += shares * (by_share - (shares * by_share).sum(axis=1, keepdims=True))
        return [read.T @ by_gate.astype(np.float32), read.T @ by_output, by_output.sum(axis=0)]

    def held_loss(parameters: list[Array]) -> float:
        return float(((_head(parameters, setting)(held.rows) - held.scores) ** 2).mean())

    found, _, _ = train(
        [array.astype(np.float32) for array in start],
        gradient,
        held_loss,
        rows=len(rows),
        rate=_RATE,
        epochs=_EPOCHS,
        decay=setting.decay,
    )
    return _head(found, setting)


def _head(parameters: list[Array], setting: Setting) -> Experts:
    gate, experts, bias = parameters
    return Experts(gate=gate, experts=experts, bias=bias, top=setting.top)


def _gates(logits: Array, top: int) -> tuple[Array, Array]:
    """Return the softmax over all experts and that over the `top` best, 0 for the rest, (n, e) each."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    cut = np.sort(logits, axis=1)[:, -top, None]
    kept = raised * (logits >= cut)
    return raised / raised.sum(axis=1, keepdims=True), kept / kept.sum(axis=1, keepdims=True)
