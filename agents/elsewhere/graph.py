"""A LangGraph graph that was not written for MoMA, such as `create_agent` makes, as an agent.

It is given the request as a user's message; what it answers, `answers` reads; its interrupts are approvals. It keeps
its own messages in the thread, in a namespace of its own. What its tools do, and with which rights, is its own affair.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels import (
    AnyValue,
    EphemeralValue,
    LastValue,
    LastValueAfterFinish,
    UntrackedValue,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import GraphInterrupt, ParentCommand
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.contract import AgentContext, AgentState, done, failed
from agents.elsewhere.answers import answer_of, read_messages
from agents.elsewhere.branches import checkpoint_of, going_on_from, on_branch
from agents.elsewhere.needs import check_needs, own_context
from agents.errors import AgentError, CatalogError

__all__ = ["as_agent"]

_Graph = CompiledStateGraph[Any, Any, Any, Any]
_ENDED_AT = "ended_at"
"""Where its memory in the thread says at which checkpoint its last turn ended."""
_REPLACED = (LastValue, LastValueAfterFinish, AnyValue, EphemeralValue, UntrackedValue)
"""Channels that hold what was written last; all others add to what they have, in whichever way."""


def as_agent(agent_id: str, graph: _Graph) -> _Graph:
    """Return `graph` if it is over `AgentState`, else a graph over it that runs `graph`.

    Raises:
        CatalogError: its state has no messages that it could be given, or it needs more than messages.
    """
    if "outcome" in graph.channels:
        return graph
    if "messages" not in graph.channels:
        raise CatalogError(
            f"agent {agent_id!r}: the graph's state has the fields {', '.join(sorted(_fields(graph)))}; "
            "expected AgentState, or any state with `messages`"
        )
    check_needs(agent_id, graph)
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(AgentState, context_schema=AgentContext)
    # The namespace of what it keeps is made of node names: its own id tells it from others in the node `agent`.
    builder.add_node(agent_id, _node(graph))
    builder.add_edge(START, agent_id)
    builder.add_edge(agent_id, END)
    return builder.compile(name=agent_id)


def _node(graph: _Graph) -> Any:
    """Return the node; LangGraph's overloads do not take a function that another one returned."""
    keeps = graph.copy({"checkpointer": True})
    forgets = graph.copy({"checkpointer": None})
    grows = not isinstance(graph.channels["messages"], _REPLACED)
    # What it calls its output may leave out the messages.
    read = [name for name in ("messages", "structured_response") if name in graph.channels]
    own = own_context(graph)

    async def node(
        state: AgentState, config: RunnableConfig, runtime: Runtime[AgentContext]
    ) -> AgentState:
        start = await _start(keeps, state, config)
        runs, place, memory = (
            (keeps, start.config, start.memory) if start else (forgets, config, {})
        )
        request = HumanMessage(state["request"], id=_id_of(runtime))
        given = [*_before(state, start.kept if start and grows else None), request]
        try:
            result = await runs.ainvoke(
                {"messages": given}, place, context=own() if own else None, output_keys=read
            )
        except GraphInterrupt as pause:
            _check_kept(pause)
            raise
        except ParentCommand as asked:
            # It means the graph around it, which is the orchestrator and not this one.
            raise ParentCommand(replace(asked.args[0], graph=Command.PARENT)) from None
        except ValueError as error:
            # LangChain's middleware takes no no where its `allowed_decisions` lack it, and has run nothing yet.
            if not str(error).startswith("Unexpected human decision"):
                raise
            return done("It was not run.", memory=memory)
        answer = answer_of(result, after=str(request.id))
        return done(answer, memory=memory) if answer else failed("it ended without an answer")

    return node


def _check_kept(pause: GraphInterrupt) -> None:
    """Check that what a graph waits for can be kept until it is answered.

    Raises:
        AgentError: it holds an object that no store takes.
    """
    try:
        JsonPlusSerializer().dumps_typed(pause.args[0] if pause.args else ())
    except (TypeError, ValueError, RecursionError):
        raise AgentError(
            "it asks with a value that cannot be kept; an interrupt takes a text or JSON-plain values"
        ) from None


def _id_of(runtime: Runtime[AgentContext]) -> str:
    """Return an id for the request, the same when the step goes on after an approval or is repeated after a crash."""
    info = runtime.execution_info
    return str(uuid.uuid5(uuid.NAMESPACE_OID, info.task_id)) if info else str(uuid.uuid4())


class _Start(NamedTuple):
    """Where a run begins in a thread that is kept."""

    kept: list[AnyMessage]
    """The messages of the graph's earlier turns."""
    config: RunnableConfig
    memory: dict[str, Any]
    """What is to be known of this turn at the next."""


async def _start(graph: _Graph, state: AgentState, config: RunnableConfig) -> _Start | None:
    """Return where `graph` goes on; None where the thread is not kept."""
    try:
        newest = await graph.aget_state(config)
    except ValueError:  # LangGraph has no other word for a run without a checkpointer
        return None
    ended_at = str((state.get("memory") or {}).get(_ENDED_AT, ""))
    found = await on_branch(graph, newest, config, ended_at=ended_at)
    return _Start(
        kept=read_messages(found.values.get("messages")) if found else [],
        config=config if found is newest else going_on_from(found, newest, config),
        memory={_ENDED_AT: checkpoint_of(config)},
    )


def _before(state: AgentState, kept: list[AnyMessage] | None) -> Sequence[AnyMessage]:
    """Return what goes before the request: what is missing in `kept`, or the dialogue where the graph has none."""
    if kept:
        return _broken_off(kept)
    return [
        AIMessage(m["content"]) if m["role"] == "assistant" else HumanMessage(m["content"])
        for m in state.get("history") or ()
    ]


def _broken_off(kept: Sequence[AnyMessage]) -> list[ToolMessage]:
    """Return an answer to each call that a turn left open when it failed: without one providers refuse the rest."""
    last = next((m for m in reversed(kept) if isinstance(m, AIMessage)), None)
    answered = {m.tool_call_id for m in kept if isinstance(m, ToolMessage)}
    calls = last.tool_calls if last is not None else []
    return [
        ToolMessage("The call broke off.", tool_call_id=call["id"], name=call["name"])
        for call in calls
        if call["id"] and call["id"] not in answered
    ]


def _fields(graph: _Graph) -> list[str]:
    return [name for name in graph.channels if not name.startswith(("__", "branch:"))]
