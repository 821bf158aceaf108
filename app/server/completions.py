"""`POST /v1/chat/completions`: a turn of the graph as a chat completion, whole or streamed."""

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.background import is_background
from app.server.callers import ApiCaller, caller_of
from app.server.door import json_body
from app.server.hang_up import unless_gone
from app.server.headers import decision_headers, extension
from app.server.messages import as_langchain, digest, said_in
from app.server.narrowing import context_of
from app.server.placing import Place, find_place
from app.server.request import ChatRequest, parse_request
from app.server.resources import Resources
from app.server.stream import EventStream
from app.server.turns import Called, Ended, Said, run_turn, usage_of
from graphs.state import Context
from graphs.threads import MomaGraph

__all__ = ["Asked", "complete", "read_asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was understood: who asks what, and where it is run."""

    request: ChatRequest
    caller: ApiCaller
    context: Context
    place: Place
    graph: MomaGraph
    background: bool
    debug: bool
    began: float

    def remember(self, ended: Ended, resources: Resources) -> None:
        """Keep in which thread this conversation is, and count the turn."""
        status = str(ended.failure.status) if ended.failure else "ok"
        if ended.failure:
            ended.failure.counted = True
        resources.metrics.count(ended.record, status=status, began=self.began)
        if not ended.record or self.background:
            return
        conversation = None
        if not self.place.named and ended.failure is None:
            answer = (ended.answer, *ended.calls)
            conversation = digest(self.caller.place, self.place.said, answer=answer)
        resources.conversations.note_turn(
            self.caller.place,
            thread=self.place.thread,
            conversation=conversation,
            record=ended.record,
        )


async def complete(request: Request) -> Response:
    """Answer a chat completion.

    Raises:
        ApiError: the request was refused, or no model could answer.
        MomaError: the turn was not taken.
    """
    resources: Resources = request.app.state.resources
    asked = await read_asked(request, resources)
    if asked.request.stream:
        stream = EventStream(asked, resources)
        await unless_gone(request, stream.prime())
        return stream
    return await unless_gone(request, _whole(asked, resources))


async def read_asked(request: Request, resources: Resources) -> Asked:
    """Return what a request asks, and for whom.

    Raises:
        ApiError: it is refused.
        MomaError: its thread cannot be read, or is another's.
    """
    began = time.perf_counter()
    caller = caller_of(request.headers, resources.keys)
    body = parse_request(await json_body(request))
    context = context_of(body, caller, resources.services)
    background = is_background(body)
    if background:
        place, graph = _nowhere(body), resources.stateless
        context = replace(context, preference="cost", exclude=_no_agent(context, resources))
    else:
        place = await find_place(
            body, request.headers, caller, resources.graph, resources.conversations
        )
        graph = resources.graph
    debug = request.headers.get("x-moma-debug", "").lower() in ("true", "1") and caller.key.debug
    return Asked(
        request=body,
        caller=caller,
        context=context,
        place=place,
        graph=graph,
        background=background,
        debug=debug,
        began=began,
    )


async def _whole(asked: Asked, resources: Resources) -> Response:
    model, calls, ended = "router", dict[int, dict[str, Any]](), None
    async with aclosing(
        run_turn(asked.graph, asked.place, asked.context, streamed=False)
    ) as events:
        async for event in events:
            if isinstance(event, Said | Called):
                model = event.model
            if isinstance(event, Called):
                _merge(calls, event.calls)
            elif isinstance(event, Ended):
                ended = event
    assert ended is not None, "a turn ends with its end"
    asked.remember(ended, resources)
    if ended.failure is not None:
        raise ended.failure
    tool_calls = {"tool_calls": [calls[n] for n in sorted(calls)]} if calls else {}
    answer = ended.answer or (None if calls else "")
    message = {"role": "assistant", "content": answer, "refusal": None, **tool_calls}
    choice = {"index": 0, "message": message, "finish_reason": ended.finish, "logprobs": None}
    body = {
        "id": completion_id(ended.record),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": resources.fingerprint,
        "choices": [choice],
        "usage": usage_of(ended.record),
        "moma": extension(ended.record, phase=ended.phase, debug=asked.debug),
    }
    headers = decision_headers(ended.record, phase=ended.phase)
    return Response(json.dumps(body), headers=headers, media_type="application/json")


def completion_id(record: Mapping[str, Any]) -> str:
    """Return the id of a completion: that of its decision."""
    return f"chatcmpl-{record.get('id') or uuid.uuid4().hex}"


def _merge(calls: dict[int, dict[str, Any]], parts: Any) -> None:
    """Add parts of calls of tools to what came before of them."""
    for part in parts:
        call = calls.setdefault(
            part["index"], {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = part.get("id") or call["id"]
        for name, text in part["function"].items():
            call["function"][name] += text


def _nowhere(body: ChatRequest) -> Place:
    """Return the place of a turn that leaves no trace."""
    said = said_in(body.messages)
    messages = as_langchain(said)
    return Place(config={}, thread="", messages=messages, said=said, named=True)


def _no_agent(context: Context, resources: Resources) -> tuple[str, ...]:
    agents = (i for i in resources.services.registry.agents if i not in context.include)
    return (*context.exclude, *agents)
