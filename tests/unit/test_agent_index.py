"""The index of agents on exact vectors: what is found, what changes leave behind."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.card import AgentCard, Skill
from agents.errors import RoutingError
from graphs.routing import agents, cells
from graphs.routing.agents import AgentIndex
from graphs.routing.card_texts import EXAMPLES_AN_AGENT, card_texts
from graphs.routing.dialogue import Dialogue
from graphs.routing.router import Router
from graphs.routing.saved_agents import load_agents, save_agents

Vector = NDArray[np.float32]

DIM = 16


def fake_encode(texts: Sequence[str], /) -> NDArray[np.float32]:
    """Return a unit vector for each text that depends on the text alone."""
    rows = [
        np.frombuffer(
            hashlib.blake2b(t.encode("utf-8", "replace"), digest_size=DIM).digest(), np.int8
        )
        for t in texts
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


def score(agent: AgentCard, vector: Vector) -> float:
    known = card_texts(agent)
    rows = fake_encode([*known.purposes, *known.examples]).astype(np.float16).astype(np.float32)
    return float((rows @ vector).max())


def nearest(
    index: AgentIndex, vector: Vector, *, top: int = 5, allowed: set[str] | None = None
) -> list[str]:
    mask = None if allowed is None else allowed.__contains__
    return index.near(vector[None, :], top, allowed=mask)


CARDS = [
    card(f"a{n}", f"c{n % 5}", examples=[f"{n} example {e}" for e in range(n % 4)])
    for n in range(20)
]
IDS = [c.id for c in CARDS]


# The index


@given(st.text(max_size=5), st.sets(st.sampled_from(IDS)), st.integers(1, 25))
@settings(max_examples=60, deadline=None)
def test_the_nearest_of_the_allowed_are_found(text: str, allowed: set[str], top: int) -> None:
    vector = query(text)
    expected = sorted(
        ((score(c, vector), c.id) for c in CARDS if c.id in allowed), key=lambda h: (-h[0], h[1])
    )[:top]
    found = nearest(index_of(*CARDS), vector, top=top, allowed=allowed)
    assert [score(CARDS[IDS.index(i)], vector) for i in found] == pytest.approx(
        [s for s, _ in expected], abs=2e-3
    )
    assert set(found) <= allowed


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
    assert nearest(index, vector, top=20) == nearest(fresh, vector, top=20)
    assert {i for members in index.groups().values() for i in members} == there
    assert [index.words.weight(w) for w in ("a1", "exampl")] == pytest.approx(
        [fresh.words.weight(w) for w in ("a1", "exampl")]
    )


def test_a_replaced_card_is_found_by_its_new_texts_only() -> None:
    index = index_of(card("a", "old", examples=["first"]), card("b", examples=["other"]))
    index.add(card("a", "new", examples=["second"]))
    assert nearest(index, query("second"), top=1) == ["a"]
    assert float((index.known("a").examples @ query("first")).max()) < 0.99
    assert "old" not in index.groups()


def test_nothing_is_found_where_nothing_is_allowed_or_known() -> None:
    assert nearest(index_of(*CARDS), query("x"), allowed=set()) == []
    assert nearest(index_of(*CARDS), query("x"), allowed={"nobody"}) == []
    assert nearest(index_of(), query("x")) == []


def test_agents_with_few_examples_between_others_leave_what_is_fitted_as_it_is() -> None:
    said = {t: [f"{t} number {n}" for n in range(30)] for t in ("hotel", "taxi")}
    index = index_of(
        card("lone", examples=["one"]), *(card(t, examples=e) for t, e in said.items())
    )
    text, vector = "taxi number", query("taxi number")
    index.near(vector[None, :], 3, text=text)
    assert index.head is not None
    found = index.head.probabilities(vector, text)
    index.head.probabilities(vector, "another")
    assert found == pytest.approx(index.head.probabilities(vector, text), abs=1e-4)
    assert max(found, key=lambda i: found[i]) == "taxi"


def test_what_is_fitted_on_examples_is_fitted_anew_only_when_examples_come_or_go() -> None:
    said = {t: [f"{t} number {n}" for n in range(30)] for t in ("hotel", "taxi")}
    index = index_of(*(card(t, examples=texts) for t, texts in said.items()))
    first = index.head
    assert first is not None
    index.add(card("plain"))
    assert index.head is first
    index.remove("plain")
    assert index.head is first
    index.add(card("film", examples=[f"film number {n}" for n in range(30)]))
    assert index.head is not None
    assert set(index.head.ids) == {"hotel", "taxi", "film"}
    index.remove("film")
    assert index.head is not None
    assert set(index.head.ids) == {"hotel", "taxi"}


def test_removing_who_is_not_there_is_no_error() -> None:
    index = index_of(CARDS[0])
    index.remove("nobody")
    assert len(index) == 1


def test_a_card_is_known_by_few_different_texts() -> None:
    agent = card("a", examples=["same"] * 5 + [f"e{n}" for n in range(200)] + [" ", ""])
    texts = card_texts(agent)
    assert len(texts.examples) == EXAMPLES_AN_AGENT
    assert len(set(texts.all())) == len(texts.all())
    assert all(text.strip() for text in texts.all())


# Two levels


def test_in_a_large_catalogue_the_nearest_cells_hold_what_a_flat_search_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cards = [card(f"a{n:03}", f"c{n % 7}" if n % 2 else "", examples=[f"e{n}"]) for n in range(400)]
    flat = index_of(*cards)
    monkeypatch.setattr(agents, "FLAT_TEXTS", 10)
    monkeypatch.setattr(cells, "FULL", 20)
    monkeypatch.setattr(cells, "_BUILT", 10)
    large = index_of(*cards[:350])
    for late in cards[350:]:
        large.add(late)
    assert {i for members in large.groups().values() for i in members} == {c.id for c in cards}
    for n in range(0, 400, 40):
        vector = query(f"e{n}")
        assert nearest(large, vector, top=1) == nearest(flat, vector, top=1) == [f"a{n:03}"]
        only = {f"a{n:03}", "a001"}
        assert set(nearest(large, vector, allowed=only)) == only


def test_found_categories_are_named_by_their_words() -> None:
    cards = [card(f"fly{n}", examples=["book a flight"]) for n in range(3)]
    assert any("flight" in name for name in index_of(*cards).groups())


# Changes at run time


def test_a_change_that_cannot_be_embedded_leaves_the_router_as_it_was() -> None:
    encoder = FakeEncoder()
    router = Router.from_parts(
        encoder, cards=[card("a", examples=["x"])], examples=[], qualities={}
    )
    before = router.choose_agent("x", Dialogue(), allowed=["a", "b"]).odds
    encoder.broken = True
    with pytest.raises(RoutingError):
        router.change(card("a", examples=["x"]), card("a", examples=["y"]))
    with pytest.raises(RoutingError):
        router.change(None, card("b"))
    assert router.choose_agent("x", Dialogue(), allowed=["a", "b"]).odds == before


def test_switching_an_agent_off_needs_no_encoder() -> None:
    encoder = FakeEncoder()
    agent = card("a", examples=["x"])
    router = Router.from_parts(encoder, cards=[agent], examples=[], qualities={})
    router.choose_agent("x", Dialogue(), allowed=["a"])
    encoder.broken = True
    router.change(agent, replace(agent, enabled=False))
    router.change(agent, None)
    assert router.choose_agent("x", Dialogue(), allowed=["a"]).odds.agents == ()


# On disk


def test_a_saved_index_finds_the_same_and_goes_on_changing(tmp_path: Path) -> None:
    index = index_of(*CARDS)
    save_agents(index, tmp_path, encoder="fake", catalog="c")
    loaded = load_agents(
        tmp_path, encoder="fake", catalog="c", encode=fake_encode, dim=DIM, space=None
    )
    assert loaded.groups() == index.groups()
    for text in ("x", "3 example 1"):
        assert nearest(loaded, query(text), top=20) == nearest(index, query(text), top=20)
    for changed in (index, loaded):
        changed.remove("a3")
        changed.add(card("late", examples=["x"]))
    assert nearest(loaded, query("x"), top=3) == nearest(index, query("x"), top=3)
    assert loaded.words.weight("exampl") == pytest.approx(index.words.weight("exampl"))


def test_an_index_that_was_changed_or_is_anothers_is_refused(tmp_path: Path) -> None:
    save_agents(index_of(*CARDS), tmp_path, encoder="fake", catalog="c")

    def load(encoder: str = "fake", catalog: str = "c") -> AgentIndex:
        return load_agents(
            tmp_path, encoder=encoder, catalog=catalog, encode=fake_encode, dim=DIM, space=None
        )

    for other in ({"encoder": "x"}, {"catalog": "x"}):
        with pytest.raises(RoutingError, match="build it again"):
            load(**other)
    (path,) = tmp_path.glob("vectors-*.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RoutingError, match="was changed"):
        load()
    path.unlink()
    with pytest.raises(RoutingError, match=r"has no vectors-.* that can be read"):
        load()


def test_a_card_with_half_a_character_can_be_kept(tmp_path: Path) -> None:
    save_agents(index_of(card("a", examples=["half \ud800"])), tmp_path, encoder="e", catalog="c")
    loaded = load_agents(
        tmp_path, encoder="e", catalog="c", encode=fake_encode, dim=DIM, space=None
    )
    assert loaded.texts("a").examples == ("half \ud800",)


def test_a_settled_index_fits_nothing_when_it_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(*(card(i, examples=[f"{i} {n}" for n in range(4)]) for i in "ab"))
    index.settle()
    monkeypatch.setattr(agents, "fit_head", lambda *_: pytest.fail("fitted in a turn"))
    assert index.near(fake_encode(["a 1"]), 1, text="a 1")[0] == "a"


def test_a_search_is_quick_when_nothing_is_to_be_gathered_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = index_of(card("a"))
    index.settle()
    assert index.quick
    index.add(card("b"))
    assert not index.quick
    index.near(fake_encode(["a"]), 1)
    assert index.quick
    monkeypatch.setattr(agents, "QUICK_TEXTS", 1)
    assert not index.quick
