"""The door of an agent: the mask is checked again at this very moment, and what the agent returns is checked too.

LangGraph runs whatever node a `goto` names, so a mask that only the router applies would be no permission. The guard
knows no routing: a refused, failed or declined agent is an outcome, and the machine decides what follows.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand
from langgraph.runtime import Runtime

from agents.approvals import told
from agents.contract import Outcome, OutcomeEvent, done
from agents.errors import CheckpointError, MomaError, UnreachableError
from agents.registry import AgentGraph
from graphs import record as records
from graphs.agent_run import run_context, run_input
from graphs.floor import question_stands
from graphs.gateway.ledger import Ledger
from graphs.left_behind import while_wanted
from graphs.machine import Event, Phase
from graphs.masks import Caller, Moment, agent_refusal
from graphs.nodes.models import always_best, left_of, order_models, spender
from graphs.outcome import SERVED, checked, failure, request_of
from graphs.pending import is_overtaken
from graphs.permits import with_policy
from graphs.redaction import trace_of
from graphs.results import results_here
from graphs.services import Services
from graphs.state import Context, State
from graphs.tracing import step, tell
from graphs.turn import modalities_of

_log = logging.getLogger(__name__)
SHARE_OF_TIME = 0.75
"""How much of the turn's remaining time one agent may take, so that another can still answer."""
_LEAST_S = 0.05
"""With less time than that an agent is not begun: what it could not do would count against it."""
_RESUMING = "__pregel_resuming"
"""Where LangGraph says that a run goes on."""
_INVOKE = {"gen_ai.operation.name": "invoke_agent"}
Node = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]


def guarded(agent_id: str, graph: AgentGraph, services: Services) -> Node:
    """Return the node of an agent that was known when the orchestrator was built."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        agent = services.registry.agents.get(agent_id)
        # LangGraph draws the subgraph that it finds in this closure; one that was registered anew takes its place.
        return await _visit(agent_id, agent.graph if agent else graph, state, runtime, services)

    return node


def guarded_late(services: Services) -> Node:
    """Return the one node in which agents run that were registered later."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        agent_id = state.get("target") or ""
        agent = services.registry.agents.get(agent_id)
        return await _visit(agent_id, agent.graph if agent else None, state, runtime, services)

    return node


def moment_of(state: State, services: Services) -> tuple[Moment, Collection[str] | None]:
    """Return where the turn stands, and to whom the agent that handed it over may do so; None means to any."""
    tried = state.get("tried") or []
    handed = (state.get("outcome") or {}).get("event") == OutcomeEvent.HAND_OVER
    giver = tried[-1] if tried and handed else None
    given = services.registry.agents.get(giver) if giver else None
    moment = Moment(
        phase=str(state.get("phase") or Phase.IDLE),
        holder=state.get("active_agent"),
        handed_by=giver,
        tried=frozenset(tried),
        broken=services.broken(),
        modalities=modalities_of(state["messages"][-1].content),
    )
    return moment, given.card.hand_over_to if given else None


async def _visit(
    agent_id: str,
    graph: AgentGraph | None,
    state: State,
    runtime: Runtime[Context],
    services: Services,
) -> dict[str, Any]:
    began = time.perf_counter()
    state = await with_policy(state, runtime.context, services.permits)
    left = await services.with_books(left_of, state, runtime.context, services)
    reason = _refusal(
        agent_id, graph, state, services.caller(runtime.context, left, state), services
    )
    agent = services.registry.agents.get(agent_id)
    ledger = await services.with_books(
        services.budgets.ledger,
        spender(state, runtime.context, services),
        limit_usd=agent.card.budget_usd if agent else None,
    )
    memory: dict[str, Any] | None = None
    if graph is None or reason is not None:
        outcome = failure(f"refused: {reason}")
    elif is_overtaken(get_config()) and not state["decision"]["runs"]:
        outcome = _unknown(agent_id, failure("the turn of an earlier answer was cut short"))
    else:
        if _goes_on_elsewhere():
            services.go_on(state["decision"]["id"])
        try:
            with step(f"invoke_agent {agent_id}", _INVOKE | {"gen_ai.agent.id": agent_id}):
                outcome, memory = await _run(agent_id, graph, state, runtime, services, ledger)
        except GraphInterrupt as pause:
            ms = 1e3 * (time.perf_counter() - began)
            paused = _with_run(agent_id, OutcomeEvent.NEEDS_APPROVAL, state, ms=ms, ledger=ledger)
            await _announce(agent_id, pause, {**state, "decision": paused}, runtime, services)
            raise
    ms = 1e3 * (time.perf_counter() - began)
    record = _with_run(
        agent_id, outcome["event"], state, ms=ms, ledger=ledger, reason=outcome.get("reason") or ""
    )
    if outcome["event"] == OutcomeEvent.FAILED and _was_allowed(state) and reason is None:
        outcome = _unknown(agent_id, outcome)
    return _update(agent_id, outcome, memory, {**state, "decision": record})


def _was_allowed(state: State) -> bool:
    """Whether the agent had just been given the yes that it waited for."""
    asked = state["decision"]["phase_from"] == Phase.AWAITING_APPROVAL
    return asked and state["event"] == Event.AFFIRM


def _unknown(agent_id: str, failed: Outcome) -> Outcome:
    """Return what is told of a run that failed after an answer: whoever else spoke would not know what was done."""
    text = (
        f"I cannot say whether what you agreed to was done: {agent_id} failed"
        f" ({failed.get('reason')}). Look before you ask for it again."
    )
    return checked(agent_id, done(text))[0]


