"""Finds the agents that fit a text, and decides: stay, switch, start, ask, or none.

It knows cards and vectors; who may serve is decided before (masks), and what the words of a short reply mean is
read elsewhere. An agent is known by several texts (description, skills, examples) and is as near as the nearest.
General requests, which are nobody's, are known by examples too, so that "none" is a candidate like any other.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from graphs.machine import Event, Phase
from graphs.routing.index import VectorIndex

CATEGORIES = 8
"""How many categories are opened."""
TEXTS_AN_AGENT = 60
_SEPARATOR = "\x1f"

# The decision is logistic in two cosines: how near the agent is, and how much nearer than a general request.
_SLOPE, _FIT_AT, _AGAINST_NONE = 14.0, 0.36, 9.0
START_AT = 0.5
"""An agent takes the floor at this probability that it fits."""
ASK_WITHIN = 0.03
"""Two agents whose cosines differ by less are too close to choose between."""
SWITCH_MARGIN = 0.08
"""How much nearer than the holder another agent must be to take the floor from it."""
LEAVE_OPEN_QUESTION_AT = 0.8
"""The probability at which another agent takes a turn that the holder's own question waits for."""

Vector = NDArray[np.float32]


class Encode(Protocol):
    """Embeds texts: (n,) texts to (n, d) unit rows."""

    def __call__(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """Return one row for each text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the decision knows of the turn besides the text."""

    phase: str
    holder: str | None = None
    may_ask: bool = True
    """False if the last turn was a question of the router's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who takes the turn."""

    event: Event
    agent: str | None
    others: tuple[str, ...] = ()
    """With `clarify`, the agents to offer."""
    p_fit: float
    """The probability that the best agent fits."""
    reason: str


class AgentIndex:
    """The cards' texts as vectors, in two levels: categories, then agents."""

    def __init__(self, encode: Encode, dim: int) -> None:
        self._encode = encode
        self._texts = VectorIndex.from_vectors([], np.zeros((0, dim), np.float32))
        self._agent_texts: dict[str, list[str]] = {}
        self._members: dict[str, set[str]] = {}
        self._means: dict[str, Vector] = {}

    @classmethod
    def from_cards(cls, cards: Iterable[AgentCard], encode: Encode, *, dim: int) -> "AgentIndex":
        """Embed and index `cards`."""
        index = cls(encode, dim)
        for card in cards:
            index.add(card)
        return index

    def add(self, card: AgentCard) -> None:
        """Add a card; one with the same id is replaced."""
        texts = card_texts(card)
        vectors = self._encode(texts)
        self.remove(card.id)
        ids = [f"{card.id}{_SEPARATOR}{n}" for n in range(len(texts))]
        self._texts.add(ids, vectors)
        self._agent_texts[card.id] = ids
        self._members.setdefault(category_of(card), set()).add(card.id)
        self._means[card.id] = vectors.mean(axis=0)

    def remove(self, agent_id: str) -> None:
        """Remove an agent's texts, if it has any."""
        ids = self._agent_texts.pop(agent_id, None)
        if ids is None:
            return
        self._texts.remove(ids)
        del self._means[agent_id]
        for category, members in list(self._members.items()):
            members.discard(agent_id)
            if not members:
                del self._members[category]

    def rank(
        self, vector: Vector, allowed: Collection[str], *, top: int = 5
    ) -> list[tuple[str, float]]:
        """Return the `top` nearest of the allowed agents with their cosines, nearest first."""
        opened = self._open(vector, set(allowed))
        ids = [text for agent in sorted(opened) for text in self._agent_texts.get(agent, ())]
        if not ids:
            return []
        best: dict[str, float] = {}
        for text, score in self._texts.search(vector[None, :], len(ids), allowed=ids)[0]:
            agent = text.partition(_SEPARATOR)[0]
            best.setdefault(agent, score)
            if len(best) == top:
                break
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))

    def _open(self, vector: Vector, allowed: set[str]) -> set[str]:
        """Return the allowed agents of the nearest categories."""
        scored = []
        for category, members in self._members.items():
            if open_to := members & allowed:
                centre = np.mean([self._means[agent] for agent in sorted(open_to)], axis=0)
                norm = float(np.linalg.norm(centre)) or 1.0
                scored.append((float(centre @ vector) / norm, category, open_to))
        scored.sort(key=lambda item: (-item[0], item[1]))
        return set().union(*(members for _, _, members in scored[:CATEGORIES]))


