"""The door of an agent: the mask is checked again at this very moment, and what the agent returns is checked too.

LangGraph runs whatever node a `goto` names, so a mask that only the router applies would be no permission. The guard
knows no routing: a refused, failed or declined agent is an outcome, and the machine decides what follows.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand
from langgraph.runtime import Runtime
from tzlocal import get_localzone

from agents.contract import AgentContext, Outcome, OutcomeEvent
from agents.errors import AgentError, MomaError
from agents.registry import Agent, AgentGraph
from graphs import record as records
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.ledger import Ledger
from graphs.machine import Event, Phase
from graphs.masks import Moment, agent_refusal
from graphs.nodes.models import order_models
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import text_of

LARGEST_MEMORY = 64 * 1024
"""Characters of JSON that an agent may keep in a thread."""
HISTORY = 12
"""Earlier messages that an agent sees."""
Node = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]


def guarded(agent_id: str, graph: AgentGraph, services: Services) -> Node:
    """Return the node of an agent that was known when the orchestrator was built."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        return await _visit(agent_id, graph, state, runtime, services)

    return node


def guarded_late(services: Services) -> Node:
    """Return the one node in which agents run that were registered later."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        agent_id = state.get("target") or ""
        agent = services.registry.agents.get(agent_id)
        return await _visit(agent_id, agent.graph if agent else None, state, runtime, services)

    return node


def allowed_hand_overs(state: State, agents: Mapping[str, Agent]) -> tuple[str | None, Any]:
    """Return which agent handed this turn over, and to whom it may; None means to any."""
    tried = state.get("tried") or []
    giver = tried[-1] if tried else None
    given = agents.get(giver) if giver else None
    return giver, given.card.hand_over_to if given else None


async def _visit(
    agent_id: str,
    graph: AgentGraph | None,
    state: State,
    runtime: Runtime[Context],
    services: Services,
) -> dict[str, Any]:
    began = time.perf_counter()
    agents = services.registry.agents
    giver, onward = allowed_hand_overs(state, agents)
    refusal = agent_refusal(
        agents[agent_id].card if agent_id in agents else None,
        agent_id,
        caller=services.caller(runtime.context),
        moment=Moment(
            phase=str(state.get("phase") or Phase.IDLE),
            holder=state.get("active_agent"),
            handed_by=giver,
            tried=frozenset(state.get("tried") or ()),
        ),
        runnable=graph is not None,
        allowed_hand_overs=onward,
    )
    ledger = Ledger(services.budget(runtime.context))
    if refusal is not None or graph is None:
        reason = refusal.reason if refusal else "it has no graph"
        outcome = Outcome(event=OutcomeEvent.FAILED, text="", reason=f"refused: {reason}")
        memory: dict[str, Any] | None = None
    else:
        outcome, memory = await _run(agent_id, graph, state, runtime, services, ledger)
    ms = 1e3 * (time.perf_counter() - began)
    return _update(agent_id, outcome, memory, state, ms=ms, calls=ledger.calls)


async def _run(
    agent_id: str,
    graph: AgentGraph,
    state: State,
    runtime: Runtime[Context],
    services: Services,
    ledger: Ledger,
) -> tuple[Outcome, dict[str, Any] | None]:
    try:
        async with asyncio.timeout(services.options.limits.turn):
            result = await graph.ainvoke(
                _given(agent_id, state),
                context=_granted(state, runtime, services, ledger),
            )
        return _checked(agent_id, result)
    except ParentCommand as request:
        # An agent may not move the orchestrator: what it asked for becomes a request.
        command = request.args[0]
        target = command.goto if isinstance(command.goto, str) else ""
        outcome = Outcome(
            event=OutcomeEvent.HAND_OVER,
            text="",
            to=target,
            reason=f"it asked for {target or 'another'}",
        )
        return outcome, None
    except GraphInterrupt as pause:
        _announce(agent_id, pause, state, runtime)
        raise
    except GraphBubbleUp:
        raise
    except TimeoutError:
        return _failure("it took too long"), None
    except MomaError as error:
        return _failure(str(error)), None
    except Exception as error:  # noqa: BLE001 an agent is foreign code: its failure is an outcome, not the turn's end
        return _failure(f"it broke ({type(error).__name__})"), None


def _failure(reason: str) -> Outcome:
    return Outcome(event=OutcomeEvent.FAILED, text="", reason=reason)


def _given(agent_id: str, state: State) -> dict[str, Any]:
    messages = state["messages"]
    earlier = messages[-HISTORY - 1 : -1]
    history = [
        {"role": "assistant" if isinstance(m, AIMessage) else "user", "content": text_of(m.content)}
        for m in earlier
        if m.type in ("human", "ai")
    ]
    return {
        "request": state["request"],
        "event": str(state.get("event") or Event.START),
        "history": history,
        "memory": (state.get("memories") or {}).get(agent_id, {}),
    }


def _granted(
    state: State, runtime: Runtime[Context], services: Services, ledger: Ledger
) -> AgentContext:
    order = order_models(state, runtime.context, services)
    model = None
    if order:
        model = GatewayChatModel(
            gateway=services.gateway,
            order=tuple(order),
            ledger=ledger,
            deadline=services.gateway.deadline(),
            loop=asyncio.get_running_loop(),
        )
    first = services.gateway.models[order[0]].mean_quality if order else 0.0
    return AgentContext(
        user=runtime.context.user if runtime.context else Context().user,
        home=services.options.home,
        model=model,
        embed=services.embed,
        capable=first >= services.options.capable_from,
        now=datetime.now(get_localzone()),
    )


def _checked(agent_id: str, result: Any) -> tuple[Outcome, dict[str, Any]]:
    """Return an agent's outcome and memory.

    Raises:
        AgentError: they are not what the contract says.
    """
    outcome = result.get("outcome") if isinstance(result, dict) else None
    if not isinstance(outcome, dict) or outcome.get("event") not in set(OutcomeEvent):
        raise AgentError(f"{agent_id} returned no outcome")
    memory = result.get("memory") or {}
    try:
        size = len(json.dumps([outcome, memory]))
    except (TypeError, ValueError):
        raise AgentError(f"{agent_id} returned values that are not plain JSON") from None
    if size > LARGEST_MEMORY:
        raise AgentError(
            f"{agent_id} keeps {size:,} characters; at most {LARGEST_MEMORY:,} are allowed"
        )
    outcome = {**outcome, "event": str(outcome["event"])}
    return Outcome(**outcome), memory  # type: ignore[typeddict-item]


def _announce(
    agent_id: str, pause: GraphInterrupt, state: State, runtime: Runtime[Context]
) -> None:
    """Tell the stream that the thread now waits for an approval; the interrupt itself ends the run."""
    asked = [i.value for i in pause.args[0]] if pause.args else []
    runtime.stream_writer(
        {
            "type": "phase",
            "phase": Phase.AWAITING_APPROVAL.value,
            "agent": agent_id,
            "asked": asked,
            "record": {
                **state.get("decision", {}),
                "phase_to": Phase.AWAITING_APPROVAL.value,
                "served_by": {"kind": "agent", "id": agent_id},
            },
        }
    )


def _update(
    agent_id: str,
    outcome: Outcome,
    memory: dict[str, Any] | None,
    state: State,
    *,
    ms: float,
    calls: list[dict[str, Any]],
) -> dict[str, Any]:
    event, text = outcome["event"], outcome.get("text") or ""
    record = records.with_run(
        state["decision"],
        agent=agent_id,
        event=event,
        reason=outcome.get("reason") or "",
        ms=ms,
        calls=calls,
    )
    update: dict[str, Any] = {"outcome": outcome, "event": event, "target": None}
    if memory is not None:
        update["memories"] = {**(state.get("memories") or {}), agent_id: memory}
    if event in (OutcomeEvent.DECLINED, OutcomeEvent.FAILED, OutcomeEvent.HAND_OVER):
        update["tried"] = [*(state.get("tried") or ()), agent_id]
    else:
        record = {**record, "served_by": {"kind": "agent", "id": agent_id}}
        update |= _floor_after(agent_id, event, text, state)
    return {**update, "decision": record}


def _floor_after(agent_id: str, event: str, text: str, state: State) -> dict[str, Any]:
    """Return who holds the floor after a run, and what is said.

    An agent that served a request in the middle of another's open question gives the floor back to it.
    """
    floor = state.get("floor") or {}
    waits = floor.get("phase") == Phase.AWAITING_INPUT and floor["agent"] != agent_id
    update: dict[str, Any] = {"active_agent": agent_id, "asked": ""}
    if event == OutcomeEvent.NEEDS_INPUT:
        update["asked"] = text
    elif event == OutcomeEvent.DONE and waits and floor["agent"] not in (state.get("tried") or ()):
        update = {
            "active_agent": floor["agent"],
            "asked": floor["asked"],
            "event": Event.BACK_WAITING.value,
        }
        text += f"\n\n*Back to {floor['agent']}:* {floor['asked']}"
    said = AIMessage(text, name=agent_id, response_metadata={"agent": agent_id})
    return {**update, "messages": [said]}
