"""The dialogue as a state machine: phases, events, and the table (phase, event) -> phase.

Pure values; it knows no LangGraph, no agent and no text. The graph's conditional edges are drawn from
`TRANSITIONS`, and `faults` checks the table as a whole.
"""

from collections.abc import Hashable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Phase(StrEnum):
    """Where the dialogue stands between two turns; one node of the graph each."""

    IDLE = "idle"  # nobody holds the floor
    ENGAGED = "engaged"  # an agent served the last turn and holds the floor
    AWAITING_INPUT = "awaiting_input"  # the holder asked something
    AWAITING_APPROVAL = "awaiting_approval"  # the holder wants a yes before it changes something
    AWAITING_CHOICE = "awaiting_choice"  # the router asked which of two agents is meant
    HANDING_OVER = "handing_over"  # an agent gave the turn back; only within a turn
    CLOSED = "closed"  # the user said goodbye; the next message opens the dialogue again


class Event(StrEnum):
    """What moves the machine: the user's turn, the router's decision, or how an agent or a model ended."""

    # the user's turn, named by `observe`
    CONTINUE = "continue"  # it goes on with what the holder asked
    AFFIRM = "affirm"  # yes
    DENY = "deny"  # no
    CHOOSE = "choose"  # it names one of the agents that were offered
    CANCEL = "cancel"  # never mind
    NEW_REQUEST = "new_request"  # it may be for anyone, the holder too
    CLOSE = "close"  # thanks, bye
    # the router's decision
    START = "start"  # an agent takes the floor that nobody held
    SWITCH = "switch"  # another agent takes the floor
    STAY = "stay"  # the holder keeps it
    CLARIFY = "clarify"  # two agents are too close: ask which
    NONE = "none"  # no agent fits: a model answers
    REFUSE = "refuse"  # nothing is allowed to serve this turn
    # how an agent ended
    DONE = "done"
    NEEDS_INPUT = "needs_input"
    NEEDS_APPROVAL = "needs_approval"
    HAND_OVER = "hand_over"
    DECLINED = "declined"
    FAILED = "failed"
    # how a hand-over or a model's answer ended
    ROUTE_AGAIN = "route_again"  # hops are left
    EXHAUSTED = "exhausted"  # none is left: a model answers
    ANSWERED = "answered"  # a model answered and nobody held the floor
    BACK = "back"  # a model answered in mid-dialogue: the floor goes back to its holder
    BACK_WAITING = "back_waiting"  # the same, and the holder's question is still open


TURN_EVENTS = frozenset(
    {
        Event.CONTINUE,
        Event.AFFIRM,
        Event.DENY,
        Event.CHOOSE,
        Event.CANCEL,
        Event.NEW_REQUEST,
        Event.CLOSE,
    }
)
ROUTING_EVENTS = frozenset(
    {Event.START, Event.SWITCH, Event.STAY, Event.CLARIFY, Event.NONE, Event.REFUSE}
)
OUTCOME_EVENTS = frozenset(
    {
        Event.DONE,
        Event.NEEDS_INPUT,
        Event.NEEDS_APPROVAL,
        Event.HAND_OVER,
        Event.DECLINED,
        Event.FAILED,
    }
)
ANSWER_EVENTS = frozenset({Event.ANSWERED, Event.BACK, Event.BACK_WAITING})
GIVING_BACK = frozenset({Event.HAND_OVER, Event.DECLINED, Event.FAILED, Event.ROUTE_AGAIN})
"""What carries a turn on instead of ending it; hops bound them."""

FINAL = frozenset({Phase.CLOSED})
"""Where a dialogue may rest for good; every other phase must be able to reach one."""
RESTING = frozenset(Phase) - {Phase.HANDING_OVER}
"""Where a turn may end."""

