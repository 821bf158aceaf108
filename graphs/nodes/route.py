"""Masks the agents, ranks those that are left, decides; where none fits, chooses the model."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from agents.errors import MomaError, RoutingError
from graphs import record as records
from graphs.guard import moment_of
from graphs.machine import Event, Phase
from graphs.masks import mask_agents
from graphs.nodes.models import choose_models, spent_usd
from graphs.routing.agents import Decision, Turn, decide
from graphs.routing.quality import Prediction
from graphs.services import Services
from graphs.state import Context, State

Route = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]
_Ranking = list[tuple[str, float]]
_log = logging.getLogger(__name__)


def route(services: Services) -> Route:
    """Return the node."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        began = time.perf_counter()
        update = await routed(state, runtime.context, services)
        record = records.with_time(update["decision"], "route", 1e3 * (time.perf_counter() - began))
        runtime.stream_writer({"type": "route", "record": record})
        return {**update, "decision": record}

    return node


def after_route(state: State) -> str:
    """Return the edge that leaves `route`: its event, with the agent where one runs."""
    target = state.get("target")
    return f"{Event.START}: {target}" if target else state["event"]


async def routed(state: State, context: Context | None, services: Services) -> dict[str, Any]:
    """Return the update that decides who serves the turn of `state`; nothing is run."""
    moment, onward = moment_of(state, services)
    allowed, masked = mask_agents(
        services.cards(),
        caller=services.caller(context, spent=spent_usd(state)),
        moment=moment,
        runnable=services.runnable(),
        allowed_hand_overs=onward,
    )
    turn = Turn(
        phase=moment.phase,
        holder=moment.holder if not moment.tried else None,
        may_ask=moment.phase != Phase.AWAITING_CHOICE,
    )
    asked_for = state["outcome"].get("to")
    ranked: _Ranking = []
    prediction, fault = None, None
    if moment.handed_by and asked_for in allowed:
        reason = f"{moment.handed_by} handed over to it"
        decision = Decision(event=Event.SWITCH, agent=asked_for, p_fit=1.0, reason=reason)
    else:
        request = state["request"]
        decision, ranked, prediction, fault = await _decided(request, allowed, turn, services)
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
    event, target, choice = decision.event, None, None
    if event in (Event.START, Event.SWITCH, Event.STAY):
        target = decision.agent
    elif event == Event.CLARIFY:
        choice = {"request": state["request"], "options": list(decision.others)}
    else:
        record = choose_models(record, state, context, services, prediction=prediction)
        event = Event.NONE if record["models"]["order"] else Event.REFUSE
    return {"event": event.value, "target": target, "choice": choice, "decision": record}


async def _decided(
    text: str, allowed: list[str], turn: Turn, services: Services
) -> tuple[Decision, _Ranking, Prediction | None, str | None]:
    """Return who takes the turn, the ranked agents, what is expected of the models, and why routing failed."""
    try:
        rank = partial(_rank, text, allowed, services)
        # Embedding takes milliseconds, a thread; ranking a text that was embedded before does not.
        ranked, prediction = rank() if services.knows(text) else await services.in_pool(rank)
        nearness = prediction.nearness if prediction else 0.0
        return decide(ranked, none_similarity=nearness, turn=turn), ranked, prediction, None
    except MomaError as error:
        _log.warning("routing failed: %s", error)
        fault = f"routing failed, so the default model answers: {error}"
    except Exception as error:  # noqa: BLE001 the choice of model fails open, whatever broke; the masks do not
        _log.exception("routing failed")
        fault = f"routing failed, so the default model answers ({type(error).__name__})"
    return Decision(event=Event.NONE, agent=None, p_fit=0.0, reason=fault), [], None, fault


def _rank(text: str, allowed: list[str], services: Services) -> tuple[_Ranking, Prediction | None]:
    router = services.router()
    vector = router.embed(text)
    if not np.isfinite(vector).all():
        raise RoutingError(f"the encoder {router.encoder_name} gave no usable vector")
    return router.rank_agents(vector, allowed), router.predict(vector)
