"""Names the event that the user's turn is, in its phase, and clears what only the last turn needed."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AnyMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from agents.errors import CheckpointError
from agents.replies import approved
from graphs import record as records
from graphs.call import needs_tools, wants_form
from graphs.machine import Event, Phase
from graphs.owner import user_of
from graphs.permits import with_policy
from graphs.routing.dialogue import Dialogue
from graphs.services import Services
from graphs.state import Context, Led, State
from graphs.turn import chosen, modalities_of, name_event, text_of

Observe = Callable[[State, RunnableConfig, Runtime[Context]], Awaitable[dict[str, Any]]]


def observe(services: Services) -> Observe:
    """Return the node."""

    async def node(
        state: State, config: RunnableConfig, runtime: Runtime[Context]
    ) -> dict[str, Any]:
        began = time.perf_counter()
        last = state["messages"][-1]
        of_tools = isinstance(last, ToolMessage)
        text = _asked(state["messages"]) if of_tools else text_of(last.content)
        phase = _phase(state)
        holder = _holder(state, services)
        offered = _offered(state, services) if phase == Phase.AWAITING_CHOICE else []
        away = Dialogue.from_plain(state.get("dialogue")).away > 0
        event = name_event(text, phase=phase, holder=holder, offered=offered, away=away)
        call = runtime.context.call if runtime.context else None
        if of_tools or needs_tools(call) or wants_form(call):
            event = Event.NEW_REQUEST  # no agent takes it, so it goes on with none
        elif modalities_of(last.content) != {"text"} and event != Event.CLOSE:
            event = Event.NEW_REQUEST
        # The results of tools go on with the turn that asked for them.
        turn = max(1, (state.get("turn") or 0) + (0 if of_tools else 1))
        thread = (config.get("configurable") or {}).get("thread_id")
        record = records.begin(
            thread=thread, turn=turn, phase=phase, event=event, versions=_versions(services)
        )
        choice = state.get("choice") or {}
        chose = event == Event.CHOOSE
        target = chosen(text, offered) if chose else holder
        if phase == Phase.AWAITING_CHOICE and event == Event.CANCEL:
            target = None  # it was the router that asked
        update: dict[str, Any] = {
            "owner": state.get("owner") or user_of(runtime.context),
            "turn": turn,
            "event": event.value,
            "request": choice.get("request", text) if chose else text,
            "active_agent": holder,
            "target": None if event in (Event.NEW_REQUEST, Event.CLOSE) else target,
            "floor": _floor(holder, phase, state),
            "outcome": {},
            "tried": [],
            "hops": 0,
            "rest": (state.get("rest") or []) if phase == Phase.AWAITING_INPUT else [],
            "decision": record,
        }
        seen = cast(State, {**state, **update})
        record = (await with_policy(seen, runtime.context, services.permits))["decision"]
        ms = 1e3 * (time.perf_counter() - began)
        return {**update, "decision": records.with_time(record, "observe", ms)}

    return node


def resume_approval(
    values: Mapping[str, Any],
    answer: Any,
    messages: Sequence[AnyMessage] = (),
    *,
    paid_usd: float,
) -> dict[str, Any]:
    """Return the update with which a pending approval is resumed.

    The run goes on inside the agent that asked, so `observe` does not see this turn: its record begins here.

    Args:
        values: the thread's saved state.
        answer: the text of the user's next message, or what a form sends.
        messages: that message, if there is one.
        paid_usd: what the agent's calls had cost when it asked.
    """
    decision = values["decision"]
    agent = values.get("target") or values.get("active_agent")
    event = _approval_event(answer, agent)
    record = records.begin(
        thread=decision["thread"],
        turn=decision["turn"] + 1,
        phase=Phase.AWAITING_APPROVAL,
        event=event,
        versions=decision["versions"],
    )
    record = records.with_agents(
        record, decision=Event.STAY, agent=agent, reason=f"{agent} waits for an approval"
    )
    return {
        # The turn that asked is not in the books yet: it has not ended, and its record is left behind.
        "spent_usd": (values.get("spent_usd") or 0.0) + (decision["cost_usd"] or 0.0) + paid_usd,
        "messages": list(messages),
        "request": answer if isinstance(answer, str) else values["request"],
        "turn": decision["turn"] + 1,
        "event": event.value,
        "outcome": {},
        "tried": [],
        "hops": 0,
        "decision": record,
    }


def after_observe(led: Led) -> str:
    """Return the edge that leaves `observe`: its event, with the agent where one runs."""
    event, target = led["event"], led.get("target")
    if event in (Event.CLOSE, Event.CANCEL) and target is None:
        return Event.CLOSE
    return f"{Event.CONTINUE}: {target}" if target else Event.NEW_REQUEST


def _asked(messages: Sequence[AnyMessage]) -> str:
    """Return what the user wrote last."""
    return next((text_of(m.content) for m in reversed(messages) if m.type == "human"), "")


def _phase(state: State) -> Phase:
    saved = state.get("phase") or Phase.IDLE
    try:
        return Phase(saved)
    except ValueError:
        raise CheckpointError(
            f"the saved thread stands in the phase {saved!r:.60}, which is none; go on in another thread"
        ) from None


def _holder(state: State, services: Services) -> str | None:
    """Return who holds the floor; an agent that is gone or switched off has lost it."""
    holder = state.get("active_agent")
    agent = services.registry.agents.get(holder) if isinstance(holder, str) else None
    return holder if agent is not None and agent.card.enabled else None


def _approval_event(answer: Any, agent: str | None) -> Event:
    if isinstance(answer, str):
        return name_event(answer, phase=Phase.AWAITING_APPROVAL, holder=agent)
    verdict = approved(answer)
    return Event.CONTINUE if verdict is None else Event.AFFIRM if verdict else Event.DENY


def _floor(holder: str | None, phase: Phase, state: State) -> dict[str, str] | None:
    if holder is None:
        return None
    return {"agent": holder, "phase": phase.value, "asked": state.get("asked") or ""}


def _offered(state: State, services: Services) -> list[tuple[str, str]]:
    agents = services.registry.agents
    ids = (state.get("choice") or {}).get("options", [])
    return [(i, agents[i].card.title) for i in ids if i in agents]


def _versions(services: Services) -> dict[str, Any]:
    return {
        "catalog": services.registry.version,
        "encoder": services.options.encoder,
        "policy": None,
    }
