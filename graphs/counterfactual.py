"""Decides a turn that was served already once more, under another configuration or policy, and compares.

No agent and no model is called. A turn is decided from the state in which it really began, so each is compared by
itself: what another choice would have made of the rest of the dialogue nobody can know. What the other choice would
have cost and how good it would have been are predictions, and both sides are predicted by the new configuration.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import HumanMessage

from agents.errors import MomaError
from graphs.dry_run import dry_run
from graphs.machine import Event
from graphs.nodes.models import predicted_costs
from graphs.services import Services
from graphs.state import Context, State

__all__ = ["Compared", "Served", "compared", "first_choice", "reconsider"]


@dataclass(frozen=True, slots=True)
class Served:
    """Whom a turn goes to."""

    kind: str
    """`agent`, `model` or `router`."""
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One turn, as it was decided and as it would be."""

    decision: str
    """The id of its record."""
    thread: str | None
    turn: int
    then: Served
    now: Served
    reason: str
    """Why it would be that one."""
    spent_usd: float | None
    """What the turn really cost; None if a price was not known."""
    then_usd: float | None = None
    """The predicted price of the model of then; None where that was no model, or its price is not known."""
    now_usd: float | None = None
    then_quality: float | None = None
    now_quality: float | None = None

    @property
    def change(self) -> str:
        """What kind of change it is, `same` if it is none."""
        if self.then == self.now:
            return "same"
        if self.then.kind == self.now.kind == "router":
            return f"{self.then.id} to {self.now.id}"
        if self.then.kind == self.now.kind:
            return f"another {self.now.kind}"
        return f"{_named(self.then)} to {_named(self.now)}"

    def plain(self) -> dict[str, Any]:
        """Return the comparison JSON-plain; it holds no text of the user's."""
        return {
            "decision": self.decision,
            "thread": self.thread,
            "turn": self.turn,
            "change": self.change,
            "then": {"kind": self.then.kind, "id": self.then.id},
            "now": {"kind": self.now.kind, "id": self.now.id},
            "reason": self.reason,
            "spent_usd": self.spent_usd,
            "then_usd": self.then_usd,
            "now_usd": self.now_usd,
            "then_quality": self.then_quality,
            "now_quality": self.now_quality,
        }


def first_choice(record: Mapping[str, Any]) -> Served:
    """Return whom a turn was given to first, whoever served it in the end."""
    agents, models = record["agents"], record["models"] or {}
    # The holder went on, and may have declined.
    if record["event"] != Event.NEW_REQUEST and record["runs"]:
        return Served("agent", record["runs"][0]["agent"])
    decided = (agents.get("earlier") or [agents])[0]
    if decided["decision"] == Event.CLARIFY:
        return Served("router", "clarify")
    if decided["agent"]:
        return Served("agent", decided["agent"])
    if models:
        chosen = models["chosen"]
        return Served("model", chosen) if chosen else Served("router", "refuse")
    served = record["served_by"] or {}
    return Served(served.get("kind") or "router", served.get("id") or "closed")


async def reconsider(
    record: Mapping[str, Any],
    text: str,
    services: Services,
    *,
    values: Mapping[str, Any],
    context: Context | None = None,
) -> Compared:
    """Return a turn that was served beside what would be decided of it now.

    Args:
        record: its decision record.
        text: what the user wrote.
        services: the agents, models and routers of now.
        values: the thread's state when the turn began.
        context: who would be calling.

    Raises:
        InputError: the text is empty or too long.
    """
    again = await dry_run(text, services, values=values, context=context)
    messages = [*values.get("messages", ()), HumanMessage(text)]
    return compared(record, again, {"request": text, "messages": messages}, services)


def compared(
    record: Mapping[str, Any],
    again: Mapping[str, Any],
    state: Mapping[str, Any],
    services: Services,
) -> Compared:
    """Return two decisions on one turn, side by side.

    Args:
        record: as it was decided.
        again: as it would be.
        state: of the turn, with its request and messages.
        services: those that would decide it, and predict both sides.
    """
    then, now = first_choice(record), first_choice(again)
    quality, cost = _predicted({then, now}, state, services)
    return Compared(
        decision=record["id"],
        thread=record["thread"],
        turn=record["turn"],
        then=then,
        now=now,
        reason=(again["models"] or again["agents"])["reason"],
        spent_usd=record["cost_usd"],
        then_usd=cost.get(then),
        now_usd=cost.get(now),
        then_quality=quality.get(then),
        now_quality=quality.get(now),
    )


def _predicted(
    served: Collection[Served], state: Mapping[str, Any], services: Services
) -> tuple[Mapping[Served, float], Mapping[Served, float | None]]:
    """Return the predicted quality and price of each model, nothing where there is nothing to predict from."""
    models = [s.id for s in served if s.kind == "model" and s.id in services.gateway.models]
    try:
        prediction = services.router().predict(state["request"]) if models else None
    except MomaError:
        prediction = None
    if prediction is None:
        return {}, {}
    quality, costs = (
        prediction.quality,
        predicted_costs(models, cast(State, state), prediction, services),
    )
    return (
        {Served("model", m): round(quality[m], 4) for m in models if m in quality},
        {Served("model", m): cost for m, cost in costs.items()},
    )


def _named(served: Served) -> str:
    return served.id if served.kind == "router" else served.kind
