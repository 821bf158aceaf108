"""An agent that speaks A2A as one of ours: its card is fetched and checked, a task's end is the outcome.

It is sent the request and nothing else of the dialogue; it keeps what it knows under the context id that it gave. The
card comes over the network: where it leads is followed only if it stays on the address that the catalogue names.
"""

import asyncio
import json
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import JSON_RPC_ERROR_CODE_MAP, A2AError, TaskNotFoundError
from google.protobuf.json_format import MessageToDict, ParseError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.contract import AgentContext, AgentState, declined, done, failed, needs_input
from agents.elsewhere.entries import A2aEntry
from agents.elsewhere.http import open_http, origin_of
from agents.elsewhere.wording import one_line
from agents.errors import UnreachableError

__all__ = ["build"]

LONGEST_ANSWER = 40_000
"""Characters that are passed on."""
_MOST_EVENTS = 10_000
_POLL_S = (0.2, 5.0)
"""The first and the longest wait between two looks at a task that works on after its answer."""
_WAITING = (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)
_TROUBLE = (A2AError, httpx.HTTPError, httpx.InvalidURL, ParseError, RecursionError, TypeError, ValueError)  # fmt: skip


def build(
    agent_id: str, entry: A2aEntry, *, title: str
) -> CompiledStateGraph[AgentState, AgentContext, Any, Any]:
    """Return the agent; its server is called when it is first needed."""
    graph: Any = StateGraph(AgentState, context_schema=AgentContext)
    graph.add_node("ask", partial(_ask, entry=entry, name=agent_id))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    compiled: CompiledStateGraph[AgentState, AgentContext, Any, Any] = graph.compile(name=title)
    return compiled


async def _ask(
    state: AgentState, runtime: Runtime[AgentContext], *, entry: A2aEntry, name: str
) -> AgentState:
    memory = state.get("memory") or {}
    info = runtime.execution_info
    # A step that is repeated after a crash sends the same id, so that the agent can tell.
    message_id = str(uuid.uuid5(uuid.NAMESPACE_OID, info.task_id)) if info else uuid.uuid4().hex
    message = Message(
        message_id=message_id,
        role=Role.ROLE_USER,
        parts=[Part(text=state["request"])],
        context_id=memory.get("context", ""),
        task_id=memory.get("task", ""),
    )
    try:
        async with open_http(entry.headers_env) as http:
            client = await _connected(http, entry, name)
            if state.get("event") == "cancel":
                return await _cancelled(client, message)
            task = await _finished(client, await _sent(client, message))
            return _outcome(task, name)
    except _TROUBLE as error:
        raise UnreachableError(_told(error, name)) from error


async def _connected(http: httpx.AsyncClient, entry: A2aEntry, name: str) -> Client:
    """Return a client for the agent that the card at the entry's address describes.

    Raises:
        UnreachableError: the card leads elsewhere, or asks for what we cannot do.
    """
    card = await A2ACardResolver(http, entry.url).get_agent_card()
    here = origin_of(entry.url)
    near = [
        i
        for i in card.supported_interfaces
        if i.protocol_binding == "JSONRPC" and origin_of(i.url) == here
    ]
    if not near:
        raise UnreachableError(
            f"the agent card of {name} names no JSON-RPC interface at the address of the catalogue{_elsewhere(card)}"
        )
    if needed := [e.uri for e in card.capabilities.extensions if e.required]:
        raise UnreachableError(
            f"{name} asks for the extension {one_line(needed[0], longest=100)!r}, which is unknown"
        )
    checked = AgentCard()
    checked.CopyFrom(card)
    del checked.supported_interfaces[:]
    checked.supported_interfaces.extend(near)
    return ClientFactory(ClientConfig(httpx_client=http)).create(checked)


def _elsewhere(card: AgentCard) -> str:
    """Return what a card names instead; of an address no more than where it leads, as the rest may be a secret."""
    places: list[str] = []
    for interface in card.supported_interfaces[:2]:
        scheme, host, port = origin_of(interface.url)
        places.append(one_line(f"{interface.protocol_binding} at {scheme}://{host}:{port}"))
    return f", only {' and '.join(places)}" if places else ""


