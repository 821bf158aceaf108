"""Weighs plans of a few more calls: what the answers may be, how sure the best one then is, and what the calls cost.

Which models a plan may call does not depend on the price, so a lower price never leads to a plan of less expected
quality (of two plans, each the best at its price, the one for the lower price has the higher quality and cost). It
knows no query and no text of an answer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.beliefs import Beliefs, Panel
from graphs.routing.estimators.base import Matrix, Rows

__all__ = ["Flags", "Lookahead", "Plan"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """The best plan for each of b queries, with the `quality` and the `cost` (USD) that are expected of it."""

    column: Rows
    """What it calls first, -1 to stop."""
    quality: Matrix
    cost: Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookahead:
    """Plans for b queries with k models each, of the `cost` (b, k) in USD; a USD must buy `price` (b,) of quality."""

    panel: Panel
    cost: Matrix
    price: Matrix

    def take(self, rows: Rows) -> "Lookahead":
        """Return the queries of `rows`."""
        return Lookahead(panel=self.panel.take(rows), cost=self.cost[rows], price=self.price[rows])

    def plan(self, beliefs: Beliefs, free: Flags, *, depth: int) -> Plan:
        """Return the best plan of at most `depth` calls of models that are `free` (b, k).

        Where nothing was called yet, one call is made whatever it costs.
        """
        first, quality, cost = self._best(beliefs, free[:, None], depth, forced=not beliefs.answers)
        return Plan(first[:, 0], quality[:, 0], cost[:, 0])

    def _best(
        self, beliefs: Beliefs, free: Flags, depth: int, *, forced: bool = False
    ) -> tuple[Rows, Matrix, Matrix]:
        """Return the first call of the best plan or -1, its expected quality and its expected cost, (b, n) each."""
        quality, cost = self._calls(beliefs, free, depth)
        worth = np.where(free, quality - self.price[:, None, None] * cost, -np.inf)
        first = worth.argmax(axis=2)
        stop = beliefs.best

        def of_first(values: Matrix) -> Matrix:
            chosen: Matrix = np.take_along_axis(values, first[:, :, None], axis=2)[:, :, 0]
            return chosen

        goes = (of_first(worth) > stop) | forced
        return (
            np.where(goes, first, -1),
            np.where(goes, of_first(quality), stop),
            np.where(goes, of_first(cost), 0.0),
        )

    def _calls(self, beliefs: Beliefs, free: Flags, depth: int) -> tuple[Matrix, Matrix]:
        """Return the expected quality and cost of calling each model and then going on as is best, (b, n, k) each."""
        own = beliefs.mass[:, :, None] * self.cost[:, None]
        if depth == 1:
            return beliefs.after_one(self.panel), own
        (b, n, k), outcomes = own.shape, beliefs.answers + 2
        left = free[:, :, None, None] & ~np.eye(k, dtype=bool)[:, None]
        left = np.broadcast_to(left, (b, n, k, outcomes, k)).reshape(b, -1, k)
        _, quality, cost = self._best(beliefs.branches(self.panel), left, depth - 1)
        shape = (b, n, k, outcomes)
        return quality.reshape(shape).sum(axis=3), own + cost.reshape(shape).sum(axis=3)
