"""Adam with decoupled weight decay (Kingma & Ba, 2015; Loshchilov & Hutter, 2019), stopped early on held-out rows.

It knows no model: parameters are arrays, and whoever calls gives their gradients.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "train"]

Array = NDArray[np.float32]
Gradient = Callable[[list[Array], NDArray[np.intp]], list[Array]]
"""From the parameters and the rows of a batch to the gradient of the batch's mean loss."""

_MEAN, _SQUARE, _TINY = 0.9, 0.999, 1e-8
_BATCH = 128
_PATIENCE = 6
"""Epochs without a better held-out loss before it stops."""


def train(
    start: Sequence[Array],
    gradient: Gradient,
    held_loss: Callable[[list[Array]], float] | None,
    *,
    rows: int,
    rate: float,
    epochs: int,
    decay: float = 0.0,
    seed: int = 0,
) -> tuple[list[Array], int, float]:
    """Return the best parameters by `held_loss`, the epochs to them, and that loss.

    Args:
        start: the parameters to begin with; they are not changed.
        gradient: of the loss.
        held_loss: what is to be least; without it all epochs are run.
        rows: of the training set.
        rate: the step size, falling to 0 over the epochs along a line.
        epochs: passes over the rows at most.
        decay: of the weights (arrays of two dimensions or more; biases are free), per unit of `rate`.
        seed: of the order of the rows.
    """
    random = np.random.default_rng(seed)
    now = [array.astype(np.float32) for array in start]
    moments = [(np.zeros_like(array), np.zeros_like(array)) for array in now]
    best, taken = [array.copy() for array in now], 0
    least = held_loss(now) if held_loss else 0.0
    step, steps = 0, epochs * -(-rows // _BATCH)
    for epoch in range(1, epochs + 1):
        for batch in np.array_split(random.permutation(rows), -(-rows // _BATCH)):
            step += 1
            size = rate * (1 - (step - 1) / steps)
            _step(now, gradient(now, batch), moments, step=step, rate=size, decay=decay)
        loss = held_loss(now) if held_loss else 0.0
        if not held_loss or loss < least:
            best, taken, least = [array.copy() for array in now], epoch, loss
        elif epoch - taken >= _PATIENCE:
            break
    return best, taken, least


def _step(
    parameters: list[Array],
    gradients: list[Array],
    moments: list[tuple[Array, Array]],
    *,
    step: int,
    rate: float,
    decay: float,
) -> None:
    """Move the parameters and their moments by one step, in place."""
    unbiased = np.float32(rate * np.sqrt(1 - _SQUARE**step) / (1 - _MEAN**step))
    for parameter, slope, (mean, square) in zip(parameters, gradients, moments, strict=True):
        mean += np.float32(1 - _MEAN) * (slope - mean)
        square += np.float32(1 - _SQUARE) * (slope**2 - square)
        if parameter.ndim > 1 and decay:
            parameter -= np.float32(rate * decay) * parameter
        parameter -= unbiased * mean / (np.sqrt(square) + np.float32(_TINY))
