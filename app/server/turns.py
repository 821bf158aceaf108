"""Runs one turn of the graph and tells what the server passes on: the decision, words, calls of tools, the end.

It knows no HTTP. A turn that no model could answer ends with a failure instead of the words that say so in the thread.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.approvals import told_together
from app.server.errors import ApiError, of_status
from app.server.placing import Place
from app.server.refusals import refusal_of
from app.server.states import state_answering, values_of
from graphs.record import is_refused
from graphs.spoken import Reading, question
from graphs.state import Context
from graphs.threads import MomaGraph

__all__ = ["Called", "Decided", "Ended", "Said", "run_turn", "usage_of"]


@dataclass(frozen=True, slots=True)
class Decided:
    """Who is to serve the turn."""

    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the answer, to be appended."""

    text: str
    model: str
    """Who says it, as the field `model` names it."""


@dataclass(frozen=True, slots=True)
class Called:
    """Parts of calls of the client's tools, in OpenAI's form."""

    calls: Sequence[dict[str, Any]]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The turn is over."""

    record: dict[str, Any]
    phase: str
    answer: str
    calls: Sequence[str] = ()
    """The ids of the calls of the client's tools."""
    finish: str = "stop"
    failure: ApiError | None = None

    @property
    def model(self) -> str:
        """Who answered, as the field `model` names it."""
        return _named(self.record)


@dataclass(slots=True)
class _Turn(Reading):
    model: str = "router"
    calls: list[str] = field(default_factory=list)
    finish: str = "stop"
    refused: bool = False
    broken: tuple[int, float | None] | None = None
    """The status of what kept every model from answering, and when to come again."""

    def failure(self, asked: Sequence[str]) -> ApiError | None:
        """Return why there is no answer, None if there is one; `asked` are those that alone may serve."""
        if self.refused:
            return refusal_of(self.record, asked=asked)
        if self.broken is None:
            return None
        status, retry_after = self.broken
        text = f"no model could answer: {self.record.get('error') or 'the answer broke off'}"
        return of_status(status, text, retry_after=retry_after)


async def run_turn(
    graph: MomaGraph, place: Place, context: Context, *, streamed: bool
) -> AsyncGenerator[Decided | Said | Called | Ended, None]:
    """Run the turn of a request and yield what happens; the last is `Ended`.

    Args:
        graph: what runs it.
        place: where, and with which messages.
        context: for whom.
        streamed: whether words are told as they come. Told at the end of a step they cost less.

    Raises:
        MomaError: the turn was not taken.
    """
    turn = _Turn()
    running = _word_by_word if streamed else _step_by_step
    async with aclosing(running(graph, place, context, turn)) as events:
        async for event in events:
            yield event
    if not turn.record and place.message_id:
        async for told in _again(graph, place, turn):
            yield told
    if turn.approval is not None:
        turn.answer += (asked := question(turn.approval))
        turn.model = _named(turn.record)
        yield Said(asked, turn.model)
    yield Ended(
        record=turn.record,
        phase=turn.phase,
        answer=turn.answer,
        calls=turn.calls,
        finish=turn.finish,
        failure=turn.failure(context.include),
    )


async def _word_by_word(
    graph: MomaGraph, place: Place, context: Context, turn: _Turn
) -> AsyncGenerator[Decided | Said | Called, None]:
    parts = graph.astream(
        {"messages": place.messages},
        place.config,
        context=context,
        stream_mode=["messages", "custom"],
    )
    async with aclosing(parts) as stream:  # type: ignore[type-var]
        async for mode, part in stream:
            if mode == "custom":
                if turn.note(part) in ("route", "turn"):
                    yield Decided(turn.record)
                continue
            message, metadata = part
            if isinstance(message, AIMessage):
                for event in _heard(turn, message, str(metadata.get("langgraph_node"))):
                    yield event


async def _step_by_step(
    graph: MomaGraph, place: Place, context: Context, turn: _Turn
) -> AsyncGenerator[Said | Called, None]:
    steps = graph.astream(
        {"messages": place.messages}, place.config, context=context, stream_mode="updates"
    )
    async with aclosing(steps) as stream:  # type: ignore[type-var]
        async for step in stream:
            for node, update in step.items():
                if node == "__interrupt__":
                    turn.approval = told_together([pending.value for pending in update])
                    continue
                update = update or {}
                turn.record = update.get("record") or update.get("decision") or turn.record
                turn.phase = update.get("phase") or turn.phase
                for message in update.get("messages") or ():
                    if isinstance(message, AIMessage):
                        for event in _heard(turn, message, node):
                            yield event
    if turn.approval is not None:
        state = await graph.aget_state(place.newest)
        turn.record, turn.phase = state.values["record"], state.values["phase"]


