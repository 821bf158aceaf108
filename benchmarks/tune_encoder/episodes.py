"""Draws episodes: a catalogue of cards, and what is said before it, some of it for none of the cards.

An episode is what a router meets: cards of a description or a few examples, services and intents that are not in the
catalogue, guests from another world, general requests, slips of the keyboard. It knows no vectors.
"""

import random
import re
from dataclasses import dataclass, field

from benchmarks.fit_agents.cards import request_card
from benchmarks.fit_agents.data import Source
from benchmarks.tune_encoder.material import Material
from graphs.routing.card_texts import card_texts

__all__ = ["NONE", "Card", "Episode", "Episodes"]

NONE = -1
"""In place of a card: what is said is for none of them."""
_KINDS = {"sgd": 0.5, "clinc150": 0.2, "hwu64": 0.1, "metatool": 0.2}
_INPUTS = 6
_MOST_TEXTS = 70
_LONGEST = 300
"""Characters of a general request."""


@dataclass(frozen=True, slots=True)
class Card:
    """The texts that a card is known by."""

    texts: list[str]
    inputs: list[str] = field(default_factory=list)
    """What it asks for: only replies and turns that go on are compared with these."""
    sort: str = ""
    """What it has in common with its twins; empty where it has none."""


@dataclass(slots=True)
class Episode:
    """Cards, and what is said with the card that it is for."""

    cards: list[Card] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    """The place of the card, or NONE."""
    weights: list[float] = field(default_factory=list)
    goes_on: list[bool] = field(default_factory=list)
    """Whether it is compared with the inputs too, and with the twins of the right card."""

    def barred(self, at: int) -> list[bool]:
        """Return for each card whether it is a twin that what is said cannot be told from."""
        right = self.right[at]
        if right == NONE or self.goes_on[at] or not self.cards[right].sort:
            return [False] * len(self.cards)
        sort = self.cards[right].sort
        return [card.sort == sort and n != right for n, card in enumerate(self.cards)]

    def put(self, text: str, right: int, *, weight: float, goes_on: bool = False) -> None:
        """Add what is said."""
        self.said.append(text)
        self.right.append(right)
        self.weights.append(weight)
        self.goes_on.append(goes_on)


class Episodes:
    """Draws them, the same for the same seed."""

    def __init__(self, material: Material, *, seed: int) -> None:
        self._material = material
        self._draw = random.Random(seed)

    def next(self) -> Episode:
        """Return another episode."""
        draw = self._draw
        kind = draw.choices(list(_KINDS), list(_KINDS.values()))[0]
        episode = Episode()
        if kind == "sgd":
            self._dialogues(episode)
        else:
            self._requests(episode, *self._material.sources[kind])
        for _ in range(14 if kind == "sgd" else 6):
            episode.put(draw.choice(self._material.general)[:_LONGEST], NONE, weight=0.7)
        episode.said = [self._slipped(text) for text in episode.said]
        return episode

    def _dialogues(self, episode: Episode) -> None:
        draw, services = self._draw, self._material.services
        names = list(services)
        here = draw.sample(names, draw.randint(max(3, len(names) * 2 // 5), len(names)))
        if draw.random() < 0.25:
            here = names
        with_inputs = draw.random() < 0.7
        for name in here:
            own = services[name]
            texts = list(draw.choice(own.purposes))
            asked = draw.sample(own.inputs, min(len(own.inputs), _INPUTS)) if with_inputs else []
            episode.cards.append(Card(texts, asked, own.sort))
        sorts = {services[name].sort for name in here}

        def put(name: str, texts: list[str], *, weight: float, goes_on: bool) -> None:
            # Of a service whose twin is in its place nobody can say that there is none.
            if texts and (name in here or services[name].sort not in sorts):
                right = here.index(name) if name in here else NONE
                episode.put(draw.choice(texts), right, weight=weight, goes_on=goes_on)

        for _ in range(28):
            name = draw.choice(names)
            put(name, services[name].opening, weight=1.0, goes_on=False)
        for _ in range(12):
            name = draw.choice(here)
            put(name, services[name].replies, weight=0.5, goes_on=True)
        for _ in range(6):
            name = draw.choice(here)
            put(name, services[name].following, weight=0.3, goes_on=True)
        if draw.random() < 0.5:
            self._guests(episode)

    def _guests(self, episode: Episode) -> None:
        """Add three cards of another world, and what is said to them and to a fourth."""
        draw = self._draw
        source, by = self._material.sources[draw.choice(["clinc150", "metatool", "hwu64"])]
        labels = draw.sample(list(by), 4)
        first = len(episode.cards)
        for label in labels[:3]:
            count = draw.choice([0, 2, 3] if source.tools else [1, 2, 3])
            episode.cards.append(self._label_card(source, by, label, count))
        for at, label in enumerate(labels):
            text = draw.choice(by[label])
            if at == len(labels) - 1:
                episode.put(text, NONE, weight=1.0)
            elif text not in episode.cards[first + at].texts:
                episode.put(text, first + at, weight=1.0)

    def _requests(self, episode: Episode, source: Source, by: dict[str, list[str]]) -> None:
        draw, labels = self._draw, list(by)
        here = draw.sample(labels, draw.randint(max(8, len(labels) // 5), min(len(labels), 48)))
        count = draw.choice([0, 0, 0, 1, 2] if source.tools else [0, 1, 2, 3])
        if not source.tools and len(here) * count > _MOST_TEXTS:
            count = 1
        for label in here:
            episode.cards.append(self._label_card(source, by, label, count))
        for label in draw.sample(here, min(36, len(here))):
            text, at = draw.choice(by[label]), here.index(label)
            if text not in episode.cards[at].texts:
                episode.put(text, at, weight=1.0)
        others = [label for label in labels if label not in here]
        for label in draw.sample(others, min(8, len(others))):
            episode.put(draw.choice(by[label]), NONE, weight=0.7)
        if source.out_of_scope:
            for text in draw.sample(source.out_of_scope, 4):
                episode.put(text, NONE, weight=1.0)

    def _label_card(
        self, source: Source, by: dict[str, list[str]], label: str, examples: int
    ) -> Card:
        draw, meaning = self._draw, source.meanings[label]
        if source.tools:
            texts = list(card_texts(request_card(source, label)).purposes)
        elif examples == 0 or draw.random() < 0.75:
            texts = [draw.choice([meaning, f"{meaning}: {meaning}"])]
        else:
            texts = []
        return Card(texts + draw.sample(by[label], min(examples, len(by[label]) - 1)))

    def _slipped(self, text: str) -> str:
        """Return the text, now and then with letters swapped, or in lower case and without punctuation."""
        chance = self._draw.random()
        if chance < 0.08:
            return " ".join(self._swapped(word) for word in text.split())
        if chance < 0.16:
            return re.sub(r"[^\w\s]", "", text.lower())
        return text

    def _swapped(self, word: str) -> str:
        if len(word) < 5 or self._draw.random() >= 0.25:
            return word
        at = self._draw.randrange(1, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
