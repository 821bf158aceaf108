"""What a comparison of two answers says: five outcomes, as in MoMA (arXiv 2509.07571), and how two orders merge.

It knows no judge and no text. Numbers of outcomes are the paper's (at second hand); that a disagreement between the
two orders counts as the same is our choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["MARGINS", "Pairs", "Verdict", "merged", "swapped"]


class Verdict(IntEnum):
    """How the first answer stands to the second."""

    SAME = 0  # as good as each other
    FIRST = 1  # the first is better
    SECOND = 2  # the second is better
    FIRST_FAR = 3  # the first is much better
    SECOND_FAR = 4  # the second is much better


MARGINS = {
    Verdict.SAME: 0,
    Verdict.FIRST: 1,
    Verdict.SECOND: -1,
    Verdict.FIRST_FAR: 2,
    Verdict.SECOND_FAR: -2,
}
"""By how much the first is better, from -2 to 2."""
_OF_MARGIN = {margin: verdict for verdict, margin in MARGINS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """p comparisons of m models on n queries: `query`, `first`, `second` (p,) number them, `margin` (p,) is -2..2."""

    queries: int
    models: int
    query: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    margin: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.margin)

    @classmethod
    def from_rows(
        cls, rows: Iterable[tuple[int, int, int, int]], *, queries: int, models: int
    ) -> "Pairs":
        """Return the pairs of rows (query, first model, second model, margin)."""
        table = np.array(list(rows), np.intp).reshape(-1, 4)
        query, first, second, margin = table.T
        return cls(
            queries=queries, models=models, query=query, first=first, second=second, margin=margin
        )

    def take(self, rows: NDArray[np.intp]) -> "Pairs":
        """Return the pairs of `rows`."""
        return Pairs(
            queries=self.queries,
            models=self.models,
            query=self.query[rows],
            first=self.first[rows],
            second=self.second[rows],
            margin=self.margin[rows],
        )

    def of_queries(self, queries: NDArray[np.intp]) -> "Pairs":
        """Return the pairs on `queries` (q,), each there once at most, which are numbered anew in that order."""
        place = np.full(self.queries, -1)
        place[queries] = np.arange(len(queries))
        rows = np.flatnonzero(place[self.query] >= 0)
        found = self.take(rows)
        return replace(found, queries=len(queries), query=place[found.query])

    def before(self, query: int) -> "Pairs":
        """Return the pairs on the queries before `query`."""
        return replace(self.take(np.flatnonzero(self.query < query)), queries=query)

    def resampled(self, random: np.random.Generator) -> NDArray[np.intp]:
        """Return the rows of as many queries drawn with replacement: pairs of one query stay together."""
        order = np.argsort(self.query, kind="stable")
        counts = np.bincount(self.query, minlength=self.queries)
        starts = np.cumsum(counts) - counts
        judged = np.flatnonzero(counts)
        drawn = random.choice(judged, len(judged)) if len(judged) else judged
        return np.concatenate(
            [order[starts[q] : starts[q] + counts[q]] for q in drawn] or [order[:0]]
        )


def swapped(verdict: Verdict) -> Verdict:
    """Return the verdict with the two answers in the other order."""
    return _OF_MARGIN[-MARGINS[verdict]]


def merged(forward: Verdict, backward: Verdict) -> Verdict:
    """Return the verdict of both orders: the milder if they agree on the winner, else the same.

    Args:
        forward: how the first answer stands to the second, when it was shown first.
        backward: the same, when it was shown second.
    """
    one, other = MARGINS[forward], MARGINS[backward]
    if one * other <= 0:
        return Verdict.SAME
    return _OF_MARGIN[min(one, other, key=abs)]
