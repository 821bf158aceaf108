"""The user's turn: what of a text is kept, and which event it is in its phase."""

# ruff: noqa: RUF001  joined letters are what is tested
import pytest

from agents.errors import InputError
from graphs.machine import TURN_EVENTS, Event, Phase
from graphs.turn import (
    LONGEST_TEXT,
    chosen,
    clean_text,
    modalities_of,
    name_event,
    text_of,
    wants_better,
)

OFFERED = [("calendar", "Calendar"), ("tasks", "Task list")]
FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("hello", "hello"),
        (" two\tlines\r\nlong \n", " two\tlines\r\nlong \n"),
        (f"emoji {FAMILY} \N{WAVING WHITE FLAG}\ufe0f\u200d\N{RAINBOW}", None),
        ("می\u200cخواهم", None),
        ("\u05e9\u05dc\u05d5\u05dd\u200f!", None),
        ("a\x00b\x07c\x1b[31md\x7fe", "abcde"),
        ("a\x9b31mb\x85c", "a31mbc"),
        ("a\u202eb\u2066c\u2069", "abc"),
        ("\ufeffa\u200bb\u2060c", "abc"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
    ],
)
def test_a_text_is_kept_without_what_no_reader_sees(given: str, kept: str | None) -> None:
    assert clean_text(given) == (given if kept is None else kept)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t\r",
        "\x00\x1b",
        "\u200b",
        "\u200d",
        "\u200e \u200f",
        "\ufeff",
        "\xad",
        "\ufe0f",
    ],
)
def test_a_text_with_nothing_to_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the message is empty; write what you want"):
        clean_text(text)


def test_a_text_of_a_megabyte_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="has 1,048,576 characters; at most 200,000 are taken"):
        clean_text("x" * 2**20)


@pytest.mark.parametrize(
    ("content", "text", "kinds"),
    [
        ("hi", "hi", {"text"}),
        ([], "", {"text"}),
        (["a", {"type": "text", "text": "b"}], "a\nb", {"text"}),
        ([{"type": "input_text", "text": "a"}], "a", {"text"}),
        ([{"type": "image_url", "image_url": {"url": "x"}}], "", {"text", "image"}),
        ([{"type": "input_image"}, {"type": "input_audio"}], "", {"text", "image", "audio"}),
        ([{"type": "input_file"}], "", {"text", "file"}),
        ([{"type": "hologram", "text": 5}], "", {"text", "hologram"}),
        ([{"type": ["x"]}, {"type": None}, {}], "", {"text", "['x']", "None"}),
        ([None, 5], "", {"text"}),
    ],
)
def test_a_message_in_parts_has_a_text_and_modalities(
    content: str | list[object], text: str, kinds: set[str]
) -> None:
    assert text_of(content) == text
    assert modalities_of(content) == kinds


EVENTS = {
    Phase.IDLE: {
        "what is 2+2?": Event.NEW_REQUEST,
        "yes": Event.NEW_REQUEST,
        "and in km?": Event.NEW_REQUEST,
        "thanks": Event.CLOSE,
        "no": Event.CLOSE,
        "never mind": Event.CLOSE,
        "no milk left": Event.NEW_REQUEST,
        "that's wrong": Event.NEW_REQUEST,
    },
    Phase.ENGAGED: {
        "now I need a taxi": Event.NEW_REQUEST,
        "also find me a train ticket to Bern": Event.NEW_REQUEST,
        "and in km?": Event.CONTINUE,
        "what about Paris?": Event.CONTINUE,
        "make it 10": Event.CONTINUE,
        "yes": Event.CONTINUE,
        "that's wrong": Event.CONTINUE,
        "incorrect": Event.CONTINUE,
        "no": Event.CLOSE,
        "no, thanks": Event.CLOSE,
        "thanks, bye": Event.CLOSE,
        "stop the timer": Event.NEW_REQUEST,
        "and then please write me a long story about a dragon": Event.NEW_REQUEST,
        "android phones": Event.NEW_REQUEST,
    },
    Phase.AWAITING_INPUT: {
        "tomorrow at 9": Event.CONTINUE,
        "four people": Event.CONTINUE,
        "no milk left": Event.NEW_REQUEST,
        "yes but make it 10": Event.NEW_REQUEST,
        "I also need a taxi": Event.NEW_REQUEST,
        "that is the wrong day": Event.CONTINUE,
        "yes": Event.AFFIRM,
        "no": Event.DENY,
        "never mind": Event.CANCEL,
        "thanks, bye": Event.CANCEL,
        "what time is it?": Event.NEW_REQUEST,
        "show my tasks": Event.NEW_REQUEST,
    },
    Phase.AWAITING_APPROVAL: {
        "yes, delete them": Event.AFFIRM,
        "no": Event.DENY,
        "cancel": Event.CANCEL,
        "yes but not the first": Event.NEW_REQUEST,
        "what is 2+2?": Event.NEW_REQUEST,
    },
    Phase.AWAITING_CHOICE: {
        "the second": Event.CHOOSE,
        "calendar": Event.CHOOSE,
        "never mind": Event.CANCEL,
        "neither": Event.CANCEL,
        "bye": Event.CANCEL,
        "yes": Event.NEW_REQUEST,
        "what is 2+2?": Event.NEW_REQUEST,
    },
    Phase.CLOSED: {"hello again": Event.NEW_REQUEST, "thanks": Event.CLOSE},
}


