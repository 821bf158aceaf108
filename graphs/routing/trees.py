"""Boosted regression trees as plain arrays: what a fitted decision is, and its sum over rows of features.

It knows nothing of what the features mean.
"""

from dataclasses import dataclass

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

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over the trees for each row of features (n, features): (n,)."""
        trees = np.arange(len(self.feature))[None, :]
        node: NDArray[np.int64] = np.zeros((len(rows), len(self.feature)), np.int64)
        at = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            feature = self.feature[trees, node]
            right = rows[at, np.maximum(feature, 0)] > self.threshold[trees, node]
            node = self.left[trees, node].astype(np.int64) + (right & (feature >= 0))
        total: NDArray[np.float64] = self.threshold[trees, node].sum(axis=1, dtype=np.float64)
        return total
