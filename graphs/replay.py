"""Routes recorded conversations on the router's own previous choices, as the live graph would.

No agent runs: what the assistant said in the record stands for the agent's outcome, so a question leaves its holder
waiting for input. It knows no labels.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.machine import Event, Phase, next_phase
from graphs.routing.chooser import Choice, Chooser
from graphs.routing.dialogue import Dialogue
from graphs.turn import chosen, name_event

__all__ = ["Step", "replay"]

RANKED = 5
_DECISIONS = {
    Event.START: "start",
    Event.SWITCH: "switch",
    Event.STAY: "stay",
    Event.CLARIFY: "ask",
    Event.NONE: "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The decision on one turn."""

    agent: str | None
    """On `ask` the likeliest."""
    decision: str
    ranked: tuple[tuple[str, float], ...]
    p_none: float
    phase: str
    event: str
    """What the user's turn was, in the phase in which it began."""
    reason: str
    others: tuple[str, ...] = ()
    """On `ask` the agents that are offered."""
    ms: float

    def plain(self) -> dict[str, Any]:
        """Return the step as a line of the command's output holds it."""
        return {
            "agent": self.agent,
            "decision": self.decision,
            "ranked": [[i, round(p, 6)] for i, p in self.ranked],
            "p_none": round(self.p_none, 6),
            "phase": self.phase,
            "event": self.event,
            "reason": self.reason,
            "ms": round(self.ms, 3),
        }


@dataclass(slots=True)
class _Place:
    """Where the conversation stands."""

    dialogue: Dialogue
    phase: Phase = Phase.IDLE

    @property
    def holder(self) -> str | None:
        return None if self.phase in (Phase.IDLE, Phase.CLOSED) else self.dialogue.holder


def replay(
    turns: Iterable[tuple[str, str]], chooser: Chooser, *, titles: Mapping[str, str]
) -> Iterator[Step]:
    """Yield the decision on each turn.

    Args:
        turns: what the user wrote and what was answered.
        chooser: decides.
        titles: the agents' names by id, by which a user can choose after a question.
    """
    place = _Place(Dialogue())
    for user, said in turns:
        began = time.perf_counter()
        offered = [(i, titles[i]) for i in place.dialogue.asked if i in titles]
        step = _decided(user, place, chooser, offered)
        yield Step(**{**step, "ms": 1e3 * (time.perf_counter() - began)})
        place = _after(place, user, said, step)
        chooser.hear(place.dialogue)


def _decided(
    user: str, place: _Place, chooser: Chooser, offered: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    holder, away = place.holder, place.dialogue.away > 0
    event = name_event(user, phase=place.phase, holder=holder, offered=offered, away=away)
    if event == Event.CLOSE:
        reason = "the dialogue is closed"
        kept = "stay" if place.dialogue.holder else "none"
        return _settled(event, place.dialogue.holder, decision=kept, reason=reason, place=place)
    if event != Event.NEW_REQUEST and holder is not None:
        return _settled(
            event, holder, decision="stay", reason=f"{holder} goes on: {event.value}", place=place
        )
    if (named := _named(user, place.dialogue, offered)) is not None:
        reason = f"the user chose {named}"
        started = "stay" if named == place.dialogue.holder else "switch"
        return _settled(Event.CHOOSE, named, decision=started, reason=reason, place=place)
    choice = chooser.choose(user, place.dialogue, may_ask=not place.dialogue.asked)
    return _chosen(event, choice, place)


def _named(user: str, dialogue: Dialogue, offered: Sequence[tuple[str, str]]) -> str | None:
    """Return whom the user chose, if the record shows that the question was put."""
    put = all(title.casefold() in dialogue.said.casefold() for _, title in offered)
    return chosen(user, offered) if offered and put else None


def _settled(
    event: Event, agent: str | None, *, decision: str, reason: str, place: _Place
) -> dict[str, Any]:
    """Return a step that the event alone decides."""
    return {
        "agent": agent,
        "decision": decision,
        "ranked": ((agent, 1.0),) if agent else (),
        "p_none": 0.0 if agent else 1.0,
        "phase": next_phase(place.phase, event).value,
        "event": event.value,
        "reason": reason,
    }


def _chosen(event: Event, choice: Choice, place: _Place) -> dict[str, Any]:
    decision = choice.decision
    return {
        "agent": decision.agent,
        "decision": _DECISIONS[decision.event],
        "ranked": choice.odds.agents[:RANKED],
        "p_none": choice.odds.none,
        "phase": next_phase(place.phase, decision.event).value,
        "event": event.value,
        "reason": decision.reason,
        "others": decision.others,
    }


def _after(place: _Place, user: str, said: str, step: Mapping[str, Any]) -> _Place:
    dialogue = place.dialogue.after(
        user, agent=step["agent"], said=said, asked=tuple(step.get("others", ()))
    )
    if step["event"] == Event.CLOSE:
        return _Place(dialogue, Phase.CLOSED)
    if step["agent"] is None:  # a model answered, and the floor goes back to its holder
        return _Place(dialogue, place.phase if place.holder else Phase.IDLE)
    return _Place(dialogue, Phase.AWAITING_INPUT if "?" in said else Phase.ENGAGED)
