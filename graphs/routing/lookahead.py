"""Weighs plans of a few more calls: what the answers may be, how sure the best one then is, and what the calls cost.

Which models a plan may call does not depend on the price, so a lower price never leads to a plan of less expected
quality (of two plans, each the best at its price, the one for the lower price has the higher quality and cost). It
knows no query and no text of an answer.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphs.routing.beliefs import Panel
from graphs.routing.estimators.base import Matrix, Rows

__all__ = ["Believed", "Flags", "Lookahead", "Plan"]

Flags = NDArray[np.bool_]


class Believed(Protocol):
    """What is believed of the answers of b queries in n imagined courses each, whatever they can be compared by."""

    @property
    def answers(self) -> int:
        """How many answers there is room for."""
        ...

    @property
    def mass(self) -> Matrix:
        """The probability of what came in, (b, n)."""
        ...

    @property
    def best(self) -> Matrix:
        """The probability that the best answer is right, with what came in, (b, n)."""
        ...

    def after_one(self, panel: Panel) -> Matrix:
        """Return the expected `best` after one more call of each model, (b, n, k)."""
        ...

    def imagined(self, panel: Panel) -> "Believed":
        """Return the beliefs after each model's each outcome, (b, n * k * outcomes)."""
        ...


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

    def plan(
        self, beliefs: Believed, free: Flags, *, depth: int, forced: Flags | None = None
    ) -> Plan:
        """Return the best plan of at most `depth` calls of models that are `free` (b, k).

        Where nothing was called yet, one call is made whatever it costs, and so it is where it is `forced` (b,).
        """
        must = np.full(len(free), not beliefs.answers)
        must = (must if forced is None else must | forced)[:, None]
        first, quality, cost = self._best(beliefs, free[:, None], depth, forced=must)
        return Plan(first[:, 0], quality[:, 0], cost[:, 0])

    def one_more(self, beliefs: Believed, free: Flags) -> Plan:
        """Return the one call that is worth most whether or not it is worth its price; -1 where none is `free`.

        `Plan.quality` is how likely the best answer is then right, where nothing follows.
        """
        quality, cost = self._calls(beliefs, free[:, None], 1)
        worth = np.where(free, quality[:, 0] - self.price[:, None] * cost[:, 0], -np.inf)
        first = worth.argmax(axis=1)
        rows = np.arange(len(first))
        column = np.where(free.any(axis=1), first, -1)
        return Plan(column, quality[rows, 0, first], cost[rows, 0, first])

    def _best(
        self, beliefs: Believed, free: Flags, depth: int, *, forced: Flags | bool = False
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

    def _calls(self, beliefs: Believed, free: Flags, depth: int) -> tuple[Matrix, Matrix]:
        """Return the expected quality and cost of calling each model and then going on as is best, (b, n, k) each."""
        own = beliefs.mass[:, :, None] * self.cost[:, None]
        if depth == 1:
            return beliefs.after_one(self.panel), own
        b, n, k = own.shape
        imagined = beliefs.imagined(self.panel)
        outcomes = imagined.mass.shape[1] // (n * k)
        left = free[:, :, None, None] & ~np.eye(k, dtype=bool)[:, None]
        left = np.broadcast_to(left, (b, n, k, outcomes, k)).reshape(b, -1, k)
        _, quality, cost = self._best(imagined, left, depth - 1)
        shape = (b, n, k, outcomes)
        return quality.reshape(shape).sum(axis=3), own + cost.reshape(shape).sum(axis=3)
