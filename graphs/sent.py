"""What a caller sends as a turn: made fit to keep, and told from what its thread has already."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
    convert_to_messages,
)
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import Command

from agents.errors import InputError, LengthError
from graphs.turn import check_length, clean_text, modalities_of, text_of

__all__ = ["LONGEST_INPUT", "check_tool_results", "clean_message", "edited", "is_known", "prepared"]

LONGEST_INPUT = 1_000_000
"""Characters of all messages that one call may bring."""


def prepared(turn: Any) -> Any:
    """Return a caller's input with its messages made fit to keep."""
    if turn is None or isinstance(turn, Command):
        return turn
    given = turn.get("messages") if isinstance(turn, dict) else None
    if not given:
        raise InputError('the input holds no message; send {"messages": [...]}, the user\'s last')
    try:
        messages = convert_to_messages(given if isinstance(given, list) else [given])
    except (ValueError, TypeError, KeyError, NotImplementedError):  # what LangChain raises
        raise InputError(
            "the messages have a form that LangChain does not read; send {'role': 'user', 'content': ...}"
        ) from None
    if not isinstance(messages[-1], HumanMessage | ToolMessage):
        raise InputError("the last message is not the user's; send one with the role 'user'")
    cleaned = [clean_message(m) for m in messages]
    length = sum(len(text_of(message.content)) for message in cleaned)
    if length > LONGEST_INPUT:
        raise LengthError(
            f"the messages have {length:,} characters together; at most {LONGEST_INPUT:,} are taken at once"
        )
    return {"messages": cleaned}


def clean_message(message: BaseMessage) -> BaseMessage:
    """Return a message as it is kept; what is not the user's is kept as it is.

    Raises:
        InputError: it is the user's, and empty or too long.
    """
    if not isinstance(message, HumanMessage):
        return message
    content = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": clean_text(content)})
    check_length(text_of(content))  # before each part is cleaned, which takes longer
    parts = [part for part in map(_clean_part, content) if part]
    if modalities_of(parts) == {"text"} or text_of(parts):
        clean_text(text_of(parts))  # for its checks, over all parts
    return message.model_copy(update={"content": parts})


def _clean_part(part: str | dict[Any, Any]) -> str | dict[Any, Any] | None:
    """Return a part of a message; None where it is a text that says nothing."""
    text = part if isinstance(part, str) else part.get("text")
    if text is None:
        return part
    if not isinstance(text, str):
        raise InputError(f"a part's text is of type {type(text).__name__}; expected a string")
    if not text.strip():
        return None  # beside a picture it does no harm
    return clean_text(text) if isinstance(part, str) else {**part, "text": clean_text(text)}


def is_known(turn: Any, saved: CheckpointTuple | None) -> bool:
    """Return whether the thread has the message of `turn` already."""
    if not isinstance(turn, dict):
        return False
    sent = turn["messages"][-1]
    return sent.id is not None and any(
        (type(m), m.id, m.content) == (type(sent), sent.id, sent.content) for m in _kept(saved)
    )


def edited(turn: Any, saved: CheckpointTuple | None) -> Any:
    """Return a turn whose message stands in the thread with another text, with what came after that taken out.

    LangGraph puts it in the place of the other; the last message, which is served, would be an answer of before.
    """
    if not isinstance(turn, dict):
        return turn
    *before, sent = turn["messages"]
    ids = [m.id for m in _kept(saved)]
    if not isinstance(sent, HumanMessage) or sent.id is None or sent.id not in ids:
        return turn
    later = [RemoveMessage(id=str(i)) for i in ids[ids.index(sent.id) + 1 :]]
    return {**turn, "messages": [*before, *later, sent]}


def _kept(saved: CheckpointTuple | None) -> Sequence[BaseMessage]:
    return (saved.checkpoint["channel_values"].get("messages") or ()) if saved else ()


def check_tool_results(turn: Any, saved: CheckpointTuple | None) -> None:
    """Check that the results of tools that a turn ends with answer calls that are open."""
    sent = turn["messages"] if isinstance(turn, dict) else []
    results = [*takewhile(lambda m: isinstance(m, ToolMessage), reversed(sent))]
    if not results:
        return
    before = [*_kept(saved), *sent[: len(sent) - len(results)]][-1:]
    asked = before[0].tool_calls if before and isinstance(before[0], AIMessage) else []
    called = {call["id"] for call in asked}
    for result in results:
        if result.tool_call_id not in called:
            raise InputError(
                f"the tool message answers {result.tool_call_id!r:.60}, which is no call that is open here; "
                "send it after the assistant's message with its tool_calls"
            )
