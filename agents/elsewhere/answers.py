"""What a graph over messages answered in a turn. It runs nothing: the graph's state comes in, a text goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage, convert_to_messages
from pydantic_core import to_json

__all__ = ["answer_of", "read_messages"]


def answer_of(values: Mapping[str, Any], *, after: str) -> str:
    """Return what a graph answered, empty if nothing.

    It is its last AI message. A turn may also end with its tools, as those do that return directly or that form a
    structured response: then it is this response as JSON, or else what the tools returned.

    Args:
        values: its state, with `messages` in any form that LangChain takes.
        after: the id of the request's message; where it is gone, all messages count.
    """
    messages = read_messages(values.get("messages"))
    at = max((n for n, m in enumerate(messages) if m.id == after), default=-1)
    said = messages[at + 1 :]
    returned, text, structured = _returned(said), _text(said), values.get("structured_response")
    if structured is not None and (returned or not text):
        return to_json(structured, fallback=str).decode()
    return returned or text


def read_messages(given: Any) -> list[AnyMessage]:
    """Return messages that a foreign graph holds, which may be plain dicts; what is no message is left out."""
    read: list[Any] = []
    for message in given if isinstance(given, list | tuple) else ():
        try:
            read += convert_to_messages([message])
        except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError):
            continue
    return read


def _returned(said: Sequence[AnyMessage]) -> str:
    """Return what the tools returned with which a turn ended, without those that failed."""
    called = {call["id"] for m in said if isinstance(m, AIMessage) for call in m.tool_calls}
    texts: list[str] = []
    for message in reversed(said):
        if not isinstance(message, ToolMessage):
            break
        if message.tool_call_id in called and message.status != "error":
            texts.insert(0, message.text)
    return "\n\n".join(text for text in texts if text.strip())


def _text(said: Sequence[AnyMessage]) -> str:
    """Return the last text of a model: what it says beside a call is none, unless nothing follows."""
    for message in reversed(said):
        if isinstance(message, AIMessage) and message.text.strip():
            if not message.tool_calls or message is said[-1]:
                return message.text
    return ""
