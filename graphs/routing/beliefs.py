"""What is believed of a query's answers while models are called one after another, and what one more call may tell.

A hypothesis says which of the answers seen is right, or that none is. Each answer that comes in weighs every hypothesis
by how likely it makes that answer; an answer that was foreseen and one that came in are weighed by the same rule. Wrong
answers gather as guests at the tables of a restaurant do (Blei & Frazier, 2011, on distances; here on likeness). It
knows no text, no price and no rule of choice.

Axes: b queries, n imagined courses of each, k models, h hypotheses (c answers, then none of them), u levels.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Matrix, Rows

__all__ = ["Beliefs", "Believed", "Panel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """How the models that may be called answer: as in `Joint`, for the k of each query."""

    chances: Matrix
    """(b, k, u)"""
    weights: Matrix
    """(u,)"""
    empty: Matrix
    """(b, k)"""
    likeness: Matrix
    """(b, k, k)"""
    verdicts: Matrix | None = None
    """How likely a check speaks well of a right answer, and of a wrong one, (b, k, 2); None where none is foreseen."""

    def take(self, rows: Rows) -> "Panel":
        """Return the queries of `rows`."""
        return Panel(
            chances=self.chances[rows],
            weights=self.weights,
            empty=self.empty[rows],
            likeness=self.likeness[rows],
            verdicts=None if self.verdicts is None else self.verdicts[rows],
        )

    def start(self) -> "Beliefs":
        """Return what is believed before anything was called."""
        b, k, u = self.chances.shape
        weights = np.broadcast_to(self.weights, (b, 1, 1, u))
        return Beliefs(weights=weights, pull=np.zeros((b, 1, k, 0)))


class Believed(ABC):
    """What every kind of beliefs says of the answers, from the weights of its hypotheses, (b, n, h, u)."""

    __slots__ = ()

    weights: Matrix

    @property
    @abstractmethod
    def right(self) -> Matrix:
        """The probability that each answer is right, with what came in, (b, n, c)."""

    @abstractmethod
    def imagined(self, panel: Panel) -> "Believed":
        """Return the beliefs after each model's each outcome, (b, n * k * outcomes)."""

    @property
    def mass(self) -> Matrix:
        """The probability of what came in, (b, n)."""
        total: Matrix = self.weights.sum(axis=(2, 3))
        return total

    @property
    def best(self) -> Matrix:
        """The probability that the best answer is right, with what came in, (b, n)."""
        highest: Matrix = self.right.max(axis=2, initial=0.0)
        return highest

    def foreseen(self, panel: Panel) -> Matrix:
        """Return the expected `best` over what is imagined of one more call of each model, (b, n, k)."""
        b, n = self.mass.shape
        by_outcome: Matrix = self.imagined(panel).best.reshape(b, n, panel.empty.shape[1], -1)
        total: Matrix = by_outcome.sum(axis=3)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs(Believed):
    """`weights` (b, n, h, u): the probability of what came in and of each hypothesis, at each level.

    `pull` (b, n, k, c): the odds that each answer draws a model that is wrong, against a wrong answer of its own.
    """

    weights: Matrix
    pull: Matrix

    @property
    def answers(self) -> int:
        """How many answers there is room for; those that nobody gave have no weight."""
        return int(self.pull.shape[3])

    @property
    def right(self) -> Matrix:
        """The probability that each answer is right, with what came in, (b, n, c)."""
        by_answer: Matrix = self.weights[:, :, : self.answers].sum(axis=3)
        return by_answer

    def after_one(self, panel: Panel) -> Matrix:
        """Return the expected `best` after one more call of each model, (b, n, k)."""
        if panel.verdicts is not None:
            return self.foreseen(panel)
        c = self.answers
        right = panel.chances[:, None] @ self.weights.swapaxes(2, 3)
        wrong = self.weights.sum(axis=3)[:, :, None] - right
        alone = self._alone(wrong, panel)
        found: Matrix = np.maximum(right[..., c], alone[..., :c].max(axis=3, initial=0.0))
        found += wrong[..., :c].max(axis=3, initial=0.0) * panel.empty[:, None]
        for answer in range(c):
            joined = alone[..., :c] * self.pull[..., answer, None]
            joined[..., answer] = right[..., answer]
            found += joined.max(axis=3)
        return found

    def branches(self, panel: Panel) -> "Beliefs":
        """Return the beliefs after each model's each outcome, (b, n * k * (c + 2)): an answer seen, a new one, none."""
        (b, n, _, u), c, k = self.weights.shape, self.answers, panel.empty.shape[1]
        right = self.weights[:, :, None] * panel.chances[:, None, :, None]
        wrong = self.weights[:, :, None] - right
        alone = self._alone(wrong.swapaxes(3, 4), panel).swapaxes(3, 4)
        weights = np.zeros((b, n, k, c + 2, c + 2, u))
        pull = np.zeros((b, n, k, c + 2, k, c + 1))
        pull[..., :c] = self.pull[:, :, None, None]
        kin = panel.likeness.swapaxes(1, 2)[:, None]
        old = [*range(c), c + 1]  # where the hypotheses that there were stand among the new ones
        for answer in range(c):
            weights[:, :, :, answer, old] = alone * self.pull[:, :, :, answer, None, None]
            weights[:, :, :, answer, answer] = right[..., answer, :]
            pull[:, :, :, answer, :, answer] += kin
        weights[:, :, :, c, old] = alone
        weights[:, :, :, c, c] = right[..., c, :]
        pull[:, :, :, c, :, c] = kin
        weights[:, :, :, c + 1, old] = wrong * panel.empty[:, None, :, None, None]
        outcomes = n * k * (c + 2)
        return Beliefs(
            weights=weights.reshape(b, outcomes, c + 2, u),
            pull=pull.reshape(b, outcomes, k, c + 1),
        )

    def imagined(self, panel: Panel) -> "Beliefs":
        """Return `branches`, each in two where a check is foreseen: it speaks well of the answer, or not."""
        branches = self.branches(panel)
        if panel.verdicts is None:
            return branches
        b, total, h, u = branches.weights.shape
        k, c = panel.empty.shape[1], self.answers
        outcomes = c + 2
        weights = branches.weights.reshape(b, -1, k, outcomes, 1, h, u)
        well = panel.verdicts[:, :, None, None, :]  # (b, k, outcomes, h, right or wrong)
        # The hypothesis that an outcome's answer is right has its number.
        right = np.eye(outcomes, h, dtype=bool)
        right[-1] = False
        said = np.where(right, well[..., 0], well[..., 1])
        said[:, :, -1] = 0.5  # of no answer there is nothing to say
        both = np.stack([said, 1 - said], axis=3)[:, None, :, :, :, :, None]
        split = (weights * both).reshape(b, 2 * total, h, u)
        return Beliefs(weights=split, pull=np.repeat(branches.pull, 2, axis=1))

    def told(
        self, panel: Panel, column: Rows, answer: Rows, odds: Matrix | None = None
    ) -> "Beliefs":
        """Return the beliefs after one call for each query, scaled to a `mass` of 1.

        Args:
            panel: the models.
            column: which was called, (b,).
            answer: what it said, (b,): one of the answers seen, `answers` for a new one, `answers + 1` for none.
            odds: how much likelier what checks said of it is of a right answer than of a wrong one, (b,).
        """
        rows = np.arange(len(column))
        place = column * (self.answers + 2) + answer
        branches = self.branches(panel)
        weights = branches.weights[rows, place][:, None]
        if odds is not None:
            weights = weights.copy()
            heard = answer <= self.answers
            weights[rows[heard], 0, answer[heard]] *= odds[heard, None]
        mass = weights.sum(axis=(1, 2, 3), keepdims=True)
        # What was held for impossible tells nothing of what is right.
        weights = np.where(
            mass > 0, weights / np.where(mass > 0, mass, 1), 1 / np.prod(weights.shape[1:])
        )
        return Beliefs(weights=weights, pull=branches.pull[rows, place][:, None])

    def take(self, rows: NDArray[np.intp]) -> "Beliefs":
        """Return the beliefs of the queries of `rows`."""
        return Beliefs(weights=self.weights[rows], pull=self.pull[rows])

    def _alone(self, wrong: Matrix, panel: Panel) -> Matrix:
        """Return the part of `wrong` (b, n, k, ..., h) in which the model says something readable of its own."""
        drawn = self.pull.sum(axis=3)[..., None] - np.concatenate(
            [self.pull, np.zeros((*self.pull.shape[:3], 1))], axis=3
        )
        share = (1 - panel.empty)[:, None, :, None] / (1 + drawn)
        spread = share if wrong.ndim == share.ndim else share[:, :, :, None]
        part: Matrix = wrong * spread
        return part
