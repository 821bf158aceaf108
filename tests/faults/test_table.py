"""The table of transitions, and the graph that is drawn from it: total, reachable, and every way ends."""

import time

import pytest

from graphs.machine import FINAL, TRANSITIONS, Event, Phase, faults
from tests.support.agents import fake_agent, fake_graph
from tests.support.bars import bar


def ways() -> dict[str, set[str]]:
    """Return which nodes of a compiled graph follow each."""
    drawn = fake_graph(fake_agent("alpha"), fake_agent("beta")).get_graph()
    found: dict[str, set[str]] = {name: set() for name in drawn.nodes}
    for edge in drawn.edges:
        found[edge.source].add(edge.target)
    return found


def reached(start: str, following: dict[str, set[str]]) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        new = following[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def test_every_node_is_reached_and_from_every_node_the_turn_can_end() -> None:
    following = ways()
    assert {*map(str, Phase)} <= set(following)
    assert reached("__start__", following) == set(following)
    assert all("__end__" in reached(name, following) for name in following)


def test_no_phase_is_stuck_whatever_single_event_is_taken_away() -> None:
    for event in set(Event) - {Event.CLOSE}:
        following = {str(p): {str(TRANSITIONS[p, e]) for e in Event if e != event} for p in Phase}
        assert all(str(min(FINAL)) in reached(str(p), following) for p in Phase), event


@pytest.mark.faults
def test_the_table_is_total_and_reachable() -> None:
    began = time.perf_counter()
    assert faults() == []
    assert len(TRANSITIONS) == len(Phase) * len(Event)
    test_every_node_is_reached_and_from_every_node_the_turn_can_end()
    seconds = time.perf_counter() - began
    result = f"all defined, every phase and node reachable, every one can end; {seconds:.2f} s"
    bar(21, "the table is total and reachable", len(TRANSITIONS), result, "total, reachable, < 1 s")
    assert seconds < 1
