"""L-BFGS (Liu & Nocedal, 1989) over several arrays at once, by SciPy. It knows no model."""

from collections.abc import Callable, Sequence

import numpy as np

from graphs.routing.estimators.base import Matrix

__all__ = ["minimise"]

_STEPS = 60
"""A head needs no exact minimum: what is gained later is below what held-out rows can tell."""


def minimise(
    loss: Callable[[list[Matrix]], tuple[float, list[Matrix]]], start: Sequence[Matrix]
) -> list[Matrix]:
    """Return arrays of the shapes of `start` near a local minimum of `loss`.

    Args:
        loss: gives the value and the gradient for each array.
        start: where to begin.
    """
    from scipy.optimize import minimize  # only a fit needs it

    ends = np.cumsum([array.size for array in start])[:-1]

    def unpacked(flat: Matrix) -> list[Matrix]:
        parts = np.split(flat, ends)
        return [part.reshape(array.shape) for part, array in zip(parts, start, strict=True)]

    def flat_loss(flat: Matrix) -> tuple[float, Matrix]:
        value, gradient = loss(unpacked(flat))
        return value, np.concatenate([array.ravel() for array in gradient])

    begin = np.concatenate([array.ravel() for array in start])
    options = {"maxiter": _STEPS}
    found = minimize(flat_loss, begin, jac=True, method="L-BFGS-B", options=options).x
    return unpacked(found)
