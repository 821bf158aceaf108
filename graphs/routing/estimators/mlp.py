"""A multilayer perceptron: one hidden layer on the design, an output for each model.

Dropout (Srivastava et al., 2014) and weight decay hold it back, and it stops when held-out error rises. It knows no
domain and no neighbour; it is the baseline "MLP" of RouterBench and UniRoute.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.adam import Array, train
from graphs.routing.estimators.base import Matrix
from graphs.routing.estimators.cross_fitted import CrossFitted, Examples, Head, sigmoid

__all__ = ["MLP"]

_HIDDEN = 64
_DROPPED = 0.3
_RATE, _EPOCHS = 3e-3, 30
_DECAYS = (3.0, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Perceptron:
    """`hidden` (d, h) with `threshold` (h,), `output` (h, m) with `bias` (m,)."""

    hidden: Array
    threshold: Array
    output: Array
    bias: Array

    def __call__(self, rows: Matrix, /) -> Matrix:
        """Return the expected scores."""
        active = np.maximum(rows.astype(np.float32) @ self.hidden + self.threshold, 0)
        return sigmoid((active @ self.output + self.bias).astype(np.float64))


class MLP(CrossFitted):
    """Perceptrons."""

    @classmethod
    def candidates(cls, fitted: Examples, held: Examples) -> Sequence[Head]:
        """Return one for each strength of the weight decay."""
        return [_perceptron(fitted, held, decay) for decay in _DECAYS]


def _perceptron(fitted: Examples, held: Examples, decay: float) -> Perceptron:
    rows, scores = fitted.rows.astype(np.float32), fitted.scores.astype(np.float32)
    d, m = rows.shape[1], scores.shape[1]
    overall = np.clip(scores.mean(axis=0), 0.01, 0.99)
    random = np.random.default_rng(0)
    start = [
        random.normal(0, d**-0.5, (d, _HIDDEN)),
        np.zeros(_HIDDEN),
        np.zeros((_HIDDEN, m)),
        np.log(overall / (1 - overall)),
    ]

    def gradient(parameters: list[Array], batch: NDArray[np.intp]) -> list[Array]:
        hidden, threshold, output, bias = parameters
        before = rows[batch] @ hidden + threshold
        kept = (random.random(before.shape) >= _DROPPED) * np.float32(1 / (1 - _DROPPED))
        gate = (kept * (before > 0)).astype(np.float32)
        active = gate * before
        logits = active @ output + bias
        slope = (0.5 * (1 + np.tanh(0.5 * logits)) - scores[batch]) / np.float32(len(batch))
        back = (slope @ output.T) * gate
        return [rows[batch].T @ back, back.sum(axis=0), active.T @ slope, slope.sum(axis=0)]

    def held_loss(parameters: list[Array]) -> float:
        return float(((_head(parameters)(held.rows) - held.scores) ** 2).mean())

    found, _, _ = train(
        [array.astype(np.float32) for array in start],
        gradient,
        held_loss,
        rows=len(rows),
        rate=_RATE,
        epochs=_EPOCHS,
        decay=decay,
    )
    return _head(found)


def _head(parameters: list[Array]) -> Perceptron:
    hidden, threshold, output, bias = parameters
    return Perceptron(hidden=hidden, threshold=threshold, output=output, bias=bias)