async def _sent(client: Client, message: Message) -> Task:
    """Send a message and return the task, or a finished one that holds the message which came instead."""
    task = Task()
    request = SendMessageRequest(
        message=message,
        configuration=SendMessageConfiguration(accepted_output_modes=["text/plain"]),
    )
    count = 0
    try:
        async for event in client.send_message(request):
            count += 1
            if count > _MOST_EVENTS:
                raise UnreachableError(f"the agent sent more than {_MOST_EVENTS:,} events")
            kind = event.WhichOneof("payload")
            if kind == "task":
                task.CopyFrom(event.task)
            elif kind == "message":
                task.context_id = event.message.context_id
                task.status.state = TaskState.TASK_STATE_COMPLETED
                task.status.message.CopyFrom(event.message)
            elif kind == "status_update":
                task.id, task.context_id = (
                    event.status_update.task_id,
                    event.status_update.context_id,
                )
                task.status.CopyFrom(event.status_update.status)
            elif kind == "artifact_update":
                _add(task, event.artifact_update)
    except TaskNotFoundError:
        if not message.task_id:
            raise
        message.task_id = ""  # the agent has forgotten what it had asked
        return await _sent(client, message)
    return task


def _add(task: Task, update: Any) -> None:
    """Add a piece of an artifact; pieces of one have the same id."""
    task.id, task.context_id = update.task_id, update.context_id
    known = next((a for a in task.artifacts if a.artifact_id == update.artifact.artifact_id), None)
    if known is None:
        task.artifacts.add().CopyFrom(update.artifact)
    elif update.append:
        known.parts.extend(update.artifact.parts)
    else:
        known.CopyFrom(update.artifact)


async def _finished(client: Client, task: Task) -> Task:
    """Return the task as soon as it no longer works; the turn's deadline bounds the wait."""
    wait, longest = _POLL_S
    while task.status.state in _WAITING and task.id:
        await asyncio.sleep(wait)
        wait = min(2 * wait, longest)
        task = await client.get_task(GetTaskRequest(id=task.id))
    return task


async def _cancelled(client: Client, message: Message) -> AgentState:
    if message.task_id:
        try:
            await client.cancel_task(CancelTaskRequest(id=message.task_id))
        except A2AError:
            return done("It goes on: the agent could not cancel it.")
    return done("Cancelled.")


def _outcome(task: Task, name: str) -> AgentState:
    state, said = task.status.state, _text(task.status.message.parts)
    memory = {"context": task.context_id} if task.context_id else {}
    if state == TaskState.TASK_STATE_COMPLETED:
        # The parts of one artifact are mostly pieces of a stream.
        made = [_text(artifact.parts, between="") for artifact in task.artifacts]
        answer = "\n\n".join(text for text in made if text) or said or _last_said(task)
        if not answer:
            return failed(f"{name} ended without an answer")
        return done(answer[:LONGEST_ANSWER], memory=memory)
    if state == TaskState.TASK_STATE_INPUT_REQUIRED:
        return needs_input(
            (said or "What else do you want to say?")[:LONGEST_ANSWER],
            memory={**memory, "task": task.id},
        )
    why = one_line(said)
    if state == TaskState.TASK_STATE_REJECTED:
        return declined(f"{name} does not take it{': ' * bool(why)}{why}")
    if state == TaskState.TASK_STATE_AUTH_REQUIRED:
        return failed(f"{name} asks for another authorization; see headers_env in the catalogue")
    word = "cancelled it" if state == TaskState.TASK_STATE_CANCELED else "failed"
    return failed(f"{name} {word}{': ' * bool(why)}{why}")


def _text(parts: Iterable[Part], *, between: str = "\n") -> str:
    """Return the parts as text; files are named, not shown."""
    return between.join(filter(None, map(_part, parts))).strip()


def _part(part: Part) -> str:
    kind = part.WhichOneof("content")
    if kind == "text":
        return part.text
    if kind == "data":
        return json.dumps(MessageToDict(part.data), ensure_ascii=False)
    return (
        part.url if kind == "url" else f"(a file {part.filename[:100]}, not shown)" if kind else ""
    )


def _last_said(task: Task) -> str:
    said = [m for m in task.history if m.role == Role.ROLE_AGENT]
    return _text(said[-1].parts) if said else ""


def _told(error: Exception, name: str) -> str:
    """Return what is wrong in words of our own: the server's may hold anything."""
    cause = error.__cause__ if isinstance(error.__cause__, httpx.HTTPError) else error
    if isinstance(cause, httpx.HTTPStatusError):
        return f"{name} answers with the HTTP status {cause.response.status_code}"
    if isinstance(cause, httpx.HTTPError):
        return f"{name} cannot be reached ({type(cause).__name__})"
    if isinstance(error, A2AError) and type(error) in JSON_RPC_ERROR_CODE_MAP:
        code = JSON_RPC_ERROR_CODE_MAP[type(error)]
        return f"{name} answers with the error {code} ({type(error).__name__})"
    return f"{name} answers what is not A2A ({type(error).__name__})"
