"""Fits the map under which requests are nearer to the purposes of the card that they belong to.

Contrastive: the softmax over a catalogue's cards, each as near as its nearest text, gets the cross-entropy of the
right one, and AdamW (Loshchilov and Hutter, 2019) walks down its gradient, decaying towards the identity. It knows
no dialogue.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from benchmarks.fit_agents.cards import VARIANTS, request_card, service_card
from benchmarks.fit_agents.data import Corpus
from graphs.routing.agents import Encode
from graphs.routing.card_texts import card_texts

__all__ = ["Pairs", "fit_map", "pairs_of"]

Matrix = NDArray[np.float32]
Indices = NDArray[np.int64]
_BATCH = 128
_TEMPERATURE = 0.04
_RATE = 4e-4
_DECAY = 2.0
_WARM_UP = 100
_NOISE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Requests with the card that each belongs to."""

    requests: Matrix
    """(n, d)"""
    owners: Indices
    """(n,), which of `keys`."""
    catalogues: tuple[tuple[Matrix, Indices], ...]
    """The same cards in other words: rows of purposes, and the card of each, ascending."""
    keys: tuple[str, ...]
    weight: float
    """How often it is drawn from."""

    def without(self, gone: Collection[str]) -> "Pairs":
        """Return the pairs and cards whose key is not in `gone`."""
        kept = np.array([n for n, key in enumerate(self.keys) if key not in gone])
        new = np.full(len(self.keys), -1)
        new[kept] = np.arange(len(kept))
        mine = np.isin(self.owners, kept)
        cards = tuple((t[np.isin(o, kept)], new[o[np.isin(o, kept)]]) for t, o in self.catalogues)
        return Pairs(
            requests=self.requests[mine],
            owners=new[self.owners[mine]],
            catalogues=cards,
            keys=tuple(self.keys[n] for n in kept),
            weight=self.weight,
        )


def pairs_of(corpus: Corpus, encode: Encode) -> list[Pairs]:
    """Return the pairs of each source: of SGD the turns that state what they are for, of the others every request."""
    names = list(corpus.registry)
    turns = [
        turn
        for dialogue in corpus.dialogues
        for at, turn in enumerate(dialogue["turns"])
        if (at == 0 or turn["switch"]) and turn["service"] in names
    ]
    services = [corpus.services[name] for name in names]
    found = [
        Pairs(
            requests=encode([t["user"] for t in turns]),
            owners=np.array([names.index(t["service"]) for t in turns]),
            catalogues=tuple(
                _purposes([service_card(s, variant=v) for s in services], encode) for v in VARIANTS
            ),
            keys=tuple(f"sgd:{name}" for name in names),
            weight=3.0,
        )
    ]
    weights = {"metatool": 3.0, "clinc150": 2.0}
    for source in corpus.sources:
        labels = list(source.by_label())
        found.append(
            Pairs(
                requests=encode([q.text for q in source.queries]),
                owners=np.array([labels.index(q.label) for q in source.queries]),
                catalogues=(_purposes([request_card(source, n) for n in labels], encode),),
                keys=tuple(source.key(label) for label in labels),
                weight=weights.get(source.name, 1.0),
            )
        )
    return found


def fit_map(sources: Sequence[Pairs], *, seed: int, steps: int) -> Matrix:
    """Return the map (d, d)."""
    draw = np.random.default_rng(seed)
    identity = np.eye(sources[0].requests.shape[1], dtype=np.float32)
    learnt, mean, square = identity.copy(), np.zeros_like(identity), np.zeros_like(identity)
    shares = np.array([s.weight for s in sources])
    for step in range(1, steps + 1):
        pairs = sources[draw.choice(len(sources), p=shares / shares.sum())]
        texts, cards = pairs.catalogues[draw.integers(len(pairs.catalogues))]
        at = draw.choice(len(pairs.owners), _BATCH)
        noise = draw.normal(0, _NOISE, (_BATCH, len(identity))).astype(np.float32)
        slope = _slope(learnt, pairs.requests[at] + noise, pairs.owners[at], texts, cards)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        rate = _RATE * min(1, step / _WARM_UP) * (1 - step / (steps + 1))
        stepped = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        learnt = learnt - rate * (stepped + _DECAY * (learnt - identity))
    return learnt.astype(np.float32)


def _slope(
    learnt: Matrix, requests: Matrix, owners: Indices, texts: Matrix, cards: Indices
) -> Matrix:
    """Return the gradient of the cross-entropy with respect to the map."""
    left, right = requests @ learnt, texts @ learnt
    left_size = np.linalg.norm(left, axis=1, keepdims=True)
    right_size = np.linalg.norm(right, axis=1, keepdims=True)
    left, right = left / left_size, right / right_size
    cosines = left @ right.T
    starts = np.searchsorted(cards, np.arange(cards.max() + 1))
    best = np.maximum.reduceat(cosines, starts, axis=1)
    shares = np.exp((best - best.max(axis=1, keepdims=True)) / _TEMPERATURE)
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(owners)), owners] -= 1
    shares /= len(owners) * _TEMPERATURE
    back = np.where(
        cosines == best[:, cards], shares[:, cards], 0
    )  # only the nearest text is held to account
    to_left, to_right = back @ right, back.T @ left
    to_left = (to_left - left * (to_left * left).sum(axis=1, keepdims=True)) / left_size
    to_right = (to_right - right * (to_right * right).sum(axis=1, keepdims=True)) / right_size
    slope: Matrix = requests.T @ to_left + texts.T @ to_right
    return slope


def _purposes(cards: Sequence[AgentCard], encode: Encode) -> tuple[Matrix, Indices]:
    texts = [card_texts(card).purposes for card in cards]
    owners = np.repeat(np.arange(len(texts)), [len(t) for t in texts])
    return encode([text for own in texts for text in own]), owners
