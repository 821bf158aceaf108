"""Kernel ridge regression: whom of several a vector belongs to, by how alike it is to rows whose owners are known.

One solve and no training. Beyond a thousand rows, an even sample of them stands for all (Williams and Seeger, 2001),
so that the time grows with the rows and not with their cube. It knows no texts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KernelRidge", "fit_kernel"]

Matrix = NDArray[np.float32]
LANDMARKS = 1_200
"""Rows that are compared with; up to so many the solution is exact."""
_WIDTH = 2.0
"""The kernel is exp(-width * (1 - cosine)), a Gaussian on the sphere."""
_RIDGE = 0.1
_RIDGE_OF_MANY = 0.3
"""Where rows are more than landmarks."""
_JITTER = 1e-3
_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class KernelRidge:
    """What was fitted."""

    landmarks: Matrix
    """(m, d), unit rows."""
    weights: Matrix
    """(m, owners)."""

    def __call__(self, rows: Matrix) -> Matrix:
        """Return how much each of the unit rows (n, d) belongs to each owner: (n, owners), about 0 to 1."""
        scores: Matrix = _alike(rows, self.landmarks) @ self.weights
        return scores


def fit_kernel(rows: Matrix, owners: NDArray[np.int64]) -> KernelRidge:
    """Fit on unit rows (n, d) and the owner of each, numbered from 0 on."""
    count, few = int(owners.max()) + 1, len(rows) <= LANDMARKS
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), LANDMARKS)).astype(int)
    landmarks = np.ascontiguousarray(rows[chosen])
    between = _alike(landmarks, landmarks).astype(np.float64)
    diagonal = np.eye(len(landmarks))
    if few:
        targets = _targets(owners, count).astype(np.float64)
        return KernelRidge(landmarks, _solved(between + _RIDGE * diagonal, targets))
    square = _RIDGE_OF_MANY * between + _JITTER * diagonal
    right = np.zeros((len(landmarks), count))
    for at in range(0, len(rows), _AT_ONCE):
        alike = _alike(rows[at : at + _AT_ONCE], landmarks)
        square += alike.T @ alike
        right += alike.T @ _targets(owners[at : at + _AT_ONCE], count)
    return KernelRidge(landmarks, _solved(square, right))


def _alike(rows: Matrix, landmarks: Matrix) -> Matrix:
    cosines = np.clip(rows @ landmarks.T, -1, 1)
    alike: Matrix = np.exp(np.float32(_WIDTH) * (cosines - np.float32(1)))
    return alike


def _targets(owners: NDArray[np.int64], count: int) -> Matrix:
    targets = np.full((len(owners), count), -1 / count, np.float32)
    targets[np.arange(len(owners)), owners] += 1
    return targets


def _solved(left: NDArray[np.float64], right: NDArray[np.float64]) -> Matrix:
    found: Matrix = np.linalg.solve(left, right).astype(np.float32)
    return found
