"""How a dialogue moves on, and how a saved one is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.routing.dialogue import ASIDES, EARLIER, REMEMBERED, Dialogue, Exchange


def after(*agents: str | None) -> Dialogue:
    dialogue = Dialogue()
    for n, agent in enumerate(agents):
        dialogue = dialogue.after(f"u{n}", agent=agent, said=f"s{n}")
    return dialogue


def test_who_serves_holds_the_floor_and_who_held_it_is_remembered() -> None:
    dialogue = after("a", "a", "b", "a", "c")
    assert (dialogue.holder, dialogue.earlier, dialogue.held, dialogue.turn) == (
        "c",
        ("b", "a"),
        1,
        5,
    )
    assert dialogue.recent == (Exchange("u4", "s4"),)


def test_a_turn_of_nobodys_leaves_the_floor_where_it_was() -> None:
    dialogue = after("a", None, None)
    assert (dialogue.holder, dialogue.away, dialogue.held) == ("a", 2, 1)
    assert dialogue.recent == (Exchange("u0", "s0"),)
    assert dialogue.aside == (Exchange("u1", "s1"), Exchange("u2", "s2"))
    assert dialogue.said == "s2"
    back = dialogue.after("u3", agent="a", said="s3")
    assert (back.away, back.aside, back.held) == (0, (), 2)


@given(st.lists(st.none() | st.sampled_from("abcdefghijkl"), max_size=30))
def test_what_is_remembered_is_bounded_and_survives_saving(agents: list[str | None]) -> None:
    dialogue = after(*agents)
    assert len(dialogue.recent) <= REMEMBERED
    assert len(dialogue.aside) <= ASIDES
    assert len(dialogue.earlier) <= EARLIER
    assert dialogue.holder not in dialogue.earlier
    assert Dialogue.from_plain(dialogue.plain()) == dialogue


def test_a_long_text_is_kept_by_its_ends() -> None:
    dialogue = Dialogue().after("x" * 10_000 + "end", agent="a", said="")
    assert len(dialogue.recent[0].user) < 2_000
    assert dialogue.recent[0].user.endswith("end")


@pytest.mark.parametrize(
    "saved",
    [None, 5, "text", [], {}, {"holder": "a"}, {**after("a").plain(), "recent": [["one"]]},
     {**after("a").plain(), "away": "many"}, {**after("a").plain(), "earlier": 3},
     {**after("a").plain(), "turn": float("inf")}],
)  # fmt: skip
def test_what_was_tampered_with_is_forgotten(saved: Any) -> None:
    assert Dialogue.from_plain(saved) == Dialogue()


def test_the_routers_own_question_is_nobodys_turn() -> None:
    before = after("a", "b")
    asked = before.asking(("a", "c"), said="Which one?")
    assert (asked.holder, asked.away, asked.turn) == ("b", 0, 2)
    assert (asked.asked, asked.said) == (("a", "c"), "Which one?")
    assert asked.after("c", agent="c", said="").asked == ()
    assert before.given_back().recent == before.recent
