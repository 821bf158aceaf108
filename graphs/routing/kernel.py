"""Kernel ridge regression: whom of several a vector belongs to, by how alike it is to rows whose owners are known.

One solve and no training. Beyond some thousand rows, an even sample of them stands for all (Williams and Seeger, 2001),
so that the time grows with the rows and not with their cube. It knows no texts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KernelRidge", "fit_kernel"]

Matrix = NDArray[np.float32]
EXACT = 10_000
"""Rows up to which each is compared with: a few seconds and 400 MB while it is fitted."""
LANDMARKS = 2_500
"""Rows that are compared with where there are more."""
_WIDTH = 2.0
"""The kernel is exp(-width * (1 - cosine)), a Gaussian on the sphere."""
_RIDGE = 0.1
_RIDGE_OF_MANY = 0.3
"""Where landmarks stand for the rows."""
_JITTER = 1e-3
_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class KernelRidge:
    """What was fitted."""

    landmarks: Matrix
    """(m, d), unit rows."""
    chosen: NDArray[np.int64]
    """(m,): which of the rows it was fitted on the landmarks are."""
    weights: Matrix
    """(m, owners)."""

    def __call__(self, rows: Matrix) -> Matrix:
        """Return how much each of the unit rows (n, d) belongs to each owner: (n, owners), about 0 to 1."""
        scores: Matrix = _alike(rows @ self.landmarks.T) @ self.weights
        return scores

    def of_cosines(self, cosines: Matrix) -> Matrix:
        """Return the same (owners,) for one row of which the cosine with each row it was fitted on (n,) is known."""
        scores: Matrix = _alike(cosines[self.chosen]) @ self.weights
        return scores


def fit_kernel(rows: Matrix, owners: NDArray[np.int64]) -> KernelRidge:
    """Fit on unit rows (n, d) and the owner of each, numbered from 0 on."""
    count = int(owners.max()) + 1
    if len(rows) <= EXACT:
        left = _alike(rows @ rows.T)
        left[np.diag_indices_from(left)] += np.float32(_RIDGE)
        return KernelRidge(rows, np.arange(len(rows)), _solved(left, _targets(owners, count)))
    chosen = np.linspace(0, len(rows) - 1, LANDMARKS).astype(np.int64)
    landmarks = np.ascontiguousarray(rows[chosen])
    square = _RIDGE_OF_MANY * _alike(landmarks @ landmarks.T).astype(np.float64)
    square[np.diag_indices_from(square)] += _JITTER
    right = np.zeros((len(landmarks), count))
    for at in range(0, len(rows), _AT_ONCE):
        alike = _alike(rows[at : at + _AT_ONCE] @ landmarks.T)
        square += alike.T @ alike
        right += alike.T @ _targets(owners[at : at + _AT_ONCE], count)
    # Sums in single precision may leave it not quite positive definite where landmarks are alike.
    weights: Matrix = np.linalg.solve(square, right).astype(np.float32)
    return KernelRidge(landmarks, chosen, weights)


def _alike(cosines: Matrix) -> Matrix:
    """Return the kernel of rows with these cosines, which are overwritten."""
    np.clip(cosines, -1, 1, out=cosines)
    cosines -= np.float32(1)
    cosines *= np.float32(_WIDTH)
    return np.exp(cosines, out=cosines)


def _targets(owners: NDArray[np.int64], count: int) -> Matrix:
    targets = np.full((len(owners), count), -1 / count, np.float32)
    targets[np.arange(len(owners)), owners] += 1
    return targets


def _solved(left: Matrix, right: Matrix) -> Matrix:
    """Return the solution for a `left` that is symmetric and surely positive definite; it is overwritten."""
    from scipy.linalg import cho_factor, cho_solve  # only a fit needs it

    factor = cho_factor(left.T, lower=True, overwrite_a=True, check_finite=False)
    found: Matrix = cho_solve(factor, right, check_finite=False).astype(np.float32)
    return found
