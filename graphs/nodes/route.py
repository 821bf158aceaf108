"""Masks the agents, ranks those that are left, decides; where none fits, chooses the model."""

import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.runtime import Runtime

from agents.contract import OutcomeEvent
from agents.errors import MomaError
from graphs import record as records
from graphs.guard import moment_of
from graphs.machine import Event, Phase
from graphs.masks import Moment, Refusal
from graphs.nodes.listen import listen
from graphs.nodes.models import choose_models, go_on_with, left_of
from graphs.nodes.plugins import fixed_answer
from graphs.nodes.tie_break import tie_break
from graphs.permits import judged_by
from graphs.routing.chooser import Choice
from graphs.routing.decision import Decision, Odds
from graphs.routing.dialogue import Dialogue
from graphs.routing.follow_up import FARTHEST, in_context
from graphs.routing.quality import Prediction
from graphs.services import Services
from graphs.state import Context, Led, State
from graphs.tracing import step
from graphs.turn import text_of

Route = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]
_NO_ODDS = Odds(agents=(), none=1.0)
_CONSIDERED = 5
"""Agents that the record shows."""
SHARE_FOR_LOADING = 0.5
"""How much of the turn's remaining time it waits for routers that still load, so that a model can still answer."""
_log = logging.getLogger(__name__)


def route(services: Services) -> Route:
    """Return the node."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        began = time.perf_counter()
        with step("route"):
            update = await routed(state, runtime.context, services)
            await listen(state, runtime.context, services)
        if services.shadow is not None and not state["outcome"]:  # not what an agent gave back
            services.shadow.watch(state, runtime.context, update["decision"])
        record = records.with_time(update["decision"], "route", 1e3 * (time.perf_counter() - began))
        runtime.stream_writer({"type": "route", "record": record})
        return {**update, "decision": record}

    return node


def after_route(led: Led) -> str:
    """Return the edge that leaves `route`: its event, with the agent where one runs."""
    target = led.get("target")
    return f"{Event.START}: {target}" if target else led["event"]


async def routed(
    state: State, context: Context | None, services: Services, *, may_call: bool = True
) -> dict[str, Any]:
    """Return the update that decides who serves the turn of `state`; nothing is run.

    Args:
        state: of the thread.
        context: who is calling.
        services: the agents, routers and models.
        may_call: whether a model may be asked to break a tie.
    """
    if isinstance(state["messages"][-1], ToolMessage):
        return await _tool_results(state, context, services)
    moment, onward = moment_of(state, services)
    left = await services.with_books(left_of, state, context, services)
    allowed, masked = services.masks().mask(
        caller=services.caller(context, left, state), moment=moment, allowed_hand_overs=onward
    )
    rest = _rest(state)
    if rest and state["outcome"].get("event") == OutcomeEvent.DONE:
        return _next_part(rest, allowed, masked, state)
    choice, record, prediction, fault = await _decided(
        state, context, services, moment, allowed, may_call=may_call
    )
    decision = choice.decision
    record = records.with_agents(
        record,
        decision=decision.event,
        agent=decision.agent,
        reason=decision.reason,
        considered=choice.odds.agents[:_CONSIDERED],
        masked=masked,
        p_fit=decision.p_fit,
    )
    if fault:
        record = {**record, "degraded": fault}
    event, target, question = decision.event, None, None
    request = state["request"]
    rest = rest if event == Event.STAY else []
    if choice.several:
        (target, request), *others = choice.several
        rest = [{"agent": agent, "request": part} for agent, part in others]
        event = _taken_by(target, moment.holder)
        names = " and then ".join(agent for agent, _ in choice.several)
        # What was decided of the whole text, and how probable that is, says nothing of its parts.
        told = {"decision": event.value, "agent": target, "p_fit": None}
        record["agents"] = {**record["agents"], **told, "reason": f"it names {names}"}
    elif event in (Event.START, Event.SWITCH, Event.STAY):
        target = decision.agent
    elif event == Event.CLARIFY:
        question = {"request": state["request"], "options": list(decision.others)}
    else:
        record = await services.with_books(
            choose_models, record, state, context, services, prediction=prediction
        )
        answered = record["models"]["order"] or fixed_answer(
            judged_by(services.permits, state, context)
        )
        event = Event.NONE if answered else Event.REFUSE
    return {
        "event": event.value,
        "target": target,
        "choice": question,
        "request": request,
        "rest": rest,
        "decision": record,
    }


async def _decided(
    state: State,
    context: Context | None,
    services: Services,
    moment: Moment,
    allowed: Collection[str],
    *,
    may_call: bool,
) -> tuple[Choice, dict[str, Any], Prediction | None, str | None]:
    """Return who takes the turn, its record, what is expected of the models, and why routing failed.

    It is whom an agent handed over to, else whom the caller asked for alone, else whom the router chooses.
    """
    record, asked_for = state["decision"], state["outcome"].get("to")
    if moment.handed_by and asked_for in allowed:
        reason = f"{moment.handed_by} handed over to it"
        decision = Decision(event=Event.SWITCH, agent=asked_for, p_fit=1.0, reason=reason)
        return Choice(decision=decision, odds=_NO_ODDS), record, None, None
    choice, prediction, fault = await _chosen(state, allowed, services)
    if not fault and (sole := _asked_for(context, allowed, services)):
        choice = replace(choice, decision=_sole(sole, moment.holder), several=())
    tied = choice.decision.event == Event.CLARIFY and not choice.several
    if tied and services.options.tie_break and may_call:
        likeliest = [agent for agent, _ in choice.odds.agents[:_CONSIDERED]]
        decision, record = await tie_break(choice.decision, likeliest, state, context, services)
        choice = replace(choice, decision=decision)
    return choice, record, prediction, fault


def _asked_for(context: Context | None, allowed: Collection[str], services: Services) -> str | None:
    """Return the one agent that the caller lets serve, where no model may: there is nothing to choose."""
    include = context.include if context else ()
    sole = len(include) == 1 and include[0] in allowed
    return include[0] if sole and include[0] not in services.gateway.models else None


def _sole(agent: str, holder: str | None) -> Decision:
    """Return the decision for the one agent that the caller lets serve."""
    reason = "the caller asked for it alone"
    return Decision(event=_taken_by(agent, holder), agent=agent, p_fit=1.0, reason=reason)


def _taken_by(agent: str, holder: str | None) -> Event:
    """Return the event by which an agent takes the turn."""
    return Event.START if holder is None else Event.STAY if holder == agent else Event.SWITCH


async def _tool_results(
    state: State, context: Context | None, services: Services
) -> dict[str, Any]:
    """Return the update that gives the results of the caller's tools to the model that asked for them."""
    asked = (m for m in reversed(state["messages"]) if isinstance(m, AIMessage) and m.tool_calls)
    asker = next(asked, None)
    model = asker.response_metadata.get("model_name") if asker else None
    record = records.with_agents(
        state["decision"],
        decision=Event.NONE,
        agent=None,
        reason="the results of the caller's tools are for the model that asked for them",
    )
    record = await services.with_books(go_on_with, model, record, state, context, services)
    event = Event.NONE if record["models"]["order"] else Event.REFUSE
    return {"event": event.value, "target": None, "choice": None, "rest": [], "decision": record}


