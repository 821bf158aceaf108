"""A turn as the policy sees it: what it is about, what else a model would read, who asks, where the dialogue stands.

It reads a thread's state and the caller's context, and decides nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from langchain_core.messages import AnyMessage

from graphs.call import brings_tools, instructions_of
from graphs.gateway.models import count_tokens
from graphs.machine import Event
from graphs.policy.request import Request
from graphs.state import Context, State
from graphs.turn import modalities_of, text_of

__all__ = ["judged_turn", "tool_names"]

_GOES_ON = frozenset({Event.CONTINUE, Event.AFFIRM, Event.DENY, Event.CHOOSE, Event.CANCEL})
"""Events of turns that go on with what was asked before."""


def judged_turn(
    state: State, context: Context | None, *, default_grants: frozenset[str], zone: tzinfo
) -> Request:
    """Return the turn of `state`.

    Args:
        state: with the record of the turn.
        context: who is calling.
        default_grants: what every caller has.
        zone: of the process.
    """
    given = context or Context()
    messages, record = state["messages"], state["decision"]
    here, before = _split(state)
    said = [text_of(m.content) for m in before]
    return Request(
        text=_served(state, here),
        previous=tuple(text for text, m in zip(said, before, strict=True) if m.type == "human"),
        # What the turn is about may be several of the user's messages.
        user_messages=sum(message.type == "human" for message in messages),
        context=(
            *(text for text, m in zip(said, before, strict=True) if m.type != "human"),
            instructions_of(given.call),
        ),
        tokens=count_tokens([*(text_of(m.content) for m in messages), *_asked(given.call)]),
        user=given.user,
        grants=frozenset(given.grants) | default_grants,
        now=datetime.fromisoformat(record["ts"]).astimezone(zone),
        phase=record["phase_from"] or "idle",
        holder=state.get("active_agent"),
        # Earlier images are sent as well.
        modalities=frozenset({"text"}).union(*(modalities_of(m.content) for m in messages)),
        tools=tool_names(given.call),
        metadata=given.metadata,
    )


def tool_names(call: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the tools that a request brings."""
    return tuple(str(tool["function"]["name"]) for tool in call.get("tools") or ())


def _asked(call: Mapping[str, Any]) -> Iterator[str]:
    """Return what a request adds to the prompt besides messages: its instructions, and its tools as JSON."""
    if instructions := instructions_of(call):
        yield instructions
    if brings_tools(call):
        yield json.dumps(call["tools"], ensure_ascii=False)


def _split(state: State) -> tuple[Sequence[AnyMessage], Sequence[AnyMessage]]:
    """Return the messages that the turn is about, and those before it.

    It is about the user's message and what tools answered to it. A turn that goes on with an agent is also about what
    the user said since they came to that agent: "yes" asks for nothing by itself.
    """
    messages = state["messages"]
    goes_on = state["decision"]["event"] in _GOES_ON or bool(state.get("rest"))
    holder = state.get("active_agent") if goes_on else None
    start = place = len(messages) - 1
    while place >= 0:
        message = messages[place]
        if message.type == "human":
            start = place
            if not goes_on:
                break
        elif message.type == "ai" and not message.tool_calls and message.name != holder:
            break
        place -= 1
    return messages[start:], messages[:start]


def _served(state: State, here: Sequence[AnyMessage]) -> str:
    """Return the text that the policy reads: what the turn is about, and the request if that is another text.

    A message that only chooses among agents stands for the request before it, and an agent that hands over may word
    the request anew: neither gets past the policy.
    """
    said = "\n".join(text for m in here if (text := text_of(m.content)))
    request = state.get("request") or ""
    return said if request in said else f"{request}\n{said}"
