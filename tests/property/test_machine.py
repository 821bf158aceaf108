"""The machine under any sequence of events, and its check under any single change of the table."""

from hypothesis import given
from hypothesis import strategies as st

from graphs.machine import GIVING_BACK, RESTING, TRANSITIONS, Event, Phase, faults, next_phase

EVENTS = st.lists(st.sampled_from(Event), max_size=60)


@given(EVENTS)
def test_any_dialogue_stays_in_the_machine_and_can_be_closed(events: list[Event]) -> None:
    phase = Phase.IDLE
    for event in events:
        phase = next_phase(phase, event)
        assert phase in RESTING or event in GIVING_BACK or phase == Phase.HANDING_OVER
    assert next_phase(phase, Event.CLOSE) == Phase.CLOSED


@given(st.sampled_from(sorted(TRANSITIONS)))
def test_any_missing_row_is_named(key: tuple[Phase, Event]) -> None:
    broken = {k: v for k, v in TRANSITIONS.items() if k != key}
    assert faults(broken) == [f"({key[0]}, {key[1]}) is not defined"]


@given(st.sampled_from(sorted(TRANSITIONS)), st.sampled_from(Phase))
def test_a_change_without_fault_leaves_a_machine_that_ends(
    key: tuple[Phase, Event], after: Phase
) -> None:
    changed = {**TRANSITIONS, key: after}
    phase, event = key
    runs_on = after not in RESTING and event not in GIVING_BACK and phase in RESTING
    if runs_on:
        assert faults(changed)
    elif not faults(changed):
        assert Phase.CLOSED in {changed[p, e] for p in Phase for e in Event}
