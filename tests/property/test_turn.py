"""Any text as a turn: it is cleaned or refused, and it is always an event of a turn."""

from hypothesis import example, given
from hypothesis import strategies as st

from agents.errors import InputError
from agents.replies import approved, read_reply
from graphs.machine import TURN_EVENTS, Phase
from graphs.turn import chosen, clean_text, name_event

ANY = st.text(st.characters(), max_size=60)  # surrogates and control characters too
WORDS = st.lists(
    st.sampled_from(
        "yes no the first 2 calendar task stop thanks ok please ? and it 's 👍".split()
    ),
    max_size=8,
).map(" ".join)
TEXTS = ANY | WORDS
OFFERED = st.lists(st.tuples(st.text(max_size=5), ANY), max_size=8)


@given(ANY)
@example("\ud800")
def test_a_cleaned_text_can_be_written_and_is_clean_already(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except InputError:
        return
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean_text(cleaned) == cleaned
    assert not any(ord(c) < 32 and c not in "\t\n\r" for c in cleaned)


@given(TEXTS, st.sampled_from(Phase), st.none() | st.just("tasks"), OFFERED)
def test_any_text_is_an_event_of_a_turn(
    text: str, phase: Phase, holder: str | None, offered: list[tuple[str, str]]
) -> None:
    assert name_event(text, phase=phase, holder=holder, offered=offered) in TURN_EVENTS


@given(TEXTS, OFFERED)
def test_only_an_offered_agent_is_chosen(text: str, offered: list[tuple[str, str]]) -> None:
    assert chosen(text, offered) in {None, *(agent_id for agent_id, _ in offered)}


@given(TEXTS)
def test_a_permission_is_a_yes_and_nothing_else(text: str) -> None:
    assert (approved(text) is True) == (read_reply(text) == "affirm")


@given(WORDS, st.sampled_from(["apples", "7", "but", "dentist"]))
def test_a_yes_with_anything_more_is_no_permission(text: str, more: str) -> None:
    assert approved(f"{text} {more}") is None
    assert approved(f"{more} {text}") is None


def test_the_words_above_make_both_permissions_and_others() -> None:
    assert approved("yes ok please") is True
    assert approved("no thanks") is False
