"""Lets the chosen model answer, and gives the floor back to the agent that held it."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langgraph.runtime import Runtime

from agents.errors import ProviderError
from graphs import record as records
from graphs.call import instructions_of, options_of, without_tools
from graphs.floor import question_stands
from graphs.gateway.chat_model import GatewayChatModel
from graphs.inferred import words_of_checks
from graphs.machine import Event
from graphs.nodes.checked_turn import checked_turn, kept, no_answer
from graphs.nodes.models import choose_models, still_open, typical_costs
from graphs.nodes.plugins import call_under, fixed_answer
from graphs.nodes.turn_model import turn_model
from graphs.permits import judged_by, with_policy
from graphs.results import results_here
from graphs.services import Services
from graphs.state import Context, State
from graphs.tracing import step

Answer = Callable[[State, Runtime[Context]], Awaitable[dict[str, Any]]]
_SYSTEM = (
    "You are a helpful assistant. Answer briefly and in the user's language. Today is {today}."
)
_GIVEN_BACK = " Nothing was changed or looked up for this message: never say that something was."
"""Where an agent has given the turn back: what agents did before stands in the dialogue as the assistant's own."""


def answer(services: Services) -> Answer:
    """Return the node."""

    async def node(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        # The order stands in the thread, which another process under another policy may have written.
        state = await with_policy(state, runtime.context, services.permits)
        record = state["decision"]
        results = results_here("answer")
        if results is None or results.resumed:
            record = await services.with_books(still_open, record, state, runtime.context, services)
        if record["models"] is None:  # the hops were used up before routing came to the models
            record = await services.with_books(
                choose_models, record, state, runtime.context, services, prediction=None
            )
        judged = judged_by(services.permits, state, runtime.context)
        order = record["models"]["order"]
        model = await turn_model(order, state, runtime.context, services, results=results)
        call = call_under(judged, runtime.context.call if runtime.context else {})
        if not any("tools" in services.gateway.models[name].abilities for name in model.order):
            call = without_tools(call)  # they are only offered, or no such model may answer
        fixed = fixed_answer(judged)
        today = services.moment(record).strftime("%A %d %B %Y")
        prompt = _prompt(call, state["messages"], today=today, given_back=bool(state["tried"]))
        # A rule that lists models, and the results of tools, leave no choice of who answers.
        settled = bool(judged and judged.permit.order) or state["messages"][-1].type == "tool"
        if fixed is None and services.checked(runtime.context) and not settled:
            said = await checked_turn(
                state, record, model, prompt, call, services=services, runtime=runtime
            )
            record = {**record, "checked": said.account}
            message, error = said.message, said.error
        else:
            with step("answer"):
                message, error = await _answered(model, prompt, call, fixed)
        record = records.with_calls(record, model.ledger.calls)
        served = message.response_metadata.get("model_name")
        if fixed is not None:
            record = {**record, "served_by": {"kind": "router", "id": "policy"}}
        if served:
            record = {**record, "served_by": {"kind": "model", "id": served}}
            if record.get("checked") is None:  # a cascade goes to another model on purpose
                costs = typical_costs(services, services.gateway.models)
                record = records.with_step(record, served=served, costs_usd=costs)
        if services.feedback is not None and record.get("checked") is not None:
            services.feedback.add_soon(words_of_checks(record))
        event, holder = _floor(state)
        if results is not None:
            await results.settle()
        return {
            "messages": [message],
            "event": event.value,
            "active_agent": holder,
            "decision": {**record, "error": error},
        }

    return node


def _prompt(
    call: Mapping[str, Any], messages: list[Any], *, today: str, given_back: bool
) -> list[BaseMessage]:
    own = _SYSTEM.format(today=today) + (_GIVEN_BACK if given_back else "")
    instructions = instructions_of(call) or own
    return [SystemMessage(instructions), *messages]


async def _answered(
    model: GatewayChatModel, prompt: list[BaseMessage], call: Mapping[str, Any], fixed: str | None
) -> tuple[AIMessage, str | None]:
    """Return the model's answer, or a message that says why there is none, and the error."""
    if fixed is not None:
        return AIMessage(fixed, id=f"run-{uuid.uuid4()}"), None
    try:
        # Whoever reads the stream of messages gets it word by word.
        said = await model.answer(prompt, **options_of(call))
    except ProviderError as error:
        return no_answer(error), str(error)
    return kept(said), None


def _floor(state: State) -> tuple[Event, str | None]:
    """Return how the answer ends: with the floor back to its holder, if one held it and did not give it up."""
    floor = state.get("floor")
    if floor and question_stands(state):
        return Event.BACK_WAITING, floor["agent"]
    if not floor or floor["agent"] in state["tried"]:
        return Event.ANSWERED, None
    return Event.BACK, floor["agent"]
