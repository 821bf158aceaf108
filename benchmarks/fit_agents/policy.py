"""Sets a catalogue of cards before a turn and turns the turn into a group: evidence on candidates, and which is right.

It uses what routes in the application, so that trees are fitted on the rows that they will see.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from benchmarks.fit_agents.spaces import Fold, Spaces
from graphs.routing.agents import AgentIndex
from graphs.routing.chooser import Chooser
from graphs.routing.dialogue import Dialogue
from graphs.routing.fitted import Fitted
from graphs.routing.general import GeneralRequests
from graphs.routing.reading import read_turn
from graphs.routing.trees import Trees

__all__ = ["Catalogue", "Group", "Policy"]

_AGAINST_NONE = 0.3
"""What "none" loses where the fitted trees choose, so that their mistakes are of both kinds."""
_UNFITTED = Trees(
    feature=np.full((1, 1), -1, np.int16),
    threshold=np.zeros((1, 1), np.float32),
    left=np.zeros((1, 1), np.int16),
)
_NONE_TOLD = GeneralRequests(weights=np.zeros(1, np.float32), worth=np.zeros(2, np.float32))


@dataclass(frozen=True, slots=True)
class Group:
    """Rows (candidates + 1, features), the last for "none", and the right one."""

    rows: NDArray[np.float32]
    right: int
    text: str
    """What the user said."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who chooses the agents that dialogues go on with: fitted trees or, without them, the labels."""

    trees: Trees | None = None

    def choose(self, rows: NDArray[np.float32], ids: list[str]) -> str | None:
        """Return the agent that the trees would take; None for none."""
        assert self.trees is not None
        scores = self.trees(rows)
        scores[-1] -= _AGAINST_NONE
        best = int(np.argmax(scores))
        return ids[best] if best < len(ids) else None


class Catalogue:
    """Cards that turns are read against."""

    def __init__(self, cards: Iterable[AgentCard], spaces: Spaces, fold: Fold, *, dim: int) -> None:
        every = list(cards)
        self.ids = frozenset(card.id for card in every)
        self._encode = fold.encode
        index = AgentIndex.from_cards(every, fold.encode, dim=dim, space=fold.space)
        # Odds are never asked for here: candidates and evidence need no trees.
        fitted = Fitted(trees=_UNFITTED, space=spaces.whole, general=_NONE_TOLD)
        self._chooser = Chooser(index, fold.encode, fitted)

    def read(self, text: str, dialogue: Dialogue) -> tuple[list[str], NDArray[np.float32]]:
        """Return the candidates and the evidence on them."""
        reading = read_turn(text, dialogue, self._encode)
        ids = self._chooser.shortlist(reading, dialogue)
        return ids, self._chooser.rows(ids, reading, dialogue)

    def group(
        self, ids: list[str], rows: NDArray[np.float32], right: str | None, text: str
    ) -> Group | None:
        """Return the group; None where the right agent is not among the candidates."""
        if right not in self.ids:
            return Group(rows, len(ids), text)
        return Group(rows, ids.index(right), text) if right in ids else None
