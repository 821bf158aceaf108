"""Makes a history fit to be sent to a model: what only another provider can read is left out, and what is too long.

It knows no provider but by name. Thoughts and their signatures are for the provider that wrote them, and others refuse
or misread them; the gateway asks none for thoughts, so those that it meets are always foreign.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from graphs.gateway.models import count_message

_KEPT = ("role", "content", "name", "tool_calls", "tool_call_id")
_FOREIGN = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "reasoning_content", "tool_use"}
)
"""Parts of a message that are no content; a call of a tool is in `tool_calls` as well."""
_SIGNED = "__thought__"
"""LiteLLM hangs Gemini's signature on the id of a tool call, after this mark; other providers refuse such long ids."""
_SIGNING = ("gemini", "vertex_ai")


def clean(messages: Sequence[Mapping[str, Any]], *, provider: str) -> list[dict[str, Any]]:
    """Return `messages` as `provider` can read them: no foreign thoughts, calls of tools with their answers.

    A call without an answer, as of a turn that was cut short, and an answer without a call are left out.
    """
    signed = provider.startswith(_SIGNING)
    plain = [_plain(message, signed=signed) for message in messages]
    kept: list[dict[str, Any]] = []
    for place, message in enumerate(plain):
        if message["role"] == "tool":
            continue  # it comes with its call
        answers = _answers(plain, place + 1)
        calls = [call for call in message.get("tool_calls", ()) if call["id"] in answers]
        message = {k: v for k, v in message.items() if k != "tool_calls"}
        message |= {"tool_calls": calls} if calls else {}
        if message["role"] == "assistant" and not calls and not message.get("content"):
            continue  # nothing is left of it, and some providers refuse a message without words
        kept += [message, *(answers[call["id"]] for call in calls)]
    return kept


def fit(messages: Sequence[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    """Return the system messages and as many of the last others as fit `tokens`; the last is always kept.

    The answers of tools stay with the message that called them: without it, providers refuse them.
    """
    system = [m for m in messages if m["role"] == "system"]
    groups: list[list[dict[str, Any]]] = []
    for message in (m for m in messages if m["role"] != "system"):
        if message["role"] == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    left = tokens - sum(map(count_message, system))
    kept: list[list[dict[str, Any]]] = []
    for group in reversed(groups):
        left -= sum(map(count_message, group))
        if left < 0 and kept:
            break
        kept.append(group)
    return [*system, *chain.from_iterable(reversed(kept))]


def _answers(messages: Sequence[dict[str, Any]], start: int) -> dict[str, dict[str, Any]]:
    """Return the answers of tools that come at once from `start` on, by the call that they answer."""
    answers: dict[str, dict[str, Any]] = {}
    for place in range(start, len(messages)):
        if (message := messages[place])["role"] != "tool":
            break
        answers.setdefault(str(message.get("tool_call_id")), message)
    return answers


def _plain(message: Mapping[str, Any], *, signed: bool) -> dict[str, Any]:
    plain = {name: message[name] for name in _KEPT if message.get(name) is not None}
    if isinstance(plain.get("content"), list):
        plain["content"] = _content(plain["content"])
    if "tool_calls" in plain:
        plain["tool_calls"] = [_call(call, signed=signed) for call in plain["tool_calls"]]
    if "tool_call_id" in plain:
        plain["tool_call_id"] = _id(plain["tool_call_id"], signed=signed)
    return plain


def _content(parts: Sequence[Any]) -> Any:
    """Return the parts that any provider reads; text alone as one string."""
    own = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    own = [part for part in own if part.get("type") not in _FOREIGN]
    # What hangs on a text, as a signature or a citation, is its provider's.
    own = [
        {"type": "text", "text": part["text"]} if part.get("type") == "text" else part
        for part in own
    ]
    if all(part.get("type") == "text" for part in own):
        return "".join(part["text"] for part in own)
    return own


def _call(call: Mapping[str, Any], *, signed: bool) -> dict[str, Any]:
    function = {name: call["function"].get(name) or "" for name in ("name", "arguments")}
    return {"id": _id(call["id"], signed=signed), "type": "function", "function": function}


def _id(call_id: Any, *, signed: bool) -> str:
    return str(call_id) if signed else str(call_id).partition(_SIGNED)[0]