def _rest(state: State) -> list[dict[str, str]]:
    """Return what is left of a request; what is not as this module writes it is dropped."""
    left = state.get("rest")
    parts = left if isinstance(left, list) else []
    well_formed = all(
        isinstance(part, dict) and all(isinstance(part.get(k), str) for k in ("agent", "request"))
        for part in parts
    )
    return parts if well_formed else []


def _next_part(
    rest: list[dict[str, str]], allowed: Collection[str], masked: list[Refusal], state: State
) -> dict[str, Any]:
    """Return the update that gives the next part of a request to its agent, if it may serve it."""
    part, *left = rest
    agent = part["agent"] if part["agent"] in allowed else None
    reason = f"the request names {part['agent']} too" + ("" if agent else ", which may not serve")
    record = records.with_agents(
        state["decision"],
        decision=Event.SWITCH if agent else Event.NONE,
        agent=agent,
        reason=reason,
        masked=masked,
        p_fit=None,
    )
    return {
        "event": (Event.SWITCH if agent else Event.NONE).value,
        "target": agent,
        "choice": None,
        "request": part["request"] if agent else state["request"],
        "rest": left if agent else [],
        "decision": record,
    }


async def _chosen(
    state: State, allowed: Collection[str], services: Services
) -> tuple[Choice, Prediction | None, str | None]:
    """Return who takes the turn, what is expected of the models, and why routing failed."""
    text, dialogue = state["request"], Dialogue.from_plain(state.get("dialogue"))
    may_ask = state.get("phase") != Phase.AWAITING_CHOICE
    try:
        left = services.deadline(state["decision"]["id"]) - time.monotonic()
        router = await services.loaded_router(seconds=SHARE_FOR_LOADING * left)
        choose = partial(router.choose_agent, text, dialogue, allowed=allowed, may_ask=may_ask)
        # Embedding takes milliseconds, a thread. What is left is quicker without one, which would fight for the
        # interpreter with those of the turns that were embedded with this one.
        if not router.knows(text, dialogue):
            router.expect(text, dialogue)
            if router.quick:  # else its words are read in a thread, with the rest
                router.skim(text, dialogue)
            await services.ahead.foreseen(text)
            if not router.knows(text, dialogue):
                await services.in_pool(partial(router.read, text, dialogue))
        quick = router.quick
        choice = choose() if quick else await services.in_pool(choose)
        # Where no agent fits a model answers, and "why?" asks it of what was said before.
        alone = choice.decision.event != Event.NONE
        whole = text if alone else in_context(text, _said_before(state))
        predict = partial(router.predict, whole)
        # What it goes on with was embedded turns ago and is so anew, which would hold up the loop.
        prediction = predict() if quick and whole == text else await services.in_pool(predict)
        services.is_news(None)
        return choice, prediction, None
    except MomaError as error:
        fault, unexpected = f"routing failed, so the default model answers: {error}", False
    except Exception as error:  # noqa: BLE001 the choice of model fails open, whatever broke; the masks do not
        kind = type(error).__name__
        fault, unexpected = f"routing failed, so the default model answers ({kind})", True
    if services.is_news(fault):
        _log.warning("%s", fault, exc_info=unexpected)
    decision = Decision(event=Event.NONE, agent=None, p_fit=0.0, reason=fault)
    return Choice(decision=decision, odds=_NO_ODDS), None, fault


def _said_before(state: State) -> list[str]:
    """Return the user's earlier messages, the newest last."""
    said = [m for m in state["messages"][:-1] if isinstance(m, HumanMessage)]
    return [text_of(m.content) for m in said[-FARTHEST:]]
