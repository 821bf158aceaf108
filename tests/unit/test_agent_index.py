"""The index of agents on exact vectors: what is found, what changes leave behind, and the decision that follows."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.card import AgentCard, Skill
from agents.errors import RoutingError
from graphs.machine import Event, Phase
from graphs.routing.agents import (
    ASK_WITHIN,
    CATEGORIES,
    START_AT,
    TEXTS_AN_AGENT,
    AgentIndex,
    Turn,
    card_texts,
    category_of,
    decide,
    p_fits,
)
from graphs.routing.quality import Vector
from graphs.routing.router import Router

DIM = 16


def fake_encode(texts: Sequence[str], /) -> NDArray[np.float32]:
    """Return a unit vector for each text that depends on the text alone."""
    rows = [
        np.frombuffer(hashlib.blake2b(t.encode(), digest_size=DIM).digest(), np.int8) for t in texts
    ]
    vectors = np.array(rows, np.float32).reshape(-1, DIM)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


class FakeEncoder:
    """An encoder that can be made to fail."""

    name = "fake"
    dim = DIM
    broken = False

    def encode(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        if self.broken:
            raise RoutingError("the encoder is down")
        return fake_encode(texts)


def card(id_: str, *category: str, examples: Sequence[str] = ()) -> AgentCard:
    skills = (Skill(id="s", examples=tuple(examples)),) if examples else ()
    return AgentCard(id=id_, description=f"does {id_}", category=category, skills=skills)


def index_of(*cards: AgentCard) -> AgentIndex:
    return AgentIndex.from_cards(cards, fake_encode, dim=DIM)


def query(text: str) -> Vector:
    vector: Vector = fake_encode([text])[0]
    return vector


def scores(agent: AgentCard, vector: Vector) -> float:
    return float((fake_encode(card_texts(agent)) @ vector).max())


CARDS = [
    card(f"a{n}", f"c{n % 5}", examples=[f"{n} example {e}" for e in range(n % 4)])
    for n in range(20)
]
IDS = [c.id for c in CARDS]


# The index


def test_an_agent_is_as_near_as_its_nearest_text() -> None:
    agent = card("a", examples=["first", "second"])
    ((found, score),) = index_of(agent).rank(query("second"), ["a"])
    assert found == "a"
    assert score == pytest.approx(1.0)


@given(st.text(max_size=5), st.sets(st.sampled_from(IDS)), st.integers(1, 25))
@settings(max_examples=100, deadline=None)
def test_ranking_the_allowed_equals_brute_force(text: str, allowed: set[str], top: int) -> None:
    vector = query(text)
    expected = sorted(
        ((c.id, scores(c, vector)) for c in CARDS if c.id in allowed), key=lambda h: (-h[1], h[0])
    )[:top]
    found = index_of(*CARDS).rank(vector, allowed, top=top)
    assert [i for i, _ in found] == [i for i, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-6)


def test_of_many_categories_the_nearest_to_the_query_are_opened() -> None:
    cards = [card(f"a{n:02}{m}", f"c{n:02}") for n in range(2 * CATEGORIES) for m in range(2)]
    vector = query("x")
    means = {c.id: fake_encode(card_texts(c)).mean(axis=0) for c in cards}
    centres = {
        name: np.mean([means[c.id] for c in cards if category_of(c) == name], axis=0)
        for name in {category_of(c) for c in cards}
    }
    near = sorted(centres, key=lambda c: -float(centres[c] @ vector / np.linalg.norm(centres[c])))
    opened = {c.id for c in cards if category_of(c) in near[:CATEGORIES]}
    found = index_of(*cards).rank(vector, [c.id for c in cards], top=len(cards))
    assert {i for i, _ in found} == opened


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 19)), max_size=30), st.text(max_size=3))
@settings(max_examples=60, deadline=None)
def test_coming_and_going_leaves_no_trace(changes: list[tuple[bool, int]], text: str) -> None:
    index, there = index_of(*CARDS[:5]), set(IDS[:5])
    for comes, n in changes:
        if comes:
            index.add(CARDS[n])
            there.add(IDS[n])
        else:
            index.remove(IDS[n])
            there.discard(IDS[n])
    fresh = index_of(*(c for c in CARDS if c.id in there))
    vector = query(text)
    found, expected = (i.rank(vector, IDS, top=20) for i in (index, fresh))
    assert [i for i, _ in found] == [i for i, _ in expected]
    assert dict(found) == pytest.approx(dict(expected), abs=1e-6)


def test_a_replaced_card_is_found_by_its_new_texts_only() -> None:
    index = index_of(card("a", "old", examples=["first"]))
    index.add(card("a", "new", examples=["second"]))
    assert index.rank(query("second"), ["a"])[0][1] == pytest.approx(1.0)
    assert index.rank(query("first"), ["a"])[0][1] < 0.99


def test_equal_cards_are_ranked_by_id() -> None:
    cards = [replace(card("x", "c"), id=i, name="same") for i in ("b", "a.b", "a", "c")]
    found = index_of(*cards).rank(query("q"), ["a", "b", "c", "a.b"], top=3)
    assert [i for i, _ in found] == ["a", "a.b", "b"]


def test_nothing_is_found_where_nothing_is_allowed_or_known() -> None:
    assert index_of(*CARDS).rank(query("x"), []) == []
    assert index_of(*CARDS).rank(query("x"), ["nobody"]) == []
    assert index_of().rank(query("x"), IDS) == []


def test_removing_who_is_not_there_is_no_error() -> None:
    index = index_of(CARDS[0])
    index.remove("nobody")
    assert len(index.rank(query("x"), IDS)) == 1


def test_a_card_is_known_by_few_different_texts() -> None:
    agent = card("a", examples=["same"] * 5 + [f"e{n}" for n in range(200)] + [" ", ""])
    texts = card_texts(agent)
    assert len(texts) == TEXTS_AN_AGENT
    assert len(set(texts)) == len(texts)
    assert all(text.strip() for text in texts)


# Changes at run time


def test_a_change_that_cannot_be_embedded_leaves_the_router_as_it_was() -> None:
    encoder = FakeEncoder()
    router = Router.from_parts(
        encoder, cards=[card("a", examples=["x"])], examples=[], qualities={}
    )
    before = router.rank_agents(query("x"), ["a", "b"])
    encoder.broken = True
    with pytest.raises(RoutingError):
        router.change(card("a", examples=["x"]), card("a", examples=["y"]))
    with pytest.raises(RoutingError):
        router.change(None, card("b"))
    assert router.rank_agents(query("x"), ["a", "b"]) == before


def test_switching_an_agent_off_needs_no_encoder() -> None:
    encoder = FakeEncoder()
    agent = card("a", examples=["x"])
    router = Router.from_parts(encoder, cards=[agent], examples=[], qualities={})
    encoder.broken = True
    router.change(agent, replace(agent, enabled=False))
    router.change(agent, None)
    assert router.rank_agents(query("x"), ["a"]) == []


# The decision

NEAR, FAR = 0.9, 0.0


def test_the_probability_grows_with_nearness_and_falls_with_a_near_general_request() -> None:
    assert p_fits(0.9, 0.1) > p_fits(0.5, 0.1) > p_fits(0.1, 0.1)
    assert p_fits(0.5, 0.9) < p_fits(0.5, 0.1)
    assert 0 <= p_fits(-1e9, 1e9) < p_fits(1e9, -1e9) <= 1


@pytest.mark.parametrize(
    ("ranked", "turn", "event", "agent"),
    [
        ([], Turn(phase="idle"), Event.NONE, None),
        ([("a", NEAR)], Turn(phase="idle"), Event.START, "a"),
        ([("a", FAR)], Turn(phase="idle"), Event.NONE, None),
        ([("a", NEAR), ("b", FAR)], Turn(phase="idle"), Event.START, "a"),
        ([("a", NEAR), ("b", NEAR - ASK_WITHIN / 2)], Turn(phase="idle"), Event.CLARIFY, "a"),
        (
            [("a", NEAR), ("b", NEAR - ASK_WITHIN / 2)],
            Turn(phase="awaiting_choice", may_ask=False),
            Event.START,
            "a",
        ),
        ([("a", NEAR), ("b", FAR)], Turn(phase="engaged", holder="b"), Event.SWITCH, "a"),
        ([("a", NEAR), ("b", NEAR - 0.01)], Turn(phase="engaged", holder="b"), Event.STAY, "b"),
        ([("a", NEAR)], Turn(phase="engaged", holder="gone"), Event.SWITCH, "a"),
        ([("a", FAR)], Turn(phase="engaged", holder="a"), Event.NONE, None),
        ([("a", FAR)], Turn(phase="awaiting_input", holder="a"), Event.STAY, "a"),
        ([("a", NEAR), ("b", FAR)], Turn(phase="awaiting_input", holder="b"), Event.SWITCH, "a"),
    ],
)
def test_who_takes_the_turn(
    ranked: list[tuple[str, float]], turn: Turn, event: Event, agent: str | None
) -> None:
    decision = decide(ranked, none_similarity=0.1, turn=turn)
    assert (decision.event, decision.agent) == (event, agent)
    assert decision.reason


@given(
    st.lists(st.floats(-1, 1), max_size=5),
    st.floats(-1, 1),
    st.sampled_from(Phase),
    st.none() | st.sampled_from("abcdez"),
    st.booleans(),
)
def test_any_decision_names_a_ranked_agent_or_none(
    cosines: list[float], none: float, phase: Phase, holder: str | None, may_ask: bool
) -> None:
    ranked = list(zip("abcde", sorted(cosines, reverse=True), strict=False))
    turn = Turn(phase=phase, holder=holder, may_ask=may_ask)
    decision = decide(ranked, none_similarity=none, turn=turn)
    known = {agent for agent, _ in ranked}
    assert decision.agent in known | {None}
    assert (decision.agent is None) == (decision.event == Event.NONE)
    assert (decision.event == Event.CLARIFY) == (len(decision.others) == 2)
    assert 0 <= decision.p_fit <= 1
    if decision.event == Event.STAY:
        assert decision.agent == holder
    if decision.event in (Event.START, Event.SWITCH, Event.CLARIFY):
        assert decision.p_fit >= START_AT
        assert decision.agent != holder
        assert may_ask or decision.event != Event.CLARIFY
    assert decision == decide(ranked, none_similarity=none, turn=turn)
