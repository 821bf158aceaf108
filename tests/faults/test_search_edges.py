"""Search at its edges: whatever vectors, texts and masks come, hits are candidates and scores are finite."""

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.card import AgentCard, Skill
from agents.errors import RoutingError
from graphs.routing.chooser import Choice
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import make_encoder
from graphs.routing.index import VectorIndex
from graphs.routing.router import Router
from tests.support.agents import FakeEncoder, FakeFitted
from tests.support.bars import bar

DIM = 5
SEEDS = st.integers(0, 2**64)
ODD = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-45, 1e15, 3e15, 0.5)
WORDS = (
    "alpha",
    "beta",
    "",
    "  ",
    "\ud800",
    "\x00",
    "日本",
    "ﬁ",
    "\u202e",
    "a" * 50,
    "!!!",
    "and then",
)
CARDS = tuple(
    AgentCard(id=f"a{n}", description=word, skills=(Skill(id="s", examples=(f"{word} {n}", "same")),))
    for n, word in enumerate(("alpha", "beta", "beta", "日本", "!!!", "x y z", "\ud800", "same"))
)  # fmt: skip


def rows(random: Random, count: int, *, odd: float) -> NDArray[np.float64]:
    """Return vectors of small whole numbers, so that many tie, some with odd numbers among them."""
    made = np.array([[random.randint(-2, 2) for _ in range(DIM)] for _ in range(count)], float)
    made = made.reshape(count, DIM)
    if count and random.random() < odd:
        made[random.randrange(count), random.randrange(DIM)] = random.choice(ODD)
    return made


def search(random: Random) -> str:
    """Search vectors at random; return whether there were hits, none, or a refusal."""
    size = random.choice((0, 1, 2, 5, 9, 40))
    ids = [f"i{n}" for n in range(size)]
    k = random.choice((1, 2, size, size + 1, 1_000_000_000, 0, -1))
    allowed = random.choice((None, set(random.sample(ids, min(size, 3))), {"nobody"}, set()))
    stored, queries = rows(random, size, odd=0.2), rows(random, random.randint(0, 3), odd=0.4)
    if random.random() < 0.05:
        queries = queries[:, : random.randint(0, DIM - 1)]
    try:
        index = VectorIndex.from_vectors(ids, stored)
        found = index.search(queries, k, allowed=allowed)
    except RoutingError:
        sound = all((np.abs(r) <= 1e15).all() for r in (stored, queries))
        assert k < 1 or queries.shape[1] != DIM or not sound
        return "refused"
    candidates = set(ids) if allowed is None else allowed & set(ids)
    assert [len(hits) for hits in found] == [min(k, len(candidates))] * len(queries)
    for hits in found:
        assert {id_ for id_, _ in hits} <= candidates
        assert np.isfinite([score for _, score in hits]).all()
        assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
    assert index.search(queries, k, allowed=allowed) == found
    assert VectorIndex.from_vectors(ids, stored).search(queries, k, allowed=allowed) == found
    return "hits" if any(found) else "none"


def routers(encoder: Any, **more: Any) -> list[Router]:
    """Return two routers that should say the same."""
    return [
        Router.from_parts(encoder, cards=CARDS, examples=[], qualities={}, **more) for _ in range(2)
    ]


def choose(random: Random, twins: list[Router], *, longest: int = 30) -> str:
    """Choose an agent for a text made of odd words, by both of two equal routers."""
    count = random.choice((0, 1, 3, longest))
    text = " ".join(random.choice(WORDS) for _ in range(count))
    if random.random() < 0.02:
        text = (text or "x") * (1_000_000 // max(1, len(text)))
    ids = [card.id for card in CARDS]
    allowed = random.choice((ids, random.sample(ids, 3), [ids[0]], [], ["nobody"]))
    dialogue = Dialogue()
    if random.random() < 0.5:
        said = random.choice(WORDS)
        dialogue = dialogue.after(said, agent=random.choice([*ids, "gone"]), said="What? " + said)
    choices = [router.choose_agent(text, dialogue, allowed=allowed) for router in twins]
    first = choices[0]
    check(first, set(allowed) & set(ids))
    assert [c.decision for c in choices] == [first.decision] * 2
    assert [c.odds for c in choices] == [first.odds] * 2
    return first.decision.event.value


def check(choice: Choice, candidates: set[str]) -> None:
    shares = [p for _, p in choice.odds.agents]
    assert {i for i, _ in choice.odds.agents} <= candidates
    assert np.isfinite([*shares, choice.odds.none]).all()
    assert all(0 <= p <= 1.000001 for p in (*shares, choice.odds.none))
    named = {choice.decision.agent, *choice.decision.others, *(i for i, _ in choice.several)}
    assert named - {None} <= candidates


@given(SEEDS)
@settings(max_examples=200)
def test_hits_are_candidates_with_finite_scores_and_the_same_again(seed: int) -> None:
    search(Random(seed))


TWINS = routers(FakeEncoder(), fitted=FakeFitted())


@given(SEEDS)
@settings(max_examples=40)
def test_a_choice_is_among_the_candidates_whatever_the_text(seed: int) -> None:
    choose(Random(seed), TWINS)


@pytest.mark.faults
def test_search_edge_cases() -> None:
    random, seen = Random(16), Counter[str]()
    for _ in range(8_500):
        seen[f"index: {search(random)}"] += 1
    for _ in range(1_000):
        seen[f"router: {choose(random, TWINS)}"] += 1
    real = routers(make_encoder())
    for _ in range(500):
        seen[f"encoder: {choose(random, real, longest=12)}"] += 1
    shown = ", ".join(f"{what} {n:,}" for what, n in sorted(seen.items()))
    result = f"all in the candidates, finite, the same again ({shown})"
    bar(
        16,
        "search edge cases",
        seen.total(),
        result,
        "in the candidates, finite, equal: 10,000 of 10,000",
    )
    assert seen.total() == 10_000
    assert min(seen["index: hits"], seen["index: refused"], seen["index: none"]) > 500
