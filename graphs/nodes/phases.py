"""One thin node for each phase: it writes the phase, settles who holds the floor, and ends or carries on the turn."""

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from graphs import record as records
from graphs.gateway.models import count_tokens
from graphs.machine import Event, Phase
from graphs.nodes.ask import farewell
from graphs.nodes.models import always_best
from graphs.routing.dialogue import Dialogue
from graphs.services import Services
from graphs.state import Context, Led, State
from graphs.tracing import tell
from graphs.turn import text_of

PhaseNode = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]
_HELD = frozenset(
    {Phase.ENGAGED, Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL, Phase.AWAITING_CHOICE}
)


def resting(phase: Phase, services: Services) -> PhaseNode:
    """Return the node of a phase in which turns end."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        record, messages = state["decision"], list(state["messages"])
        update: dict[str, Any] = {
            "phase": phase.value,
            "target": None,
            "floor": None,
            "spent_usd": (state.get("spent_usd") or 0.0) + (record["cost_usd"] or 0.0),
        }
        if phase == Phase.CLOSED:
            said = AIMessage(farewell(state["event"]))
            update["messages"] = [said]
            messages.append(said)
            record = {**record, "served_by": {"kind": "router", "id": "closed"}}
        if phase not in _HELD:
            update["active_agent"] = None
        if phase != Phase.AWAITING_CHOICE:
            update["choice"] = None
        holder = update.get("active_agent", state.get("active_agent"))
        dialogue = _dialogue(state, record, messages, phase=phase, holder=holder)
        services.ahead.hear(dialogue)
        update["dialogue"] = dialogue.plain()
        best = await services.with_books(
            always_best,
            {**state, "decision": record},
            runtime.context,
            services,
            output_tokens=count_tokens([text_of(messages[-1].content)]),
        )
        record = records.finish(record, phase=phase, always_best=best)
        tell(record)
        runtime.stream_writer({"type": "turn", "phase": phase.value, "record": record})
        return {**update, "record": record, "decision": record}

    return node


def handing_over(services: Services) -> Callable[[State], Awaitable[dict[str, Any]]]:
    """Return the node of the phase in which an agent gives the turn back."""

    async def node(state: State) -> dict[str, Any]:
        hops = state["hops"] + 1
        left = hops <= services.options.max_hops
        return {
            "hops": hops,
            "event": (Event.ROUTE_AGAIN if left else Event.EXHAUSTED).value,
        }

    return node


def event_of(led: Led) -> str:
    """Return the edge that leaves a node: the last event."""
    return led["event"]


def _dialogue(
    state: State, record: dict[str, Any], messages: list[Any], *, phase: Phase, holder: str | None
) -> Dialogue:
    """Return what the next turn's choice of an agent reads of this one."""
    before = Dialogue.from_plain(state.get("dialogue"))
    if getattr(messages[-1], "tool_calls", None):
        return before  # the caller's tools run now, and what the model says to it is still to come
    said = text_of(messages[-1].content)
    served = record["served_by"] or {}
    agent = served.get("id") if served.get("kind") == "agent" else None
    if phase == Phase.AWAITING_CHOICE:
        options = (state.get("choice") or {}).get("options", [])
        return before.asking(tuple(options), said=said)
    if phase == Phase.CLOSED:
        agent = before.holder  # goodbye is said to whom one spoke with
    elif agent is not None and holder is not None and agent != holder:
        return before.given_back()
    return before.after(state["request"], agent=agent, said=said)
