"""Turns train dialogues into groups: real dialogues before made-up registries, with turns spliced in.

A registry holds the dialogue's services and others, in the words of SGD or SGD-X, with or without examples; now and
then a service of the dialogue is gone, with its twins, and its turns belong to nobody. General requests are
spliced in, and requests to guests: cards of intents and tools. What a dialogue goes on with is what the labels say,
now and then a mistake; or what fitted trees choose.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.card import AgentCard
from benchmarks.fit_agents.cards import (
    EVERY_EXAMPLE,
    VARIANTS,
    request_card,
    service_card,
    sort_of,
)
from benchmarks.fit_agents.data import Corpus
from benchmarks.fit_agents.policy import Catalogue, Group, Policy
from benchmarks.fit_agents.spaces import Spaces
from graphs.routing.dialogue import Dialogue

__all__ = ["dialogue_groups"]

_REPLIES = (
    "Here is what I found.", "Here is an answer.", "Sure.", "Of course! Let me explain.", "Here you go.",
    "Here is what I can say about it.", "",
)  # fmt: skip
_EXAMPLES = {"none": (0,), "all": (EVERY_EXAMPLE, EVERY_EXAMPLE, 8, 3), "mixed": (0, EVERY_EXAMPLE, 5)}  # fmt: skip
_GUEST_REQUESTS = 6


@dataclass(frozen=True, slots=True)
class _Turn:
    user: str
    system: str
    agent: str | None
    closing: bool = False


def dialogue_groups(
    dialogues: tuple[dict[str, Any], ...],
    corpus: Corpus,
    spaces: Spaces,
    *,
    general: list[str],
    policy: Policy,
    draw: random.Random,
    dim: int,
) -> Iterator[Group]:
    """Yield a group for each turn whose right agent is a candidate.

    Args:
        dialogues: of the corpus.
        corpus: for the services and the guests.
        spaces: an encoder with its space is drawn for each dialogue.
        general: requests that no agent is for.
        policy: chooses what a dialogue goes on with.
        draw: makes every choice.
        dim: of the vectors.
    """
    for dialogue in dialogues:
        own = list(dict.fromkeys(t["service"] for t in dialogue["turns"]))
        fold = spaces.draw(draw, [f"sgd:{name}" for name in own])
        cards = _registry(own, corpus, draw)
        turns = _with_general(dialogue["turns"], general, draw)
        if draw.random() < 0.4:
            cards += _with_guests(turns, corpus, draw)
        catalogue = Catalogue(cards, spaces, fold, dim=dim)
        domains = {name: s["domain"] for name, s in corpus.services.items()}
        yield from _played(turns, catalogue, policy, domains, draw)


def _registry(own: list[str], corpus: Corpus, draw: random.Random) -> list[AgentCard]:
    others = [n for n in corpus.registry if n not in own]
    names = own + draw.sample(others, draw.randint(6, len(others)))
    if draw.random() < 0.24:
        gone = {draw.choice(own)} if draw.random() < 0.7 else set(own)
        twins = {sort_of(corpus.services[n]) for n in gone}
        names = [n for n in names if n not in gone and sort_of(corpus.services[n]) not in twins]
    if len(names) < 2:
        names = others[:3]
    counts = _EXAMPLES[draw.choice(["none", "none", "all", "mixed"])]
    return [
        service_card(
            corpus.services[name],
            examples=draw.choice(counts),
            variant=draw.choice(VARIANTS),
            inputs=draw.random() < 0.85,
            draw=draw,
        )
        for name in sorted(names)
    ]


def _with_general(
    turns: list[dict[str, Any]], general: list[str], draw: random.Random
) -> list[_Turn]:
    found = [_Turn(t["user"], t["system"], t["service"], t["closing"]) for t in turns]
    if draw.random() < 0.35:
        for _ in range(draw.choice([1, 1, 2])):
            at = draw.randint(0, len(found) - 1)
            for _ in range(1 if draw.random() < 0.9 else 2):
                found.insert(at, _Turn(draw.choice(general), draw.choice(_REPLIES), None))
    return found


def _with_guests(turns: list[_Turn], corpus: Corpus, draw: random.Random) -> list[AgentCard]:
    """Return up to three cards of another world; requests to most of them are put among `turns`."""
    cards: dict[str, AgentCard] = {}
    for _ in range(draw.choice([1, 1, 2, 3])):
        request, card = _guest(corpus, draw)
        if card.id in cards:
            continue
        cards[card.id] = card
        if draw.random() < 0.8:
            at = draw.randint(0, len(turns) - 1)
            turns.insert(at, _Turn(request, draw.choice(_REPLIES), card.id))
    return list(cards.values())


def _guest(corpus: Corpus, draw: random.Random) -> tuple[str, AgentCard]:
    source = corpus.tools
    if draw.random() < 0.6:
        source = corpus.clinc if draw.random() < 0.6 else corpus.hwu
    by = {
        label: texts
        for label, texts in source.by_label().items()
        if len(texts) >= _GUEST_REQUESTS and not label.startswith("general_")
    }
    label = draw.choice(list(by))
    request, *others = draw.sample(by[label], len(by[label]))
    count = draw.choice([0, 0, 5] if source.tools else [5, 10, 20, 40])
    domain = next(q.domain for q in source.queries if q.label == label)
    return request, request_card(source, label, examples=others[:count], domain=domain)


def _played(
    turns: list[_Turn],
    catalogue: Catalogue,
    policy: Policy,
    domains: dict[str, str],
    draw: random.Random,
) -> Iterator[Group]:
    dialogue, errs = Dialogue(), draw.random() < 0.3
    for turn in turns:
        right = turn.agent if turn.agent in catalogue.ids else None
        ids, rows = catalogue.read(turn.user, dialogue)
        group = catalogue.group(ids, rows, right, turn.user)
        # "Goodbye" to an agent that does not hold the floor cannot be told from the text.
        if group and not (turn.closing and dialogue.holder != right):
            yield group
        if policy.trees:
            taken = policy.choose(rows, ids)
        else:
            taken = _mistaken(right, ids, dialogue, catalogue, domains, draw) if errs else right
        dialogue = dialogue.after(turn.user, agent=taken, said=turn.system)


def _mistaken(
    right: str | None,
    ids: list[str],
    dialogue: Dialogue,
    catalogue: Catalogue,
    domains: dict[str, str],
    draw: random.Random,
) -> str | None:
    """Return another agent now and then: a twin, a candidate, or the one that a mistake brought the floor."""
    if not right or right == dialogue.holder:
        return right
    if draw.random() < 0.4:
        domain = domains.get(right, right)
        twins = sorted(n for n in catalogue.ids if domains.get(n, n) == domain and n != right)
        return draw.choice(twins) if twins and draw.random() < 0.7 else draw.choice(ids)
    return dialogue.holder if dialogue.holder and draw.random() < 0.5 else right
