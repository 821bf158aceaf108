"""The transition table as a whole, and that the check finds what is broken in other tables."""

from typing import Any

import pytest

from graphs.machine import (
    ANSWER_EVENTS,
    FINAL,
    OUTCOME_EVENTS,
    RESTING,
    ROUTING_EVENTS,
    TRANSITIONS,
    TURN_EVENTS,
    Event,
    Phase,
    destinations,
    faults,
    next_phase,
)

Key = tuple[Phase, Event]


def to(phase: Phase, *, only: set[Event] | None = None, at: set[Phase] | None = None) -> Any:
    """Return the real table, changed to lead to `phase` at these events and phases."""
    return {
        (p, e): phase if (only is None or e in only) and (at is None or p in at) else after
        for (p, e), after in TRANSITIONS.items()
    }


def test_the_table_has_no_faults() -> None:
    assert faults() == []


def test_every_phase_has_an_answer_to_every_event() -> None:
    assert set(TRANSITIONS) == {(p, e) for p in Phase for e in Event}
    assert {next_phase(p.value, e.value) for p in Phase for e in Event} == set(Phase)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[Phase.IDLE, Event.DONE] = Phase.CLOSED  # type: ignore[index]


def test_every_event_is_of_one_kind() -> None:
    kinds = [TURN_EVENTS, ROUTING_EVENTS, OUTCOME_EVENTS, ANSWER_EVENTS]
    kinds.append(frozenset({Event.ROUTE_AGAIN, Event.EXHAUSTED}))
    assert sorted(e for kind in kinds for e in kind) == sorted(Event)


@pytest.mark.parametrize(
    ("phase", "event", "after"),
    [
        (Phase.IDLE, Event.START, Phase.ENGAGED),
        (Phase.IDLE, Event.REFUSE, Phase.IDLE),
        (Phase.ENGAGED, Event.CONTINUE, Phase.ENGAGED),
        (Phase.ENGAGED, Event.NEEDS_APPROVAL, Phase.AWAITING_APPROVAL),
        (Phase.ENGAGED, Event.CLOSE, Phase.CLOSED),
        (Phase.AWAITING_INPUT, Event.CANCEL, Phase.AWAITING_INPUT),
        (Phase.AWAITING_INPUT, Event.BACK_WAITING, Phase.AWAITING_INPUT),
        (Phase.AWAITING_APPROVAL, Event.NONE, Phase.ENGAGED),
        (Phase.AWAITING_CHOICE, Event.CHOOSE, Phase.ENGAGED),
        (Phase.AWAITING_CHOICE, Event.CANCEL, Phase.CLOSED),
        (Phase.AWAITING_CHOICE, Event.NONE, Phase.IDLE),
        (Phase.HANDING_OVER, Event.EXHAUSTED, Phase.IDLE),
        (Phase.CLOSED, Event.START, Phase.ENGAGED),
    ],
)
def test_a_transition_leads_where_the_dialogue_goes(
    phase: Phase, event: Event, after: Phase
) -> None:
    assert next_phase(phase, event) == after


@pytest.mark.parametrize(
    ("phase", "event"), [("nowhere", "done"), ("idle", "nothing"), ("", ""), ("IDLE", "DONE")]
)
def test_a_phase_or_event_that_is_none_is_refused(phase: str, event: str) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        next_phase(phase, event)


def test_an_edge_is_drawn_for_each_event() -> None:
    assert destinations([Event.DONE, Event.CLOSE]) == {"done": "engaged", "close": "closed"}


def test_an_event_that_leads_to_several_phases_is_no_edge() -> None:
    with pytest.raises(ValueError, match=r"none leads to .*engaged.*; expected one phase"):
        destinations([Event.NONE])


def test_a_missing_row_is_found() -> None:
    broken = {k: v for k, v in TRANSITIONS.items() if k != (Phase.IDLE, Event.CLOSE)}
    assert faults(broken) == ["(idle, close) is not defined"]


def test_a_row_that_leads_out_of_the_machine_is_found() -> None:
    broken: Any = {**TRANSITIONS, (Phase.IDLE, Event.CLOSE): "nowhere"}
    assert faults(broken) == ["(idle, close) is not defined"]


def test_a_phase_that_nothing_leads_to_is_found() -> None:
    broken = {k: Phase.IDLE if a == Phase.AWAITING_CHOICE else a for k, a in TRANSITIONS.items()}
    assert faults(broken) == ["awaiting_choice is never reached"]


def test_a_phase_that_cannot_end_is_found() -> None:
    broken = to(Phase.AWAITING_INPUT, at={Phase.AWAITING_INPUT})
    assert "awaiting_input can never end" in faults(broken)


@pytest.mark.parametrize(
    "event",
    sorted(set(Event) - {Event.HAND_OVER, Event.DECLINED, Event.FAILED, Event.ROUTE_AGAIN}),
)
def test_an_event_that_keeps_the_turn_running_is_found(event: Event) -> None:
    found = faults(to(Phase.HANDING_OVER, only={event}))
    assert f"(idle, {event}) does not let the turn end" in found


def test_only_closed_is_final_and_only_a_hand_over_does_not_rest() -> None:
    assert {Phase.CLOSED} == FINAL
    assert set(Phase) - RESTING == {Phase.HANDING_OVER}
