"""The two nodes that answer for the router itself: which agent is meant, and why nothing may serve."""

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.messages import AIMessage

from graphs.machine import Event
from graphs.services import Services
from graphs.state import State

Ask = Callable[[State], Awaitable[dict[str, Any]]]


def clarify(services: Services) -> Ask:
    """Return the node that asks which of the agents is meant."""

    async def node(state: State) -> dict[str, Any]:
        agents = services.registry.agents
        options = (state.get("choice") or {}).get("options", [])
        lines = [
            f"{place}. **{agents[i].card.title}**: {agents[i].card.description}"
            for place, i in enumerate(options, 1)
            if i in agents
        ]
        text = "Which one do you mean?\n\n" + "\n".join(lines)
        record = {**state["decision"], "served_by": {"kind": "router", "id": "clarify"}}
        return {"messages": [AIMessage(text)], "decision": record}

    return node


async def refuse(state: State) -> dict[str, Any]:
    """Say that nothing may serve this turn, and why not."""
    record = state["decision"]
    masked = [*record["agents"]["masked"], *((record["models"] or {}).get("masked") or ())]
    lines = [f"- `{m['candidate']}`: {m['reason']}" for m in masked]
    text = (
        "\n".join(["Nothing may serve this message:", "", *lines])
        if lines
        else ("Nothing may serve this message: the catalogue has no agent that fits and no model.")
    )
    record = {**record, "served_by": {"kind": "router", "id": "refuse"}}
    return {"messages": [AIMessage(text)], "decision": record}


def farewell(event: str) -> str:
    """Return what the closing phase says."""
    dropped = event in (Event.CANCEL, Event.DENY)
    return (
        "All right, I've dropped it."
        if dropped
        else "You're welcome. Write when you need me again."
    )
