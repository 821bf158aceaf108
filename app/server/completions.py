"""`POST /v1/chat/completions`: a turn of the graph as a chat completion, whole or streamed."""

import json
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.server.background import is_background
from app.server.callers import ApiCaller, caller_of
from app.server.chunks import ChatChunks, completion_id
from app.server.door import json_body
from app.server.errors import QUOTA
from app.server.hang_up import unless_gone
from app.server.headers import decision_headers, extension
from app.server.messages import as_langchain, digest, said_in
from app.server.narrowing import context_of
from app.server.offered_tools import are_only_offered
from app.server.placing import Place, find_place, place_after
from app.server.request import ChatRequest, Message, UserMessage, parse_request
from app.server.resources import Resources
from app.server.stream import EventStream
from app.server.turns import Called, Ended, run_turn, usage_of
from graphs.call import TOOLS_OPTIONAL
from graphs.state import Context
from graphs.threads import MomaGraph
from graphs.turn import readable

__all__ = ["Asked", "ask", "complete", "whole_turn"]

_SHORT = 2_000
"""Characters of a text that is embedded before its turn is let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was understood: who asks what, and where it is run."""

    request: ChatRequest
    caller: ApiCaller
    context: Context
    place: Place
    graph: MomaGraph
    kept: bool
    """Whether the turn is in a thread."""
    debug: bool
    began: float

    async def remember(self, ended: Ended, resources: Resources, *, known_as: str = "") -> None:
        """Keep in which thread this conversation is, count the turn, and see whether waiting helps one that failed.

        Args:
            ended: the turn.
            resources: where that is kept.
            known_as: what the client has for the decision's id.
        """
        self._note(ended, resources, known_as=known_as)
        if ended.failure is None or ended.failure.code != QUOTA:
            return
        services, spent = resources.services, ended.record.get("cost_usd") or 0.0
        spender = services.spender(self.context, spent=spent, thread=self.place.thread or None)
        if not await services.with_books(services.budgets.renews, spender):
            ended.failure.retry_after = None

    def _note(self, ended: Ended, resources: Resources, *, known_as: str) -> None:
        status = str(ended.failure.status) if ended.failure else "ok"
        if ended.failure:
            ended.failure.counted = True
        resources.metrics.count(ended.record, status=status, began=self.began)
        if not ended.record or not self.kept:
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
            known_as=known_as,
        )


async def complete(request: Request) -> Response:
    """Answer a chat completion.

    Raises:
        ApiError: the request was refused, or no model could answer.
        MomaError: the turn was not taken.
    """
    resources: Resources = request.app.state.resources
    asked = await ask(parse_request(await json_body(request)), request, resources)
    if asked.request.stream:
        fingerprint = resources.fingerprint
        chunks = ChatChunks(asked.request, fingerprint=fingerprint, debug=asked.debug)
        stream = EventStream(asked, resources, chunks)
        await unless_gone(request, stream.prime())
        return stream
    return await unless_gone(request, _whole(asked, resources))


async def ask(
    body: ChatRequest,
    request: Request,
    resources: Resources,
    *,
    previous: str | None = None,
    kept: bool = True,
) -> Asked:
    """Return what a request asks, and for whom.

    Args:
        body: what it asks.
        request: its headers.
        resources: what it is served with.
        previous: the decision after which it goes on; None where its messages say that.
        kept: whether anything of it may be kept. Who may have to ask, as agents may, cannot serve without that.

    Raises:
        ApiError: it is refused.
        MomaError: its thread cannot be read, or is another's.
    """
    began = time.perf_counter()
    caller = caller_of(request.headers, resources.keys)
    context = context_of(body, caller, resources.services)
    if are_only_offered(body, request.headers, caller):
        context = replace(context, call={**context.call, TOOLS_OPTIONAL: True})
    background = is_background(body)
    kept = kept and not background
    if background:
        context = replace(context, preference="cost")
    if not kept:
        place, graph = _nowhere(body), resources.stateless
        context = replace(context, exclude=_no_agent(context, resources))
    else:
        _foresee(body.messages[-1], resources)
        saver, index, graph = resources.saver, resources.conversations, resources.graph
        if previous is None:
            place = await find_place(body, request.headers, caller, saver, index)
        else:
            place = await place_after(previous, body, request.headers, caller, saver, index)
    debug = request.headers.get("x-moma-debug", "").lower() in ("true", "1") and caller.key.debug
    return Asked(
        request=body,
        caller=caller,
        context=context,
        place=place,
        graph=graph,
        kept=kept,
        debug=debug,
        began=began,
    )


async def whole_turn(asked: Asked, resources: Resources) -> tuple[Ended, list[dict[str, Any]]]:
    """Run the turn to its end; return that, and the calls of the client's tools.

    Raises:
        ApiError: there is no answer.
        MomaError: the turn was not taken.
    """
    calls, ended = list[dict[str, Any]](), None
    running = run_turn(asked.graph, asked.place, asked.context, streamed=False)
    async with aclosing(running) as events:
        async for event in events:
            if isinstance(event, Called):
                calls += [{k: v for k, v in c.items() if k != "index"} for c in event.calls]
            elif isinstance(event, Ended):
                ended = event
    assert ended is not None, "a turn ends with its end"
    await asked.remember(ended, resources)
    if ended.failure is not None:
        raise ended.failure
    return ended, calls


async def _whole(asked: Asked, resources: Resources) -> Response:
    ended, calls = await whole_turn(asked, resources)
    tool_calls = {"tool_calls": calls} if calls else {}
    answer = ended.answer or (None if calls else "")
    message = {"role": "assistant", "content": answer, "refusal": None, **tool_calls}
    choice = {"index": 0, "message": message, "finish_reason": ended.finish, "logprobs": None}
    body = {
        "id": completion_id(ended.record.get("id")),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": ended.model,
        "system_fingerprint": resources.fingerprint,
        "choices": [choice],
        "usage": usage_of(ended.record),
        "moma": extension(ended.record, phase=ended.phase, debug=asked.debug),
    }
    headers = decision_headers(ended.record, phase=ended.phase)
    return Response(json.dumps(body), headers=headers, media_type="application/json")


def _foresee(last: Message, resources: Resources) -> None:
    """Have what the user says embedded while its thread is looked for; a long text waits until it is let in."""
    if isinstance(last, UserMessage) and isinstance(last.content, str):
        if len(last.content) <= _SHORT:
            resources.services.ahead.foresee(readable(last.content))


def _nowhere(body: ChatRequest) -> Place:
    """Return the place of a turn that leaves no trace."""
    said = said_in(body.messages)
    messages = as_langchain(said)
    return Place(config={}, thread="", messages=messages, said=said, named=True)


def _no_agent(context: Context, resources: Resources) -> tuple[str, ...]:
    agents = (i for i in resources.services.registry.agents if i not in context.include)
    return (*context.exclude, *agents)
