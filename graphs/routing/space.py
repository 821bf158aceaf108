"""What was fitted for the vectors of one encoder: a map, and prototypes of the requests that people make.

Numbers only. It knows no catalogue: the prototypes are of requests to agents that no user's catalogue need hold, so
that a text can be seen to ask for something that none of the agents at hand is for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Space", "nearness", "unit"]

Matrix = NDArray[np.float32]
NEAREST = 4
TEMPERATURE = 0.05
"""The softmax over the cosines of the nearest prototypes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Fitted numbers for unit vectors of dimension d."""

    learnt: Matrix
    """(d, e): texts and cards that belong together are nearer under it."""
    kinds: Matrix
    """(n, d), prototypes of requests to agents."""
    general: Matrix
    """(m, d), prototypes of requests that no specialised agent is for."""

    def map(self, rows: Matrix) -> Matrix:
        """Return unit rows (n, e) under the learnt map."""
        return unit(rows @ self.learnt)

    def kin(self, vector: Matrix) -> tuple[Matrix, float, float]:
        """Return the middle of the nearest prototypes (d,), and the cosines of the nearest kind and general one."""
        near = self.kinds @ vector
        few = np.argpartition(-near, NEAREST)[:NEAREST]
        weights = np.exp((near[few] - near[few].max()) / TEMPERATURE)
        middle: Matrix = unit((weights / weights.sum()) @ self.kinds[few]).astype(np.float32)
        return middle, float(near.max()), float((self.general @ vector).max())


def unit(rows: Matrix) -> Matrix:
    """Return `rows` at length 1; a row of zeros stays."""
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)
    return scaled


def nearness(rows: Matrix, queries: Matrix) -> Matrix:
    """Return the product of each row with the nearest query, (n,)."""
    # Of few queries a matrix by each vector takes a tenth of the time of a matrix by a narrow one.
    nearest: Matrix = rows @ queries[0]
    for query in queries[1:]:
        nearest = np.maximum(nearest, rows @ query)
    return nearest