_SAME_FROM_ANYWHERE: Mapping[Event, Phase] = {
    Event.CLOSE: Phase.CLOSED,
    Event.START: Phase.ENGAGED,
    Event.SWITCH: Phase.ENGAGED,
    Event.STAY: Phase.ENGAGED,
    Event.CHOOSE: Phase.ENGAGED,
    Event.CLARIFY: Phase.AWAITING_CHOICE,
    Event.REFUSE: Phase.IDLE,
    Event.DONE: Phase.ENGAGED,
    Event.NEEDS_INPUT: Phase.AWAITING_INPUT,
    Event.NEEDS_APPROVAL: Phase.AWAITING_APPROVAL,
    Event.HAND_OVER: Phase.HANDING_OVER,
    Event.DECLINED: Phase.HANDING_OVER,
    Event.FAILED: Phase.HANDING_OVER,
    Event.ROUTE_AGAIN: Phase.HANDING_OVER,
    Event.EXHAUSTED: Phase.IDLE,
    Event.ANSWERED: Phase.IDLE,
    Event.BACK: Phase.ENGAGED,
    Event.BACK_WAITING: Phase.AWAITING_INPUT,
}
_EXCEPTIONS: Mapping[tuple[Phase, Event], Phase] = {
    # "Never mind" to the router's own question ends it; an agent that asked hears it itself.
    (Phase.AWAITING_CHOICE, Event.CANCEL): Phase.CLOSED,
    # An approval that got another message in reply lapses: a later "yes" must not find it.
    (Phase.AWAITING_APPROVAL, Event.NONE): Phase.ENGAGED,
    (Phase.AWAITING_CHOICE, Event.NONE): Phase.IDLE,
    (Phase.HANDING_OVER, Event.NONE): Phase.IDLE,
    (Phase.CLOSED, Event.NONE): Phase.IDLE,
}


def _table() -> dict[tuple[Phase, Event], Phase]:
    table = {}
    for phase in Phase:
        for event in Event:
            always = _SAME_FROM_ANYWHERE.get(event, phase)
            table[phase, event] = _EXCEPTIONS.get((phase, event), always)
    return table


TRANSITIONS: Mapping[tuple[Phase, Event], Phase] = MappingProxyType(_table())


def next_phase(phase: str, event: str) -> Phase:
    """Return the phase that `event` leads to from `phase`.

    Raises:
        ValueError: either is not of the machine; a saved state that was tampered with stops here.
    """
    return TRANSITIONS[Phase(phase), Event(event)]


def destinations(events: Iterable[Event]) -> dict[Hashable, str]:
    """Return the edges that the table draws for `events`, as a `path_map`: event -> phase.

    Raises:
        ValueError: an event leads to different phases from different ones, so that no single edge can stand for it.
    """
    edges: dict[Hashable, str] = {}
    for event in events:
        found = {TRANSITIONS[phase, event] for phase in Phase}
        if len(found) > 1:
            names = ", ".join(sorted(found))
            raise ValueError(f"{event.value} leads to {names}; expected one phase")
        edges[event.value] = found.pop().value
    return edges


def faults(table: Mapping[tuple[Phase, Event], Phase] = TRANSITIONS) -> list[str]:
    """Return what is wrong with `table`; an empty list means it is total, reachable, and can end."""
    every = [(phase, event) for phase in Phase for event in Event]
    found = [f"({p}, {e}) is not defined" for p, e in every if table.get((p, e)) not in set(Phase)]
    if found:
        return found
    found += [f"{p} is never reached" for p in Phase if p not in _reachable(Phase.IDLE, table)]
    for phase in Phase:
        if phase not in FINAL and not FINAL & _reachable(phase, table):
            found.append(f"{phase} can never end")
    # Within a turn only a hand-over leads on to more routing, and hops bound it: every other event rests.
    for phase, event in every:
        reads_turn = phase not in RESTING and event in TURN_EVENTS  # no turn begins there
        if event not in GIVING_BACK and not reads_turn and table[phase, event] not in RESTING:
            found.append(f"({phase}, {event}) does not let the turn end")
    return found


def _reachable(start: Phase, table: Mapping[tuple[Phase, Event], Phase]) -> set[Phase]:
    seen, todo = {start}, [start]
    while todo:
        phase = todo.pop()
        for event in Event:
            after = table[phase, event]
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen
