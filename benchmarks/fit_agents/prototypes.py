"""Makes prototypes: the middles of the requests of each label, and of requests that no agent is for (k-means)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_agents.learnt_map import Pairs

__all__ = ["kinds_of", "middles"]

Matrix = NDArray[np.float32]
_ROUNDS = 15
_FEWEST = 20
"""Requests a prototype, where a label has several."""


def kinds_of(sources: Sequence[Pairs]) -> tuple[Matrix, list[str]]:
    """Return prototypes (n, d), and the key of the label that each is of."""
    rows: list[Matrix] = []
    keys: list[str] = []
    for pairs in sources:
        for owner, key in enumerate(pairs.keys):
            own = pairs.requests[pairs.owners == owner]
            if len(own):
                most = {"sgd": 6, "metatool": 2}.get(key.partition(":")[0], 1)
                found = middles(own, max(1, min(most, len(own) // _FEWEST)))
                rows.append(found)
                keys += [key] * len(found)
    return np.concatenate(rows), keys


def middles(rows: Matrix, count: int) -> Matrix:
    """Return `count` unit vectors that `rows` (n, d) lie around, by spherical k-means."""
    draw = np.random.default_rng(0)
    found = rows[draw.choice(len(rows), min(count, len(rows)), replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = np.argmax(rows @ found.T, axis=1)
        for n in range(len(found)):
            if (nearest == n).any():
                middle = rows[nearest == n].mean(axis=0)
                found[n] = middle / np.linalg.norm(middle)
    return found
