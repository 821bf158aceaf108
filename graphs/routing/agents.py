"""The agents that routing can find: their cards in numbers, in two levels, changing while they are searched.

Where the cards' texts are few every text is compared; beyond that the nearest cells are opened (see `cells`) and the
texts of the nearest agents compared. It knows no dialogue and takes no decision; who may serve is decided before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from graphs.routing.card_texts import CardTexts, card_texts, category_of
from graphs.routing.cells import Cells
from graphs.routing.head import FEWEST_AN_AGENT, ExampleHead, fit_head
from graphs.routing.known import Known, known_agent
from graphs.routing.space import Space, nearness, unit
from graphs.routing.words import WordCounts

__all__ = ["AgentIndex", "Allowed", "Encode"]

FLAT_TEXTS = 20_000
"""Up to so many texts, each is compared with the query."""
QUICK_TEXTS = 4_000
"""Up to so many, comparing all takes less than a millisecond."""
OPEN_AGENTS = 8_000
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
class _Flat:
    """Every purpose and example in one array, by agent."""

    ids: list[str]
    rows: Matrix
    starts: NDArray[np.int64]
    learnt: Matrix | None
    learnt_starts: NDArray[np.int64]
    head: ExampleHead | None
    taught: NDArray[np.int64]
    """Which of the rows the head was fitted on, in its order."""


class AgentIndex:
    """Agents by what their cards say."""

    def __init__(self, encode: Encode, *, dim: int, space: Space | None = None) -> None:
        self._encode = encode
        self.dim = dim
        self.space = space
        """What was fitted for the encoder, if anything."""
        self._said: dict[str, CardTexts | bytes] = {}
        self._vectors: dict[str, NDArray[np.float16]] = {}
        self._cells = Cells(dim)
        self._known: dict[str, Known] = {}
        self._flat: _Flat | None = None
        self._head: ExampleHead | None = None
        self._head_is_old = True
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
        for agent_id in every:
            until = at + len(texts[agent_id].all())
            means.append(index._enter(agent_id, texts[agent_id], rows[at:until]))
            at = until
        if means:
            categories = [category_of(t) for t in texts.values()]
            index._cells.add_all(list(every), np.stack(means), categories)
        return index

    def __len__(self) -> int:
        return len(self._vectors)

    def __contains__(self, agent_id: object) -> bool:
        return agent_id in self._vectors

    def add(self, card: AgentCard) -> None:
        """Add a card; one with the same id is replaced."""
        texts = card_texts(card)
        vectors = self._encode(texts.all())
        self.remove(card.id)
        mean = self._enter(card.id, texts, vectors)
        self._cells.add(card.id, mean, category_of(texts))

    def remove(self, agent_id: str) -> None:
        """Remove an agent, if it is there."""
        if agent_id not in self._vectors:
            return
        known = self.known(agent_id)
        self.words.remove(known.words)
        self._head_is_old |= len(known.examples) >= FEWEST_AN_AGENT
        self._texts -= len(self._vectors.pop(agent_id))
        del self._said[agent_id]
        self._known.pop(agent_id, None)
        self._cells.remove(agent_id)
        self._changed()

    def known(self, agent_id: str) -> Known:
        """Return an agent in numbers."""
        found = self._known.get(agent_id)
        if found is None:
            vectors = unit(self._vectors[agent_id].astype(np.float32))
            found = known_agent(agent_id, self.texts(agent_id), vectors, space=self.space)
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[agent_id] = found
        return found

    def texts(self, agent_id: str) -> CardTexts:
        """Return the texts of an agent's card."""
        said = self._said[agent_id]
        return CardTexts.unpacked(said) if isinstance(said, bytes) else said

    @property
    def head(self) -> ExampleHead | None:
        """What is fitted on the cards' own examples; None where they are few, or the agents too many."""
        return self._all().head if self._texts <= FLAT_TEXTS else None

    def settle(self) -> None:
        """Prepare for searches what changes with the cards."""
        if self._texts <= FLAT_TEXTS:
            self._all()

    @property
    def quick(self) -> bool:
        """Whether the next search takes a millisecond or two: nothing is to be gathered or fitted first."""
        return self._flat is not None and self._texts <= QUICK_TEXTS

    def near(
        self, queries: Matrix, top: int, *, text: str = "", allowed: Allowed | None = None
    ) -> list[str]:
        """Return the agents nearest to any of `queries` (n, d), `top` by each of three measures.

        Args:
            queries: unit rows, the whole text first.
            top: how many at most by each measure.
            text: the text, for what is fitted on the examples' words.
            allowed: which agents may come back; None means all.
        """
        if self._texts <= FLAT_TEXTS:
            return self._near_flat(queries, top, text, allowed)
        few = self._cells.nearest(
            queries, max(CLOSE_LOOK, top), open_agents=OPEN_AGENTS, allowed=allowed
        )
        if not few:
            return []
        every = np.concatenate([self._vectors[i] for i in few]).astype(np.float32)
        starts = np.cumsum([0, *(len(self._vectors[i]) for i in few[:-1])])
        near = np.maximum.reduceat(nearness(unit(every), queries), starts).tolist()
        ranked = sorted(zip(few, near, strict=True), key=lambda item: (-item[1], item[0]))
        return [agent_id for agent_id, _ in ranked[:top]]

    def groups(self) -> dict[str, list[str]]:
        """Return the categories with their agents; where none is declared, found ones are named by their words."""
        found: dict[str, list[str]] = {}
        for category, members in self._cells.groups():
            found.setdefault(category or self._name(members), []).extend(sorted(members))
        return found

    def packed(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the index as arrays, and what is not an array as JSON holds it."""
        ids = list(self._vectors)
        texts = [self._packed_texts(i) for i in ids]
        known = [self.texts(i) for i in ids]
        means, cells, categories = self._cells.packed(ids)
        arrays: dict[str, NDArray[Any]] = {
            "vectors": np.concatenate([self._vectors[i] for i in ids])
            if ids
            else np.zeros((0, self.dim), np.float16),
            "counts": np.array([len(t.all()) for t in known], np.int32),
            "means": means.astype(np.float16),
            "cells": cells,
            "ends": np.cumsum([len(t) for t in texts], dtype=np.int64),
            "texts": np.frombuffer(b"".join(texts), np.uint8),
        }
        return arrays, {"ids": ids, "categories": categories, "words": self.words.plain()}

    @classmethod
    def unpacked(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        facts: Mapping[str, Any],
        encode: Encode,
        *,
        dim: int,
        space: Space | None = None,
    ) -> "AgentIndex":
        """Return the index that `packed` was called on; no text is embedded."""
        index = cls(encode, dim=dim, space=space)
        ids, blob = facts["ids"], arrays["texts"].tobytes()
        ends, rows = arrays["ends"].tolist(), np.cumsum(arrays["counts"]).tolist()
        vectors = arrays["vectors"]
        index._said = {
            i: blob[start:end] for i, start, end in zip(ids, [0, *ends], ends, strict=False)
        }
        index._vectors = {
            i: vectors[start:end] for i, start, end in zip(ids, [0, *rows], rows, strict=False)
        }
        index._texts = len(vectors)
        means = arrays["means"].astype(np.float32)
        index._cells = Cells.unpacked(ids, means, arrays["cells"], facts["categories"])
        index.words = WordCounts.from_plain(facts["words"])
        return index

    def _packed_texts(self, agent_id: str) -> bytes:
        said = self._said[agent_id]
        return said if isinstance(said, bytes) else said.packed()

    def _near_flat(
        self, queries: Matrix, top: int, text: str, allowed: Allowed | None
    ) -> list[str]:
        flat = self._all()
        if not flat.ids:
            return []
        open_to = np.array([allowed is None or allowed(i) for i in flat.ids])
        cosines = flat.rows @ queries[0]
        nearest = cosines
        if len(queries) > 1:
            nearest = np.maximum(cosines, nearness(flat.rows, queries[1:]))
        measures = [np.maximum.reduceat(nearest, flat.starts)]
        if flat.learnt is not None and self.space is not None:
            near = nearness(flat.learnt, self.space.map(queries))
            measures.append(np.maximum.reduceat(near, flat.learnt_starts))
        if flat.head is not None:
            by_id = flat.head.probabilities(queries[0], text, cosines=cosines[flat.taught])
            measures.append(np.array([by_id.get(i, 0.0) for i in flat.ids], np.float32))
        found: list[str] = []
        for measure in measures:
            shown = np.where(open_to, measure, -np.inf)
            order = np.argsort(-shown, kind="stable")[:top]
            found += [flat.ids[n] for n in order if open_to[n]]
        return list(dict.fromkeys(found))

    def _all(self) -> _Flat:
        if self._flat is None:
            ids = sorted(self._vectors)
            known = [self.known(i) for i in ids]
            counts = [len(k.purposes) + len(k.examples) for k in known]
            purposes = [len(k.purposes) for k in known]
            rows = [np.concatenate([k.purposes, k.examples]) for k in known]
            learnt = [k.learnt for k in known if k.learnt is not None]
            starts = np.cumsum([0, *counts[:-1]])
            head = self._fitted_head(known)
            self._flat = _Flat(
                ids=ids,
                rows=np.concatenate(rows) if rows else np.zeros((0, 1), np.float32),
                starts=starts,
                learnt=np.concatenate(learnt) if learnt else None,
                learnt_starts=np.cumsum([0, *purposes[:-1]]),
                head=head,
                taught=_taught(head, known, starts),
            )
        return self._flat

    def _fitted_head(self, known: Sequence[Known]) -> ExampleHead | None:
        """Return what is fitted on the examples; a card without examples, come or gone, leaves it as it is."""
        if self._head_is_old:
            self._head = fit_head(known, [self.texts(k.id).examples for k in known])
            self._head_is_old = False
        return self._head

    def _enter(self, agent_id: str, texts: CardTexts, vectors: Matrix) -> Matrix:
        self._said[agent_id] = texts
        self._vectors[agent_id] = vectors.astype(np.float16)
        self._texts += len(vectors)
        known = self.known(agent_id)
        self.words.add(known.words)
        self._head_is_old |= len(known.examples) >= FEWEST_AN_AGENT
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
        best = sorted(counts, key=lambda w: (-(counts[w] ** 2) * self.words.weight(w), w))[:3]
        return ", ".join(best)


def _taught(
    head: ExampleHead | None, known: Sequence[Known], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows of the examples of `head`, where each agent's purposes and examples begin at `starts`."""
    if head is None:
        return np.zeros(0, np.int64)
    taught = set(head.ids)
    at = [
        np.arange(start + len(k.purposes), start + len(k.purposes) + len(k.examples))
        for k, start in zip(known, starts, strict=True)
        if k.id in taught
    ]
    return np.concatenate(at)
