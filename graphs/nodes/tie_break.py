"""Lets a model say which of a few agents is meant, where the router would have to ask. Off unless it is switched on.

The names that the model may write are the enum of its structured output, and only agents that every mask let through
are in it; what comes back is checked against them again. If it says none of them, or fails, the router asks.
"""

import logging
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.constants import TAG_NOSTREAM

from agents.errors import MomaError
from graphs import record as records
from graphs.machine import Event
from graphs.nodes.models import order_models
from graphs.nodes.turn_model import turn_model
from graphs.results import results_here
from graphs.routing.decision import Decision
from graphs.services import Services
from graphs.state import Context, State

__all__ = ["schema_of", "tie_break"]

UNSURE = "unsure"
LONGEST_REQUEST = 2_000
_SYSTEM = (
    "Decide which agent the user's request is meant for. Answer with its id, or with "
    f"'{UNSURE}' if the request fits more than one equally well or none.\n\nAgents:\n"
)
_log = logging.getLogger(__name__)


def schema_of(candidates: Sequence[str]) -> dict[str, Any]:
    """Return the schema of an answer that can name nothing but the candidates."""
    return {
        "title": "agent",
        "type": "object",
        "properties": {"agent": {"type": "string", "enum": [*candidates, UNSURE]}},
        "required": ["agent"],
        "additionalProperties": False,
    }


async def tie_break(
    decision: Decision,
    candidates: Sequence[str],
    state: State,
    context: Context | None,
    services: Services,
) -> tuple[Decision, dict[str, Any]]:
    """Return the decision and the record after a model was asked which of `candidates` is meant.

    Args:
        decision: the question that the router would ask.
        candidates: the agents that every mask let through, the likeliest first.
        state: of the turn; its record gets the call and its cost.
        context: who is calling.
        services: the agents and the gateway.
    """
    record = state["decision"]
    order = await services.with_books(order_models, state, context, services)
    if not order or not candidates:
        return decision, record
    model = await turn_model(order, state, context, services, results=results_here())
    cards = services.cards()
    listed = "\n".join(f"- {i}: {cards[i].description}" for i in candidates)
    messages = [SystemMessage(_SYSTEM + listed), HumanMessage(state["request"][:LONGEST_REQUEST])]
    try:
        asking = model.with_structured_output(schema_of(candidates))
        answer = await asking.ainvoke(messages, {"tags": [TAG_NOSTREAM]})
    except (MomaError, ValueError) as error:  # no answer, or one that is no JSON
        _log.warning("the tie-break failed: %s", error)
        answer = None
    calls = model.ledger.calls
    record = records.with_calls(record, calls)
    named = answer.get("agent") if isinstance(answer, dict) else None
    if named not in candidates:  # a provider that does not hold to the schema is not believed
        return decision, record
    event = Event.STAY if named == state.get("active_agent") else Event.SWITCH
    asked = next((call["model"] for call in reversed(calls) if call["ok"]), order[0])
    reason = f"{decision.reason}; asked, {asked} said {named}"
    return Decision(event=event, agent=named, p_fit=decision.p_fit, reason=reason), record
