"""Picks queries that stand for many: greedy farthest-first traversal (Gonzalez, 1985), a 2-approximation of k-center.

MoMA (arXiv 2509.07571) lets a BERT-based model pick representative queries and does not say how: this is our choice.
The order is a prefix order: the first n of a longer pick are the pick of n. It knows no model and no answer.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["farthest_first"]


def farthest_first(
    vectors: NDArray[np.float32], count: int, *, groups: Sequence[str | None] | None = None
) -> list[int]:
    """Return the rows of the `count` most diverse vectors, in the order in which they were picked.

    The first is the nearest to the mean; each further one is the farthest from all before it. Ties go to the lower
    row, so that equal vectors give an equal pick.

    Args:
        vectors: (n, d) unit rows.
        count: how many; all of them if there are fewer.
        groups: for each row its data set: the groups take turns, the largest first, so that none is left out.
    """
    n = len(vectors)
    if not n or count < 1:
        return []
    names = np.array(["" if group is None else group for group in groups or [None] * n])
    # The squared distance of each row to the nearest row that was picked; picked rows are at minus one.
    nearest = np.full(n, np.inf)
    centre = vectors.mean(axis=0)
    picked: list[int] = []
    turns = _turns(names)
    while len(picked) < min(count, n):
        members = next(turns)
        open_rows = members[nearest[members] >= 0]
        if not len(open_rows):
            continue
        if not picked:
            row = int(open_rows[(vectors[open_rows] @ centre).argmax()])
        else:
            row = int(open_rows[nearest[open_rows].argmax()])
        picked.append(row)
        distance = np.maximum(2 - 2 * (vectors @ vectors[row]).astype(np.float64), 0)
        nearest = np.minimum(nearest, distance)
        nearest[picked] = -1
    return picked


def _turns(names: NDArray[np.str_]) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each group in turn, for ever."""
    found, counts = np.unique(names, return_counts=True)
    order = found[np.lexsort((found, -counts))]
    members = [np.flatnonzero(names == name) for name in order]
    while True:
        yield from members
