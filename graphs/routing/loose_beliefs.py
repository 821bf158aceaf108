"""What is believed of answers that cannot be compared, as free texts: each is right or wrong by itself.

Several may be right, so that two that differ say nothing against each other; what is learnt comes from checks, and from
how hard the query then seems to be for all models. It knows no text, no price and no rule of choice.

Axes as in `beliefs`, but for h: the ways in which c answers may be right or wrong, bit a of its number for answer a.
"""

from dataclasses import dataclass

import numpy as np

from graphs.routing.beliefs import Beliefs, Believed, Panel
from graphs.routing.estimators.base import Matrix, Rows

__all__ = ["LooseBeliefs", "loosened"]


@dataclass(frozen=True, slots=True)
class LooseBeliefs(Believed):
    """`weights` (b, n, 2 ** c, u): the probability of what came in and of each way, at each level."""

    weights: Matrix

    @property
    def answers(self) -> int:
        """How many answers came."""
        return int(self.weights.shape[2]).bit_length() - 1

    @property
    def right(self) -> Matrix:
        """The probability that each answer is right, with what came in, (b, n, c)."""
        ways = self.weights.sum(axis=3)
        bits = (np.arange(ways.shape[2])[:, None] >> np.arange(self.answers)) & 1
        by_answer: Matrix = ways @ bits
        return by_answer

    def after_one(self, panel: Panel) -> Matrix:
        """Return the expected `best` after one more call of each model, (b, n, k)."""
        return self.foreseen(panel)

    def imagined(self, panel: Panel) -> "LooseBeliefs":
        """Return the beliefs after each model's answer and what a check says of it, (b, n * k * verdicts)."""
        b, _, h, u = self.weights.shape
        right = (self.weights[:, :, None] * panel.chances[:, None, :, None])[:, :, :, None]
        wrong = self.weights[:, :, None, None] - right
        if panel.verdicts is None:
            weights = np.concatenate([wrong, right], axis=4)
        else:
            well = np.stack([panel.verdicts, 1 - panel.verdicts], axis=2)  # (b, k, verdicts, 2)
            said = well[:, None, :, :, None, None]
            weights = np.concatenate([wrong * said[..., 1], right * said[..., 0]], axis=4)
        return LooseBeliefs(weights.reshape(b, -1, 2 * h, u))

    def told(
        self, panel: Panel, column: Rows, answer: Rows, odds: Matrix | None = None
    ) -> "LooseBeliefs":
        """Return the beliefs after one call for each query, scaled to a `mass` of 1.

        Args:
            panel: the models.
            column: which was called, (b,).
            answer: (b,): `answers` for one that can be used, `answers + 1` for none.
            odds: how much likelier what checks said of it is of a right answer than of a wrong one, (b,).
        """
        rows = np.arange(len(column))
        chance = panel.chances[rows, column][:, None, None]
        used = (answer <= self.answers)[:, None, None, None]
        ratio = 1.0 if odds is None else odds[:, None, None, None]
        right = self.weights * chance * ratio * used
        weights = np.concatenate([self.weights * (1 - chance), right], axis=2)
        mass = weights.sum(axis=(1, 2, 3), keepdims=True)
        return LooseBeliefs(weights / np.where(mass > 0, mass, 1))

    def take(self, rows: Rows) -> "LooseBeliefs":
        """Return the beliefs of the queries of `rows`."""
        return LooseBeliefs(self.weights[rows])


def loosened(beliefs: Beliefs) -> LooseBeliefs:
    """Return the same beliefs where what comes next cannot be compared with what came."""
    b, n, _, u = beliefs.weights.shape
    c = beliefs.answers
    weights = np.zeros((b, n, 2**c, u))
    weights[:, :, [*(1 << np.arange(c)), 0]] = beliefs.weights
    return LooseBeliefs(weights)