def card_texts(card: AgentCard) -> list[str]:
    """Return the texts by which a card is found."""
    texts = [f"{card.title}: {card.description}"]
    for skill in card.skills:
        named = (
            f"{skill.name or skill.id}: {skill.description}" if skill.description else skill.name
        )
        texts += [text for text in (named, ", ".join(skill.tags), *skill.examples) if text.strip()]
    return list(dict.fromkeys(texts))[:TEXTS_AN_AGENT]


def category_of(card: AgentCard) -> str:
    """Return the card's category as one text; cards without one stand each for themselves."""
    return " / ".join(card.category) if card.category else f"{_SEPARATOR}{card.id}"


def p_fits(similarity: float, none_similarity: float) -> float:
    """Return the probability that an agent fits, from its cosine and that of the nearest general request."""
    score = _SLOPE * (similarity - _FIT_AT) + _AGAINST_NONE * (similarity - none_similarity)
    return 1 / (1 + math.exp(-max(min(score, 60.0), -60.0)))


def decide(ranked: Sequence[tuple[str, float]], *, none_similarity: float, turn: Turn) -> Decision:
    """Decide who takes the turn, from the ranked agents and the nearest general request."""
    if not ranked:
        return Decision(
            event=Event.NONE, agent=None, p_fit=0.0, reason="no agent may serve this turn"
        )
    (best, score), scores = ranked[0], dict(ranked)
    p_fit = p_fits(score, none_similarity)
    holder = turn.holder if turn.holder in scores else None
    if holder is not None:
        return _with_holder(holder, scores, best=best, p_fit=p_fit, turn=turn)
    if p_fit < START_AT:
        return _none(best, p_fit)
    if len(ranked) > 1 and turn.may_ask:
        other, other_score = ranked[1]
        if score - other_score < ASK_WITHIN and p_fits(other_score, none_similarity) >= START_AT:
            reason = f"{best} and {other} are equally near"
            return Decision(
                event=Event.CLARIFY, agent=best, others=(best, other), p_fit=p_fit, reason=reason
            )
    event = Event.SWITCH if turn.holder else Event.START
    return Decision(event=event, agent=best, p_fit=p_fit, reason=f"{best} fits best")


def _with_holder(
    holder: str, scores: Mapping[str, float], *, best: str, p_fit: float, turn: Turn
) -> Decision:
    waiting = turn.phase in (Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL)
    clear = scores[best] - scores[holder] > SWITCH_MARGIN
    leave_at = LEAVE_OPEN_QUESTION_AT if waiting else START_AT
    if best != holder and clear and p_fit >= leave_at:
        reason = f"{best} fits clearly better than {holder}"
        return Decision(event=Event.SWITCH, agent=best, p_fit=p_fit, reason=reason)
    if waiting:
        reason = f"{holder} asked, and no other agent fits clearly better"
        return Decision(event=Event.STAY, agent=holder, p_fit=p_fit, reason=reason)
    if p_fit >= START_AT:
        return Decision(event=Event.STAY, agent=holder, p_fit=p_fit, reason=f"{holder} still fits")
    return _none(best, p_fit)


def _none(best: str, p_fit: float) -> Decision:
    reason = f"no agent fits; the nearest, {best}, fits with probability {p_fit:.2f}"
    return Decision(event=Event.NONE, agent=None, p_fit=p_fit, reason=reason)