def usage_of(record: Mapping[str, Any]) -> dict[str, int]:
    """Return what all model calls of a turn read and wrote, in OpenAI's form."""
    calls = record.get("calls") or ()
    read = sum(call["input_tokens"] for call in calls)
    written = sum(call["output_tokens"] for call in calls)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def _named(record: Mapping[str, Any]) -> str:
    """Return who answered a turn, as the field `model` names it."""
    served = record.get("served_by") or {}
    if served.get("kind") == "agent":
        return f"agent:{served['id']}"
    return str(served["id"]) if served.get("kind") == "model" else "router"


def _heard(turn: _Turn, message: AIMessage, node: str) -> list[Said | Called]:
    """Return what is new in a message or a piece of one."""
    metadata = message.response_metadata
    if isinstance(message, AIMessageChunk) and node != "answer":
        return []  # the router's own question to a model
    if name := metadata.get("model_name"):
        turn.model = str(name)
    if finish := metadata.get("finish_reason"):
        turn.finish = str(finish)
    if isinstance(message, AIMessageChunk):
        calls = [_delta(call) for call in message.tool_call_chunks]
    else:
        calls = [_whole(call, n) for n, call in enumerate(message.tool_calls)]
    if node == "refuse":
        turn.refused = True
        return []
    elif metadata.get("partial"):
        turn.broken = int(metadata.get("status", 502)), metadata.get("retry_after")
        return []
    elif agent := metadata.get("agent"):
        turn.model = f"agent:{agent}"
    events: list[Said | Called] = []
    if said := turn.new(message):
        events.append(Said(said, turn.model))
    if calls:
        turn.calls += [str(call["id"]) for call in calls if call.get("id")]
        events.append(Called(calls, turn.model))
    return events


def _delta(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a call as OpenAI streams it."""
    delta: dict[str, Any] = {"index": call.get("index") or 0}
    if call.get("id"):
        delta |= {"id": call["id"], "type": "function"}
    function = {"name": call.get("name"), "arguments": call.get("args")}
    named = {name: value for name, value in function.items() if value is not None}
    return {**delta, "function": {"arguments": "", **named}}


def _whole(call: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return a whole call as OpenAI writes it, with its place among the calls."""
    arguments = json.dumps(call["args"], ensure_ascii=False)
    function = {"name": call["name"], "arguments": arguments}
    return {"index": index, "id": call["id"], "type": "function", "function": function}


async def _again(
    graph: MomaGraph, place: Place, turn: _Turn
) -> AsyncGenerator[Decided | Said | Called, None]:
    """Yield what the thread has of a message that was sent before, whose turn has ended: well, or as it failed."""
    state = await graph.aget_state(place.newest)
    messages = state.values.get("messages") or []
    at = next((n for n, m in enumerate(messages) if m.id == place.message_id), len(messages))
    following = messages[at + 1 :]
    end = next((n for n, m in enumerate(following) if isinstance(m, HumanMessage)), len(following))
    values: Mapping[str, Any] = state.values
    if end < len(following):  # the thread has gone on since
        values = await _values_after(graph, place)
    if values:
        turn.record, turn.phase = values.get("record") or {}, str(values.get("phase"))
        yield Decided(turn.record)
    turn.model = _named(turn.record)
    node = "refuse" if is_refused(turn.record) else "answer"
    for message in following[:end]:
        if isinstance(message, AIMessage):
            for event in _heard(turn, message, node):
                yield event


async def _values_after(graph: MomaGraph, place: Place) -> Mapping[str, Any]:
    """Return the saved values after the turn that was sent again, nothing if the store has them no more."""
    assert isinstance(graph.checkpointer, BaseCheckpointSaver)
    assert place.message_id is not None
    found = await state_answering(graph.checkpointer, place.thread, place.message_id)
    return values_of(found) if found is not None else {}
