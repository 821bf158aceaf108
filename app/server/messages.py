"""OpenAI's messages as LangChain's, and what of a conversation identifies it: its text, whoever sends it again.

It knows no thread. Instructions are no messages of the dialogue: they come with each request.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages import ToolMessage as LangChainToolMessage

from app.server.errors import ApiError
from app.server.request import (
    AssistantMessage,
    Instructions,
    Message,
    RefusalPart,
    TextPart,
    ToolMessage,
    UserMessage,
)
from graphs.turn import readable, text_of

__all__ = [
    "Mark", "answer_of", "as_langchain", "digest", "instructions_of", "marks_of", "said_in", "split",
]  # fmt: skip

_UNREADABLE = "unreadable"
"""The name under which arguments stand that are no JSON object."""
Mark = tuple[str, str]
"""What of a message tells turns apart: `user` with the text, `tool` with the call that it answers."""


def instructions_of(messages: Iterable[Message]) -> str:
    """Return the system prompts, one below the other."""
    texts = [_text(m.content) for m in messages if isinstance(m, Instructions)]
    return "\n\n".join(text for text in texts if text.strip())


def said_in(messages: Iterable[Message]) -> list[Message]:
    """Return the messages of the dialogue.

    Raises:
        ApiError: there is none, or the last is neither the user's nor a tool's.
    """
    said: list[Message] = [m for m in messages if not isinstance(m, Instructions)]
    if not said or isinstance(said[-1], AssistantMessage):
        raise ApiError(
            400,
            "the last message is not the user's; send one with the role 'user', or a tool's result",
            code="invalid_value",
            param="messages",
        )
    return said


def split(said: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return what was said up to the last answer, and what is new."""
    last = max((n for n, m in enumerate(said) if isinstance(m, AssistantMessage)), default=-1)
    return said[: last + 1], said[last + 1 :]


def as_langchain(messages: Iterable[Message], *, last_id: str | None = None) -> list[BaseMessage]:
    """Return the messages of a dialogue as LangChain's, the last with an id if one is given."""
    converted = [_converted(message) for message in messages]
    if last_id is not None and converted:
        converted[-1].id = last_id
    return converted


def marks_of(messages: Iterable[Message | BaseMessage]) -> list[Mark]:
    """Return the marks of a dialogue, as it was sent or as it is saved."""
    marks: list[Mark] = []
    for message in messages:
        if isinstance(message, UserMessage | HumanMessage):
            marks.append(("user", _normal(message.content)))
        elif isinstance(message, ToolMessage | LangChainToolMessage):
            marks.append(("tool", message.tool_call_id))
    return marks


def answer_of(messages: Sequence[Message | BaseMessage]) -> str | None:
    """Return the last answer of a dialogue as it compares, sent or saved; None if nothing was answered."""
    answers = (m for m in reversed(messages) if isinstance(m, AssistantMessage | AIMessage))
    return next((_normal(m.content or "") for m in answers), None)


def digest(caller: str, said: Iterable[Message], *, answer: Sequence[str] = ()) -> str:
    """Return the name of a conversation of `caller`.

    Args:
        caller: whose it is.
        said: its messages.
        answer: what follows them: the text of an answer, and the ids of its calls of tools.
    """
    hashed = hashlib.sha256(caller.encode())
    for message in said:
        if isinstance(message, AssistantMessage):
            calls = [call.id for call in message.tool_calls or ()]
            parts = [_normal(message.content or ""), *calls]
        else:
            of = message.tool_call_id if isinstance(message, ToolMessage) else ""
            parts = [_normal(message.content), of]
        hashed.update(json.dumps([message.role, *parts]).encode())
    if answer:
        text, *calls = answer
        hashed.update(json.dumps(["assistant", _normal(text), *calls]).encode())
    return hashed.hexdigest()


def _converted(message: Message) -> BaseMessage:
    if isinstance(message, UserMessage):
        content = message.content
        kept = content if isinstance(content, str) else [part.model_dump() for part in content]
        return HumanMessage(kept, name=message.name)  # type: ignore[arg-type]
    if isinstance(message, ToolMessage):
        return LangChainToolMessage(
            readable(_text(message.content)), tool_call_id=message.tool_call_id
        )
    assert isinstance(message, AssistantMessage)
    calls = [
        {"id": call.id, "name": call.function.name, "args": _arguments(call.function.arguments)}
        for call in message.tool_calls or ()
    ]
    return AIMessage(readable(_text(message.content or "")), tool_calls=calls)


def _arguments(text: str) -> dict[str, Any]:
    """Return what a tool was called with; what is no JSON object is kept, so that the model sees its fault."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {_UNREADABLE: readable(text)}


def _text(content: str | Sequence[TextPart | RefusalPart]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.text if isinstance(part, TextPart) else part.refusal for part in content)


def _normal(content: Any) -> str:
    """Return a content as it compares: its words, and its pictures and recordings by their hash."""
    if isinstance(content, str):
        return " ".join(readable(content).split())
    parts = [p if isinstance(p, dict | str) else p.model_dump() for p in content]
    others = [p for p in parts if isinstance(p, dict) and not {"text", "refusal"} & set(p)]
    plain = [{"text": p["refusal"]} if isinstance(p, dict) and "refusal" in p else p for p in parts]
    words = " ".join(readable(text_of(plain)).split())
    hashes = [
        hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest() for part in others
    ]
    return "\n".join([words, *hashes])
