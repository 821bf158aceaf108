"""Masks the agents, ranks those that are left, decides; where none fits, chooses the model."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from langgraph.runtime import Runtime

from agents.errors import MomaError
from graphs import record as records
from graphs.guard import allowed_hand_overs
from graphs.machine import Event, Phase
from graphs.masks import Moment, mask_agents
from graphs.nodes.models import allowed_models, choose_models
from graphs.routing.agents import Decision, Turn, decide
from graphs.routing.quality import Vector
from graphs.routing.router import Router
from graphs.services import Services
from graphs.state import Context, State

Route = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]
_log = logging.getLogger(__name__)


def route(services: Services) -> Route:
    """Return the node."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        began = time.perf_counter()
        update = await _routed(state, runtime.context, services)
        record = records.with_time(update["decision"], "route", 1e3 * (time.perf_counter() - began))
        runtime.stream_writer({"type": "route", "record": record})
        return {**update, "decision": record}

    return node


def after_route(state: State) -> str:
    """Return the edge that leaves `route`: its event, with the agent where one runs."""
    target = state.get("target")
    return f"{Event.START}: {target}" if target else state["event"]


async def _routed(state: State, context: Context | None, services: Services) -> dict[str, Any]:
    giver, onward = allowed_hand_overs(state, services.registry.agents)
    allowed, masked = mask_agents(
        services.cards(),
        caller=services.caller(context),
        moment=Moment(
            phase=str(state.get("phase") or Phase.IDLE),
            holder=state.get("active_agent"),
            handed_by=giver,
            tried=frozenset(state["tried"]),
        ),
        runnable=services.runnable(),
        allowed_hand_overs=onward,
    )
    asked_for = state["outcome"].get("to")
    if state["outcome"].get("event") == Event.HAND_OVER and asked_for in allowed:
        decision = Decision(
            event=Event.SWITCH, agent=asked_for, p_fit=1.0, reason=f"{giver} handed over to it"
        )
        return _to_agent(decision, [], masked, state)
    router, vector, ranked, fault = await _ranked(state["request"], allowed, services)
    decision = _decided(ranked, router, vector, state)
    if fault:
        decision = Decision(event=Event.NONE, agent=None, p_fit=0.0, reason=fault)
    if decision.event in (Event.START, Event.SWITCH, Event.STAY):
        return _to_agent(decision, ranked, masked, state)
    record = records.with_agents(
        state["decision"],
        decision=decision.event,
        agent=decision.agent,
        reason=decision.reason,
        considered=ranked,
        masked=masked,
        p_fit=decision.p_fit,
    )
    if fault:
        record = {**record, "degraded": fault}
    if decision.event == Event.CLARIFY:
        choice = {"request": state["request"], "options": list(decision.others)}
        return {"event": Event.CLARIFY.value, "target": None, "choice": choice, "decision": record}
    record = choose_models(record, state, context, services, router=router, vector=vector)
    event = Event.NONE if allowed_models(state, context, services)[0] else Event.REFUSE
    return {"event": event.value, "target": None, "choice": None, "decision": record}


async def _ranked(
    text: str, allowed: list[str], services: Services
) -> tuple[Router | None, Vector | None, list[tuple[str, float]], str | None]:
    """Return the router, the text's vector and the ranked agents, or why routing failed."""
    try:
        router, vector, ranked = await services.in_pool(partial(_rank, text, allowed, services))
    except MomaError as error:
        _log.warning("routing failed: %s", error)
        return None, None, [], f"routing failed, so the default model answers: {error}"
    except Exception as error:  # noqa: BLE001 the choice of model fails open, whatever broke; the masks do not
        _log.exception("routing failed")
        return (
            None,
            None,
            [],
            f"routing failed, so the default model answers ({type(error).__name__})",
        )
    return router, vector, ranked, None


def _rank(
    text: str, allowed: list[str], services: Services
) -> tuple[Router, Vector, list[tuple[str, float]]]:
    router = services.router()
    vector = router.embed(text)
    return router, vector, router.rank_agents(vector, allowed)


def _decided(
    ranked: list[tuple[str, float]], router: Router | None, vector: Vector | None, state: State
) -> Decision:
    prediction = router.predict(vector) if router and vector is not None else None
    turn = Turn(
        phase=str(state.get("phase") or Phase.IDLE),
        holder=state.get("active_agent") if not state["tried"] else None,
        may_ask=state.get("phase") != Phase.AWAITING_CHOICE,
    )
    return decide(ranked, none_similarity=prediction.nearness if prediction else 0.0, turn=turn)


def _to_agent(
    decision: Decision, ranked: list[tuple[str, float]], masked: list[Any], state: State
) -> dict[str, Any]:
    record = records.with_agents(
        state["decision"],
        decision=decision.event,
        agent=decision.agent,
        reason=decision.reason,
        considered=ranked,
        masked=masked,
        p_fit=decision.p_fit,
    )
    return {
        "event": decision.event.value,
        "target": decision.agent,
        "choice": None,
        "decision": record,
    }
