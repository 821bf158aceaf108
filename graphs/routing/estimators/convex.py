"""Weights of parts that are not negative and sum to 1, by least squares, and whether one part more earns its place.

Stacking: Wolpert, 1992; Breiman, 1996. It knows no part and no model.
"""

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Matrix

__all__ = ["convex", "surely_less"]

_SURE = 2.0
"""Standard errors by which a mean must be away from 0."""


def convex(design: Matrix, target: Matrix, *, prior: Matrix, share: float = 0.0) -> Matrix:
    """Return the weights (k,) with the least squared error of `design` (r, k) against `target` (r,).

    Args:
        design: what each part says.
        target: what was found.
        prior: weights, of any sum above 0, that are taken for right on further rows like these.
        share: how many such rows there are for each row of `design`.
    """
    from scipy.optimize import nnls  # only a fit needs it

    gram, moment = design.T @ design, design.T @ target
    moment += share * gram @ (prior / prior.sum())
    gram *= 1 + share
    # A heavy row makes the weights sum to 1; a light ridge settles ties between equal parts.
    heavy = 1e3 * np.sqrt(np.trace(gram) + 1e-12)
    root = np.linalg.cholesky(gram + (1e-6 * np.trace(gram) + 1e-12) * np.eye(design.shape[1]))
    rows = np.vstack([root.T, heavy * np.ones(design.shape[1])])
    right = np.append(np.linalg.solve(root, moment), heavy)
    found, _ = nnls(rows, right)
    weights: Matrix = found / found.sum()
    return weights


def surely_less(errors: Matrix, than: Matrix, queries: NDArray[np.intp]) -> bool:
    """Tell whether errors (r,) are less than others by more than two standard errors over `queries` (r,).

    Errors on one query are not independent: the sums over queries are compared.
    """
    gained = np.bincount(queries, than - errors)
    count = len(np.unique(queries))
    error = np.sqrt((gained**2).sum() - gained.sum() ** 2 / max(count, 1))
    return bool(gained.sum() > _SURE * error)
