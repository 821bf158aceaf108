"""The agents that routing can find: their cards in numbers, in two levels, changing while they are searched.

Where the cards' texts are few every text is compared; beyond that the nearest cells are opened (see `cells`) and the
texts of the nearest agents compared. It knows no dialogue and takes no decision; who may serve is decided before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from graphs.routing.card_texts import CardTexts, card_texts, category_of
from graphs.routing.cells import Cells
from graphs.routing.head import ExampleHead, fit_head
from graphs.routing.known import Known, known_agent
from graphs.routing.space import Space, unit
from graphs.routing.words import WordCounts

__all__ = ["AgentIndex", "Allowed", "Encode"]

FLAT_TEXTS = 20_000
"""Up to so many texts, each is compared with the query."""
OPEN_AGENTS = 12_000
"""Beyond that, cells are opened until they hold so many agents,"""
CLOSE_LOOK = 64
"""and the texts of so many of them are compared."""
_KEPT = 4096
"""Agents whose numbers are kept at hand."""

Matrix = NDArray[np.float32]
Allowed = Callable[[str], bool]


class Encode(Protocol):
    """Embeds texts: (n,) texts to (n, d) unit rows."""

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        """Return one row for each text."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    card: AgentCard
    texts: CardTexts
    vectors: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class _Flat:
    """Every purpose and example in one array, by agent."""

    ids: list[str]
    rows: Matrix
    starts: NDArray[np.int64]
    learnt: Matrix | None
    learnt_starts: NDArray[np.int64]
    head: ExampleHead | None


class AgentIndex:
    """Agents by what their cards say."""

    def __init__(self, encode: Encode, *, dim: int, space: Space | None = None) -> None:
        self._encode = encode
        self.space = space
        """What was fitted for the encoder, if anything."""
        self._entries: dict[str, _Entry] = {}
        self._cells = Cells(dim)
        self._known: dict[str, Known] = {}
        self._flat: _Flat | None = None
        self._texts = 0
        self.words = WordCounts()
        self.version = 0
        """It changes with every card that comes or goes."""

    @classmethod
    def from_cards(
        cls, cards: Iterable[AgentCard], encode: Encode, *, dim: int, space: Space | None = None
    ) -> "AgentIndex":
        """Embed and index `cards`."""
        index = cls(encode, dim=dim, space=space)
        every = {card.id: card for card in cards}
        texts = {i: card_texts(card) for i, card in every.items()}
        rows = encode([text for t in texts.values() for text in t.all()])
        at, means = 0, []
        for agent_id, card in every.items():
            until = at + len(texts[agent_id].all())
            means.append(index._enter(card, texts[agent_id], rows[at:until]))
            at = until
        if means:
            categories = [category_of(card) for card in every.values()]
            index._cells.add_all(list(every), np.stack(means), categories)
        return index

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, agent_id: object) -> bool:
        return agent_id in self._entries

    def add(self, card: AgentCard) -> None:
        """Add a card; one with the same id is replaced."""
        texts = card_texts(card)
        vectors = self._encode(texts.all())
        self.remove(card.id)
        mean = self._enter(card, texts, vectors)
        self._cells.add(card.id, mean, category_of(card))

    def remove(self, agent_id: str) -> None:
        """Remove an agent, if it is there."""
        entry = self._entries.get(agent_id)
        if entry is None:
            return
        self.words.remove(self.known(agent_id).words)
        del self._entries[agent_id]
        self._known.pop(agent_id, None)
        self._cells.remove(agent_id)
        self._texts -= len(entry.vectors)
        self._changed()

    def known(self, agent_id: str) -> Known:
        """Return an agent in numbers."""
        found = self._known.get(agent_id)
        if found is None:
            entry = self._entries[agent_id]
            vectors = unit(entry.vectors.astype(np.float32))
            found = known_agent(entry.card, entry.texts, vectors, space=self.space)
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[agent_id] = found
        return found

    @property
    def head(self) -> ExampleHead | None:
        """What is fitted on the cards' own examples; None where they are few, or the agents too many."""
        return self._all().head if self._texts <= FLAT_TEXTS else None

    def near(self, queries: Matrix, top: int, *, allowed: Allowed | None = None) -> list[str]:
        """Return the agents nearest to any of `queries` (n, d), by any of three measures `top` each."""
        if self._texts <= FLAT_TEXTS:
            return self._near_flat(queries, top, allowed)
        few = self._cells.nearest(
            queries, max(CLOSE_LOOK, top), open_agents=OPEN_AGENTS, allowed=allowed
        )
        scored = []
        for agent_id in few:
            known = self.known(agent_id)
            rows = np.concatenate([known.purposes, known.examples])
            scored.append((float((rows @ queries.T).max()), agent_id))
        scored.sort(key=lambda item: (-item[0], item[1]))
        return [agent_id for _, agent_id in scored[:top]]

    def groups(self) -> dict[str, list[str]]:
        """Return the categories with their agents; where none is declared, found ones are named by their words."""
        found: dict[str, list[str]] = {}
        for category, members in self._cells.groups():
            found.setdefault(category or self._name(members), []).extend(sorted(members))
        return found

    def _near_flat(self, queries: Matrix, top: int, allowed: Allowed | None) -> list[str]:
        flat = self._all()
        if not flat.ids:
            return []
        open_to = np.array([allowed is None or allowed(i) for i in flat.ids])
        measures = [np.maximum.reduceat((flat.rows @ queries.T).max(axis=1), flat.starts)]
        if flat.learnt is not None and self.space is not None:
            near = (flat.learnt @ self.space.map(queries).T).max(axis=1)
            measures.append(np.maximum.reduceat(near, flat.learnt_starts))
        if flat.head is not None:
            by_id = flat.head.probabilities(queries[0])
            measures.append(np.array([by_id.get(i, 0.0) for i in flat.ids], np.float32))
        found: list[str] = []
        for measure in measures:
            shown = np.where(open_to, measure, -np.inf)
            order = np.argsort(-shown, kind="stable")[:top]
            found += [flat.ids[n] for n in order if open_to[n]]
        return list(dict.fromkeys(found))

    def _all(self) -> _Flat:
        if self._flat is None:
            ids = sorted(self._entries)
            known = [self.known(i) for i in ids]
            counts = [len(k.purposes) + len(k.examples) for k in known]
            purposes = [len(k.purposes) for k in known]
            rows = [np.concatenate([k.purposes, k.examples]) for k in known]
            learnt = [k.learnt for k in known if k.learnt is not None]
            self._flat = _Flat(
                ids=ids,
                rows=np.concatenate(rows) if rows else np.zeros((0, 1), np.float32),
                starts=np.cumsum([0, *counts[:-1]]),
                learnt=np.concatenate(learnt) if learnt else None,
                learnt_starts=np.cumsum([0, *purposes[:-1]]),
                head=fit_head(known),
            )
        return self._flat

    def _enter(self, card: AgentCard, texts: CardTexts, vectors: Matrix) -> Matrix:
        self._entries[card.id] = _Entry(card, texts, vectors.astype(np.float16))
        self._texts += len(vectors)
        known = self.known(card.id)
        self.words.add(known.words)
        self._changed()
        return known.mean

    def _changed(self) -> None:
        self._flat = None
        self.version += 1

    def _name(self, members: Iterable[str]) -> str:
        counts: dict[str, int] = {}
        for agent_id in members:
            for word in self.known(agent_id).words:
                counts[word] = counts.get(word, 0) + 1
        best = sorted(counts, key=lambda w: (-counts[w] * self.words.weight(w), w))[:3]
        return ", ".join(best)
