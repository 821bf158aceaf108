"""Boosted regression trees as plain arrays: what a fitted decision is, and its sum over rows of features.

It knows nothing of what the features mean.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trees"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Trees, one a row; node 0 is the root, and a node's right child follows its left one."""

    feature: NDArray[np.int16]
    """(trees, nodes); -1 marks a leaf."""
    threshold: NDArray[np.float32]
    """(trees, nodes); a row whose feature is at most this goes left. At a leaf, the leaf's value."""
    left: NDArray[np.int16]
    """(trees, nodes); at a leaf the node itself."""
    depth: int
    _flat: tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]] = field(
        init=False, repr=False
    )
    """Feature, threshold and left child of every node, one after the other; a leaf never goes right."""

    def __post_init__(self) -> None:
        trees, nodes = self.feature.shape
        roots = nodes * np.arange(trees, dtype=np.int64)[:, None]
        leaf = self.feature.ravel() < 0
        feature = np.where(leaf, 0, self.feature.ravel()).astype(np.int64)
        threshold = np.where(leaf, np.float32(np.inf), self.threshold.ravel())
        left = (self.left.astype(np.int64) + roots).ravel()
        object.__setattr__(self, "_flat", (feature, threshold.astype(np.float32), left))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over the trees for each row of features (n, features): (n,)."""
        feature, threshold, left = self._flat
        trees, nodes = self.feature.shape
        values = np.ascontiguousarray(rows, np.float32).ravel()
        at = (rows.shape[1] * np.arange(len(rows), dtype=np.int64))[:, None]
        node = np.repeat((nodes * np.arange(trees, dtype=np.int64))[None, :], len(rows), axis=0)
        for _ in range(self.depth):
            right = values.take(at + feature.take(node)) > threshold.take(node)
            node = left.take(node) + right
        leaves = self.threshold.ravel().take(node)
        total: NDArray[np.float64] = leaves.sum(axis=1, dtype=np.float64)
        return total
