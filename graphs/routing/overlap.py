"""What a new card would take from the agents that are there: of recorded turns, and of their own examples.

An example is judged without itself: what counts is whether a user who says the like would still reach its agent. It
changes nothing; the report is a value, and whether to refuse is for the caller to say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.card import AgentCard
from graphs.machine import Event
from graphs.routing.agents import AgentIndex, Encode
from graphs.routing.chooser import Chooser
from graphs.routing.decision import Odds, decide
from graphs.routing.dialogue import Dialogue
from graphs.routing.fitted import Fitted

__all__ = ["Collision", "Overlap", "overlap"]

SHOWN = 20
EXAMPLES_AN_AGENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """A text of another agent that it would no longer get, or not without a question."""

    agent: str
    text: str
    before: float
    """The probability of its agent without the new card."""
    after: float
    taken: float
    """The probability of the new agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What a new card would take."""

    card: str
    examples: int
    """Of the other agents, that were tried."""
    collisions: tuple[Collision, ...]
    texts: int
    """Held-out texts that were tried."""
    taken: dict[str, int]
    """By agent, the held-out texts that it would no longer get outright."""

    @property
    def share_of_examples(self) -> float:
        """The share of the other agents' examples that it would take."""
        return len(self.collisions) / self.examples if self.examples else 0.0

    @property
    def share_of_texts(self) -> float:
        """The share of the held-out texts that it would take from other agents."""
        return sum(self.taken.values()) / self.texts if self.texts else 0.0

    def plain(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {
            "card": self.card,
            "examples": self.examples,
            "share_of_examples": round(self.share_of_examples, 4),
            "collisions": [
                {
                    "agent": c.agent,
                    "text": c.text,
                    "before": round(c.before, 4),
                    "after": round(c.after, 4),
                    "taken": round(c.taken, 4),
                }
                for c in self.collisions
            ],
            "texts": self.texts,
            "share_of_texts": round(self.share_of_texts, 4),
            "taken": self.taken,
        }


def overlap(
    card: AgentCard,
    others: Iterable[AgentCard],
    encode: Encode,
    fitted: Fitted,
    *,
    dim: int,
    encoder: str,
    texts: Sequence[str] = (),
) -> Overlap:
    """Return what `card` would take.

    Args:
        card: the new card; one with its id among the others is replaced by it.
        others: the cards that are there.
        encode: embeds texts.
        fitted: the fitted decision.
        dim: the length of the vectors.
        encoder: the encoder's name.
        texts: requests that were recorded, each by itself.
    """
    there = [c for c in others if c.id != card.id and c.enabled]
    space = fitted.space_for(encoder)
    before = AgentIndex.from_cards(there, encode, dim=dim, space=space)
    after = AgentIndex.from_cards([*there, card], encode, dim=dim, space=space)
    choosers = [Chooser(index, encode, fitted) for index in (before, after)]
    examples = [(other.id, text) for other in there for text in _examples(other)]
    found = [_collision(agent, text, card.id, choosers) for agent, text in examples]
    collisions = [c for c in found if c]
    taken: dict[str, int] = {}
    for text in texts:
        was, now = (c.odds(text, Dialogue()) for c in choosers)
        loser = _served(was)
        if loser is not None and loser != _served(now):
            taken[loser] = taken.get(loser, 0) + 1
    collisions.sort(key=lambda c: (c.after - c.before, c.agent, c.text))
    return Overlap(
        card=card.id,
        examples=len(examples),
        collisions=tuple(collisions),
        texts=len(texts),
        taken=dict(sorted(taken.items())),
    )


def _examples(card: AgentCard) -> list[str]:
    return [e for skill in card.skills for e in skill.examples][:EXAMPLES_AN_AGENT]


def _collision(agent: str, text: str, card: str, choosers: Sequence[Chooser]) -> Collision | None:
    was, now = (c.odds(text, Dialogue(), unheard=True) for c in choosers)
    if _served(was) != agent or _served(now) == agent:
        return None
    return Collision(
        agent=agent, text=text, before=was.of(agent), after=now.of(agent), taken=now.of(card)
    )


def _served(odds: Odds) -> str | None:
    """Return who would get the request outright; a question is an answer from nobody."""
    decision = decide(odds)
    return None if decision.event == Event.CLARIFY else decision.agent
