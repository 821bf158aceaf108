"""A graph behind a LangGraph server as an agent: it is sent the request, and answers as `answers` reads it.

It keeps its own thread there, whose id is all that we keep here. Its interrupts are approvals. It is sent nothing else:
no earlier message, no user, no grants, and no key but those that the catalogue names.
"""

import json
import uuid
from functools import partial
from typing import Any

import httpx
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import LangGraphError
from typing_extensions import TypedDict

from agents.approvals import answer_to, told_together
from agents.contract import AgentContext, AgentState, done, failed
from agents.elsewhere.answers import answer_of
from agents.elsewhere.entries import RemoteEntry
from agents.elsewhere.http import open_http
from agents.errors import UnreachableError

__all__ = ["build"]

LONGEST_ANSWER = 40_000
"""Characters that are passed on."""
LONGEST_QUESTION = 20_000
_TROUBLE = (LangGraphError, httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError)
_INTERRUPT = "__interrupt__"


class _Pause(TypedDict):
    """What the other graph waits for: its interrupts, with their ids, and what resumes them."""

    asked: list[dict[str, Any]]
    answer: Any


class RemoteState(AgentState, total=False):
    """What one run holds."""

    thread: str
    """The thread over there."""
    sent: str
    """The id of the request's message in it."""
    pause: _Pause | None


def build(
    agent_id: str, entry: RemoteEntry, *, title: str
) -> CompiledStateGraph[RemoteState, AgentContext, Any, Any]:
    """Return the agent; its server is called when it is first needed."""
    graph: Any = StateGraph(RemoteState, context_schema=AgentContext)
    graph.add_node("send", partial(_send, entry=entry, name=agent_id))
    graph.add_node("approve", partial(_approve, name=agent_id))
    graph.add_node("resume", partial(_resume, entry=entry, name=agent_id))
    graph.add_edge(START, "send")
    for node in ("send", "resume"):
        graph.add_conditional_edges(node, _next, ["approve", END])
    graph.add_edge("approve", "resume")
    compiled: CompiledStateGraph[RemoteState, AgentContext, Any, Any] = graph.compile(name=title)
    return compiled


def _next(state: RemoteState) -> str:
    return "approve" if state.get("pause") else END


async def _send(
    state: RemoteState, runtime: Runtime[AgentContext], *, entry: RemoteEntry, name: str
) -> dict[str, Any]:
    kept = (state.get("memory") or {}).get("thread")
    thread = kept if isinstance(kept, str) else str(uuid.uuid4())
    info = runtime.execution_info
    # A step that is repeated after a crash sends the same id, so that a graph which looks at it can tell.
    message_id = str(uuid.uuid5(uuid.NAMESPACE_OID, info.task_id)) if info else uuid.uuid4().hex
    message = {"role": "user", "content": state["request"], "id": message_id}
    given = {"messages": [message]}
    return await _run(entry, name, thread, sent=message_id, new=True, input=given)


async def _resume(
    state: RemoteState, runtime: Runtime[AgentContext], *, entry: RemoteEntry, name: str
) -> dict[str, Any]:
    """Pass the answer on, once: what follows a yes must not be done twice, even if the process dies meanwhile."""
    pause, begin = state.get("pause"), runtime.context.begin
    assert pause is not None
    info = runtime.execution_info
    if begin is not None and not await begin(f"resume {info.task_id if info else ''}"):
        text = f"Your answer went to {name}, and I cannot say what came of it. Ask before you repeat it."
        return {**done(text, memory={"thread": state["thread"]}), "pause": None}
    sent, answer = state.get("sent", ""), pause["answer"]
    return await _run(entry, name, state["thread"], sent=sent, command={"resume": answer})


async def _approve(state: RemoteState, *, name: str) -> dict[str, Any]:
    """Ask what the other graph asks. It runs again from its start when the answer comes."""
    pause = state.get("pause")
    assert pause is not None
    told = told_together([each["value"] for each in pause["asked"]])
    shown = {"question": told["question"], "details": told.get("details", [])}
    said = interrupt({"kind": "approval", **shown, "agent": name})
    answers = {each.get("id"): answer_to(each["value"], said) for each in pause["asked"]}
    answer = answers if len(answers) > 1 else next(iter(answers.values()))
    return {"pause": {**pause, "answer": answer}}


async def _run(
    entry: RemoteEntry, name: str, thread: str, *, sent: str, new: bool = False, **what: Any
) -> dict[str, Any]:
    """Run the other graph to its end or to what it waits for.

    Raises:
        UnreachableError: the server is not there, or fails.
    """
    try:
        async with open_http(entry.headers_env, base_url=entry.url) as http:
            client = LangGraphClient(http)
            if new:
                await client.threads.create(thread_id=thread, if_exists="do_nothing")
            values: Any = await client.runs.wait(
                thread, entry.assistant, on_disconnect="cancel", raise_error=False, **what
            )
            return {"thread": thread, "sent": sent, **_end(values, thread, name, sent=sent)}
    except _TROUBLE as error:
        raise UnreachableError(_told(error, name)) from error


def _end(values: Any, thread: str, name: str, *, sent: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError("a graph returns its state")
    if "__error__" in values:
        raise UnreachableError(f"{name} failed where it runs")
    if pauses := values.get(_INTERRUPT):
        asked = [{"value": pause["value"], "id": pause.get("id")} for pause in pauses]
        if len(json.dumps(asked)) > LONGEST_QUESTION:
            raise UnreachableError(f"{name} asks more than {LONGEST_QUESTION:,} characters")
        return {"pause": _Pause(asked=asked, answer=None)}
    text = answer_of(values, after=sent)
    if not text:
        return {**failed(f"{name} ended without an answer"), "pause": None}
    return {**done(text[:LONGEST_ANSWER], memory={"thread": thread}), "pause": None}


def _told(error: Exception, name: str) -> str:
    """Return what is wrong in words of our own: the server's may hold anything."""
    status = getattr(error, "status_code", None) or getattr(
        getattr(error, "response", None), "status_code", None
    )
    if status:
        return f"{name} answers with the HTTP status {status}"
    if isinstance(error, httpx.HTTPError):
        return f"{name} cannot be reached ({type(error).__name__})"
    return f"{name} answers what is no LangGraph server ({type(error).__name__})"
