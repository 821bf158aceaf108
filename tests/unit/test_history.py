"""What is sent of a history: no foreign thoughts, calls of tools with their answers, and no more than fits."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, convert_to_openai_messages

from graphs.gateway.history import clean, fit
from graphs.gateway.models import count_message

SIGNED = "call_1__thought__" + "c2lnbmF0dXJl" * 40


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def called(*ids: str, content: Any = "") -> dict[str, Any]:
    calls = [
        {"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in ids
    ]
    return said("assistant", content, tool_calls=calls)


def answered(call_id: str) -> dict[str, Any]:
    return said("tool", "42", tool_call_id=call_id)


def test_a_history_of_plain_words_is_left_as_it_is() -> None:
    chat = [said("system", "S"), said("user", "A"), said("assistant", "B"), said("user", "C")]
    assert clean(chat, provider="openai") == chat


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
        {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "c2ln"}},
    ],
)
def test_thoughts_and_signatures_are_left_out(part: dict[str, Any]) -> None:
    text = {"type": "text", "text": "B", "extras": {"signature": "c2ln"}}
    message = AIMessage(
        [part, text],
        additional_kwargs={"reasoning_content": "hm", "thinking_blocks": [part]},
    )
    chat = convert_to_openai_messages([HumanMessage("A"), message])
    assert isinstance(chat, list)
    assert clean(chat, provider="openai") == [said("user", "A"), said("assistant", "B")]
    alone = [said("user", "A"), said("assistant", [part]), said("user", "B")]
    assert clean(alone, provider="openai") == [alone[0], alone[2]]
    extra = {**said("assistant", "B"), "reasoning_content": "hm", "thinking_blocks": [part]}
    assert clean([extra], provider="openai") == [said("assistant", "B")]


def test_images_stay() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    chat = [said("user", [{"type": "text", "text": "What is it?"}, image])]
    assert clean(chat, provider="openai") == chat


def test_the_signature_of_a_call_is_kept_for_its_provider_only() -> None:
    chat = [said("user", "A"), called(SIGNED), answered(SIGNED), said("user", "B")]
    assert clean(chat, provider="gemini") == chat
    short = [said("user", "A"), called("call_1"), answered("call_1"), said("user", "B")]
    assert clean(chat, provider="openai@http://127.0.0.1") == short


def test_a_call_without_an_answer_and_an_answer_without_a_call_are_left_out() -> None:
    chat = [
        answered("0"),
        said("user", "A"),
        called("1", "2", content="Let me see."),
        answered("2"),
        answered("9"),
        said("user", "B"),
        called("3"),
        said("user", "C"),
    ]
    assert clean(chat, provider="openai") == [
        said("user", "A"),
        called("2", content="Let me see."),
        answered("2"),
        said("user", "B"),
        said("user", "C"),
    ]


_MESSAGES = st.lists(
    st.one_of(
        st.builds(said, st.just("user"), st.text(max_size=3)),
        st.builds(said, st.just("assistant"), st.text(max_size=3)),
        st.builds(
            lambda ids: called(*ids), st.lists(st.sampled_from("abc"), unique=True, max_size=3)
        ),
        st.builds(answered, st.sampled_from("abc")),
    ),
    max_size=12,
)


@given(_MESSAGES)
def test_every_call_has_its_answers_right_behind_it_and_every_answer_its_call(
    chat: list[dict[str, Any]],
) -> None:
    cleaned = clean(chat, provider="openai")
    open_calls: list[str] = []
    for message in cleaned:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
            continue
        assert not open_calls
        open_calls = [call["id"] for call in message.get("tool_calls", ())]
    assert not open_calls
    assert [m for m in cleaned if m["role"] == "user"] == [m for m in chat if m["role"] == "user"]
    assert clean(cleaned, provider="openai") == cleaned


def tokens_of(messages: Sequence[Mapping[str, Any]]) -> int:
    return sum(map(count_message, messages))


def test_a_chat_that_fits_is_left_as_it_is() -> None:
    chat = [
        said("system", "Be brief."),
        said("user", "A"),
        said("assistant", "B"),
        said("user", "C"),
    ]
    assert fit(chat, tokens_of(chat)) == chat


def test_the_oldest_go_first_and_the_system_and_the_last_stay() -> None:
    chat = [said("system", "S"), said("user", "A" * 400), said("assistant", "B"), said("user", "C")]
    assert fit(chat, tokens_of(chat) - 1) == [chat[0], *chat[2:]]
    assert fit(chat, 0) == [chat[0], chat[3]]


def test_a_tools_answer_stays_with_the_call() -> None:
    calls = [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]
    called = said("assistant", "", tool_calls=calls)
    answers = [said("tool", "one" * 90, tool_call_id="1"), said("tool", "two", tool_call_id="1")]
    chat = [said("user", "A"), called, *answers]
    assert fit(chat, 1) == [called, *answers]
    later = [*chat, said("user", "C")]
    assert fit(later, tokens_of(later[3:])) == [later[-1]]
