"""Finds cards that can be confused."""

from collections.abc import Mapping

import numpy as np

from agents.card import AgentCard
from graphs.routing.agents import Encode
from graphs.routing.card_texts import card_texts

__all__ = ["overlaps"]

_NEARER = 0.03
"""Cosines that differ by less are equal here."""


def overlaps(cards: Mapping[str, AgentCard], encode: Encode) -> list[tuple[str, str, str, str]]:
    """Return the pairs of agents of which one has texts on its card that are nearer to the other's card.

    Each with how many those are, and the one that is nearest to the other's.
    """
    texts = [
        (agent, text)
        for agent, card in cards.items()
        for known in (card_texts(card),)
        for text in (*known.purposes, *known.examples)
    ]
    if not texts:
        return []
    vectors = encode([text for _, text in texts])
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    agents = np.array([agent for agent, _ in texts])
    pairs: dict[tuple[str, str], list[tuple[float, str, str]]] = {}
    for (agent, text), row in zip(texts, cosines, strict=True):
        own = float(row[agents == agent].max())
        others = np.where(agents == agent, -1.0, row)
        nearest = int(others.argmax())
        if others[nearest] > own + _NEARER:
            other, its = texts[nearest]
            pairs.setdefault((agent, other), []).append((float(others[nearest]), text, its))
    return [
        (agent, other, str(len(found)), "{1!r} to {2!r}, {0:.2f}".format(*max(found)))
        for (agent, other), found in sorted(pairs.items())
    ]