@pytest.mark.parametrize(
    ("phase", "text", "event"),
    [(phase, text, event) for phase, texts in EVENTS.items() for text, event in texts.items()],
)
def test_a_turn_is_an_event_in_its_phase(phase: Phase, text: str, event: Event) -> None:
    holder = None if phase in (Phase.IDLE, Phase.CLOSED, Phase.AWAITING_CHOICE) else "tasks"
    assert name_event(text, phase=phase, holder=holder, offered=OFFERED) == event
    assert event in TURN_EVENTS


@pytest.mark.parametrize("phase", [Phase.ENGAGED, Phase.AWAITING_INPUT])
def test_after_somebody_else_served_what_goes_on_is_for_the_router(phase: Phase) -> None:
    for text in ("yes", "and in km?", "tomorrow at 9"):
        event = name_event(text, phase=phase, holder="tasks", away=True)
        assert event == Event.NEW_REQUEST
    assert (
        name_event("never mind", phase=Phase.AWAITING_INPUT, holder="tasks", away=True)
        == Event.CANCEL
    )


@pytest.mark.parametrize("phase", [Phase.ENGAGED, Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL])
def test_without_a_holder_nothing_is_continued(phase: Phase) -> None:
    for text in ("yes", "and in km?", "tomorrow at 9"):
        assert name_event(text, phase=phase, holder=None) == Event.NEW_REQUEST


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        *(
            (text, "calendar")
            for text in ("1", "1.", "one", "the first one", "first please", "1st")
        ),
        *((text, "calendar") for text in ("option 1", "Number one!", "the former", "CALENDAR")),
        *((text, "calendar") for text in ("the calendar, please", "I mean the calendar?")),
        *((text, "calendar") for text in ("calendar for my trip to Rome",)),
        *((text, "calendar") for text in ("cale", "calend please")),
        *((text, "tasks") for text in ("2", "two", "the second one", "the last one", "the latter")),
        *((text, "tasks") for text in ("tasks", "task list", "I'd like the list", "my task list")),
        # A request of its own, or both, or neither, is no choice.
        *((text, None) for text in ("delete task 2", "show my task list", "give me 2")),
        *((text, None) for text in ("what is the first day of May", "I have 2 left", "")),
        *((text, None) for text in ("the calendar and the tasks", "1 or 2", "neither", "3", "?")),
        ("put the dentist into the calendar and call my mother", None),
    ],
)
def test_one_of_the_offered_agents_is_chosen_by_name_or_place(text: str, agent: str | None) -> None:
    assert chosen(text, OFFERED) == agent


def test_titles_that_share_words_are_told_apart_by_the_others() -> None:
    offered = [("tasks", "Task list"), ("shopping", "Shopping list")]
    assert chosen("the list", offered) is None
    assert chosen("the shopping list", offered) == "shopping"


def test_more_options_than_there_are_words_for_are_no_error() -> None:
    offered = [(f"agent{n}", f"Agent {n}") for n in range(9)]
    assert chosen("the fifth", offered) == "agent4"
    assert chosen("the ninth", offered) is None
    assert chosen("2", []) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Use a better model, please", True),
        ("Can you try it with a stronger model?", True),
        ("I'd like a more capable model for this", True),
        ("switch to a bigger LLM", True),
        ("Is there a better language model than GPT-4 for French?", False),
        ("Show me a bigger model of this fridge", False),
        ("Give me a bigger model of this fridge", False),
        ("Should I use a better model?", False),
        ("Use a better model. " + "It is about rain. " * 5, False),
    ],
)
def test_a_wish_for_a_better_model_is_no_question_about_models(text: str, wanted: bool) -> None:
    assert wants_better(text) == wanted
