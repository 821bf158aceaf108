"""Turns single requests into groups: catalogues of intents or tools, with more or fewer examples, some of them gone.

Requests to what is gone, those out of scope and those of another world belong to nobody.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from agents.card import AgentCard
from benchmarks.fit_agents.cards import request_card
from benchmarks.fit_agents.data import Corpus, Source
from benchmarks.fit_agents.policy import Catalogue, Group
from benchmarks.fit_agents.spaces import Spaces
from graphs.routing.dialogue import Dialogue

__all__ = ["request_groups"]

_SHOTS = (0, 1, 3, 5, 10, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class _Plan:
    source: Source
    catalogues: int
    requests: int
    """For each catalogue."""
    shots: tuple[int, ...] = _SHOTS


def request_groups(
    corpus: Corpus,
    spaces: Spaces,
    *,
    general: list[str],
    draw: random.Random,
    dim: int,
) -> Iterator[Group]:
    """Yield a group for each request whose right agent is a candidate.

    Args:
        corpus: the requests.
        spaces: an encoder with its space is drawn for each catalogue.
        general: requests that no agent is for.
        draw: makes every choice.
        dim: of the vectors.
    """
    outside = [q.text for q in corpus.tools.queries] + list(corpus.clinc.out_of_scope) * 5
    elsewhere = (general[-3000:] + outside, [d["turns"][0]["user"] for d in corpus.unlisted[:600]])
    plans = (
        _Plan(corpus.clinc, 20, 140),
        _Plan(corpus.hwu, 16, 90),
        _Plan(corpus.banking, 20, 90, (1, 5, 10, 10, 10, 20)),
        _Plan(corpus.tools, 28, 120),
    )
    for plan in plans:
        for _ in range(plan.catalogues):
            fold = spaces.draw(draw)
            cards, requests = _catalogue(plan, elsewhere, fold.unseen, draw)
            catalogue = Catalogue(cards, spaces, fold, dim=dim)
            for text, right in requests:
                ids, rows = catalogue.read(text, Dialogue())
                if group := catalogue.group(ids, rows, right, text):
                    yield group


def _catalogue(
    plan: _Plan,
    elsewhere: tuple[list[str], list[str]],
    unseen: frozenset[str] | None,
    draw: random.Random,
) -> tuple[list[AgentCard], list[tuple[str, str | None]]]:
    """Return cards, and requests with the card that each belongs to."""
    source, by = plan.source, plan.source.by_label()
    names = list(by)
    count = draw.randint(max(5, len(names) // 5), len(names)) if draw.random() < 0.6 else len(names)
    chosen = draw.sample(names, count)
    shots = 0 if source.tools and draw.random() < 0.5 else draw.choice(plan.shots)
    domains = {q.label: q.domain for q in source.queries}
    cards: list[AgentCard] = []
    asked: list[tuple[str, str | None]] = []
    for name in chosen:
        texts = draw.sample(by[name], len(by[name]))
        shown = texts[: max(0, min(shots, len(texts) - 3))]
        cards.append(request_card(source, name, examples=shown, domain=domains[name]))
        if unseen is None or source.key(name) in unseen:
            asked += [(text, source.key(name)) for text in texts[len(shown) :]]
    few = plan.requests // 10
    gone = [t for n in names if n not in chosen for t in draw.sample(by[n], min(3, len(by[n])))]
    far = elsewhere[1] if draw.random() < 0.3 else elsewhere[0]
    nobodys = [
        *draw.sample(gone, min(few, len(gone))),
        *draw.sample(source.out_of_scope, min(few, len(source.out_of_scope))),
        *draw.sample(far, min(few, len(far))),
    ]
    some = draw.sample(asked, min(plan.requests, len(asked)))
    return cards, [*some, *((text, None) for text in nobodys)]
