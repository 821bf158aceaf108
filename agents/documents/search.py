"""Ranks passages for a question and decides which are relevant. It knows no folder, file format or chat.

The base is BM25 over stemmed words. An encoder, if there is one, adds a ranking by cosine; the two are joined by
reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.documents import query, vectors
from agents.documents.store import Passage, Store
from agents.documents.vectors import Embed

_DEPTH = 60
"""Passages taken of each ranking."""
_RRF = 60
_SHARE = 0.5
"""The share of the question's information that a relevant passage holds."""
_LONG_SHARE, _LONG_TERMS = 0.3, 4
"""The share that is enough when at least this many of the question's words are in the passage."""
_BOUND_SHARE = 0.25
"""The share that is enough when the user said that the answer is in the documents."""
_COSINE, _BOUND_COSINE = 0.5, 0.35
"""The cosines that are enough without any word in common; the encoder that ships seldom has 0.3 for unrelated texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A relevant passage."""

    passage: Passage
    score: float
    """From 0 to 1: the share of the question's information that it holds, or its cosine if that is higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a search found."""

    hits: tuple[Hit, ...]
    missing: tuple[str, ...]
    """The question's words that are in no document."""


def search(
    store: Store,
    terms: Sequence[str],
    *,
    question: str,
    bound: bool,
    limit: int,
    embed: Embed | None = None,
) -> Finding:
    """Return the most relevant passages, best first; none if no passage passes the test.

    Args:
        store: where to look.
        terms: the informative words of the question, at least one.
        question: the text that the encoder compares with passages.
        bound: whether the user said that the answer is in the documents; the test is then milder.
        limit: how many passages to return at most.
        embed: the encoder, if there is one.
    """
    lexical = store.best(query.any_of(terms), limit=_DEPTH)
    cosines = vectors.nearest(store, question, embed=embed, limit=_DEPTH)
    ranked = fuse(lexical, list(cosines))
    holders = {term: store.holding(query.quoted(term), among=ranked) for term in terms}
    frequency = {term: store.frequency(query.quoted(term)) for term in terms}
    weight = weights(frequency, passages=store.size()[1])
    total = sum(weight.values())
    hits: list[Hit] = []
    seen: set[str] = set()
    for number in ranked:
        matched = [term for term in terms if number in holders[term]]
        share = sum(weight[term] for term in matched) / total
        cosine = cosines.get(number, 0.0)
        if not relevant(share, matched=len(matched), cosine=cosine, bound=bound):
            continue
        passage = store.passage(number)
        words = " ".join(passage.text.casefold().split())
        if words not in seen:  # the same text in two files is shown once
            seen.add(words)
            hits.append(Hit(passage=passage, score=round(max(share, cosine), 3)))
        if len(hits) == limit:
            break
    return Finding(hits=tuple(hits), missing=tuple(term for term in terms if not frequency[term]))


def relevant(share: float, *, matched: int, cosine: float, bound: bool) -> bool:
    """Return whether a passage with this share of the question's information may be shown as an answer."""
    return (
        share >= (_BOUND_SHARE if bound else _SHARE)
        or (matched >= _LONG_TERMS and share >= _LONG_SHARE)
        or cosine >= (_BOUND_COSINE if bound else _COSINE)
    )


def weights(frequency: Mapping[str, int], *, passages: int) -> dict[str, float]:
    """Return how much each term tells: the rarer, the more; a term found nowhere tells most."""
    return {term: math.log1p(passages / max(count, 0.5)) for term, count in frequency.items()}


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Return the items of several rankings in the order of their summed reciprocal ranks."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=lambda item: -scores[item])