def _goes_on_elsewhere() -> bool:
    """Whether a run of a graph around this one goes on with an approval: the time that it was waited for is nobody's.

    Where the thread is the graph's own, the turn begins anew, and its time too.
    """
    resuming = (get_config().get("configurable") or {}).get(_RESUMING)
    return bool(resuming) and results_here() is None


def _refusal(
    agent_id: str,
    graph: AgentGraph | None,
    state: State,
    caller: Caller,
    services: Services,
) -> str | None:
    """Return why the agent may not run now, or None."""
    agent = services.registry.agents.get(agent_id)
    moment, onward = moment_of(state, services)
    refusal = agent_refusal(
        agent.card if agent else None,
        agent_id,
        caller=caller,
        moment=moment,
        runnable=graph is not None,
        allowed_hand_overs=onward,
    )
    return refusal.reason if refusal else None


async def _run(
    agent_id: str,
    graph: AgentGraph,
    state: State,
    runtime: Runtime[Context],
    services: Services,
    ledger: Ledger,
) -> tuple[Outcome, dict[str, Any] | None]:
    breaker = services.breaker(agent_id)
    permit = breaker.admit()
    if permit is None:
        return failure("refused: it rests after crashes"), None
    left = services.deadline(state["decision"]["id"]) - time.monotonic()
    seconds = SHARE_OF_TIME * left
    if seconds < _LEAST_S:
        breaker.release(permit)  # it is not the agent that failed
        return failure("refused: no time is left in this turn"), None
    good: bool | None = None
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            order = await services.with_books(
                order_models, state, runtime.context, services, behind_agent=True
            )
            granted = run_context(order, state, runtime.context, services, ledger, seconds=seconds)
            result = await while_wanted(graph.ainvoke(run_input(agent_id, state), context=granted))
        good = True
        return checked(agent_id, result)
    except ParentCommand as request:
        good = True
        return request_of(request.args[0]), None
    except GraphBubbleUp:  # an interrupt
        good = True
        raise
    except CheckpointError:  # the store failed, not the agent: the turn is refused
        raise
    except MomaError as error:
        if isinstance(error, UnreachableError):
            good = False
        return failure(str(error)), None
    except (Exception, SystemExit) as error:  # noqa: BLE001 an agent is foreign code: its failure is an outcome, not the turn's end
        good = False
        if isinstance(error, TimeoutError) and limit.expired():
            return failure("it took too long"), None
        _log.warning("the agent %s broke\n%s", agent_id, trace_of(error))
        return failure(f"it broke ({type(error).__name__})"), None
    finally:
        breaker.settle(permit, good=good)


async def _announce(
    agent_id: str,
    pause: GraphInterrupt,
    state: State,
    runtime: Runtime[Context],
    services: Services,
) -> None:
    """Tell the stream that the turn ends here, waiting for an approval; the interrupt itself ends the run."""
    phase = Phase.AWAITING_APPROVAL.value
    best = await services.with_books(always_best, state, runtime.context, services, output_tokens=0)
    record = records.finish(
        {**state["decision"], "served_by": {"kind": "agent", "id": agent_id}},
        phase=phase,
        always_best=best,
    )
    asked = [told(i.value) for i in pause.args[0]] if pause.args else []
    tell(record)
    runtime.stream_writer({"type": "turn", "phase": phase, "record": record})
    runtime.stream_writer(
        {"type": "phase", "phase": phase, "agent": agent_id, "asked": asked, "record": record}
    )


def _with_run(
    agent_id: str, event: str, state: State, *, ms: float, ledger: Ledger, reason: str = ""
) -> dict[str, Any]:
    return records.with_run(
        state["decision"], agent=agent_id, event=event, reason=reason, ms=ms, calls=ledger.calls
    )


def _update(
    agent_id: str, outcome: Outcome, memory: dict[str, Any] | None, state: State
) -> dict[str, Any]:
    event, record = outcome["event"], state["decision"]
    update: dict[str, Any] = {"outcome": outcome, "event": event, "target": None}
    if memory is not None:
        update["memories"] = {**(state.get("memories") or {}), agent_id: memory}
    if event in SERVED:
        record = {**record, "served_by": {"kind": "agent", "id": agent_id}}
        update |= _floor_after(agent_id, event, outcome["text"], state)
        if event == OutcomeEvent.DONE and state.get("rest"):
            update["event"] = Event.HAND_OVER.value  # the rest of the request is another agent's
    else:
        update["tried"] = [*(state.get("tried") or ()), agent_id]
    return {**update, "decision": record}


def _floor_after(agent_id: str, event: str, text: str, state: State) -> dict[str, Any]:
    """Return who holds the floor after a run, and what is said.

    An agent that served a request in the middle of another's open question gives the floor back to it.
    """
    floor = state.get("floor") or {}
    waits = question_stands(state) and floor["agent"] != agent_id
    update: dict[str, Any] = {"active_agent": agent_id, "asked": ""}
    if event == OutcomeEvent.NEEDS_INPUT:
        update["asked"] = text
    elif event == OutcomeEvent.DONE and waits:
        update = {
            "active_agent": floor["agent"],
            "asked": floor["asked"],
            "event": Event.BACK_WAITING.value,
        }
        text += f"\n\n*Back to {floor['agent']}:* {floor['asked']}"
    said = AIMessage(text, name=agent_id, response_metadata={"agent": agent_id})
    return {**update, "messages": [said]}
