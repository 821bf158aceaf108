"""Turns at once on one thread, from one process and from two: all are kept, in the order in which each was sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import fake_agent, fake_graph
from tests.support.bars import bar
from tests.support.drivers import Turn, opened, take_turns_at_once
from tests.support.processes import meeting_of, running

TURNS = 20
BAR = "20 of 20 kept, in order"


def texts(process: str, turns: int = TURNS) -> list[str]:
    return [f"alpha {process}{n}" for n in range(turns)]


def asked(values: dict[str, Any]) -> list[str]:
    return [m.text for m in values["messages"] if m.type == "human"]


def answered(values: dict[str, Any]) -> bool:
    """Return whether each message is followed by its answer, and each turn was counted."""
    kinds = [m.type for m in values["messages"]]
    return kinds == ["human", "ai"] * (len(kinds) // 2) and values["turn"] == len(kinds) // 2


async def states(place: str, threads: int) -> list[dict[str, Any]]:
    async with opened(place) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        turns = [Turn(f"thread {n}", "") for n in range(threads)]
        return [(await graph.aget_state(turn.config)).values for turn in turns]


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(50, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_turns_at_once_in_one_process(rounds: int, tmp_path: Path) -> None:
    place = str(tmp_path / "threads.sqlite")
    async with opened(place) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        for n in range(rounds):
            turns = [Turn(f"thread {n}", text) for text in texts("a")]
            await asyncio.gather(
                *(graph.ainvoke({"messages": [t.message]}, t.config) for t in turns)
            )
    kept = [values for values in await states(place, rounds) if answered(values)]
    whole = sum(asked(values) == texts("a") for values in kept)
    bar(24, "one thread, 20 turns at once", rounds, f"{whole} of {rounds} rounds whole", BAR)
    assert whole == rounds


def rounds_of_two_processes(
    place: str, rounds: int
) -> tuple[dict[str, list[str]], list[dict[str, Any]], int]:
    """Return what each of two processes sent, the threads whose turns were all answered, and how many are whole."""
    own = {name: texts(name, TURNS // 2) for name in ("a", "b")}
    meeting = meeting_of(2)
    with (
        running(take_turns_at_once, place, own["a"], rounds, meeting) as first,
        running(take_turns_at_once, place, own["b"], rounds, meeting) as second,
    ):
        assert [*first.rest()] == [*second.rest()] == [*range(rounds)]
    kept = [values for values in asyncio.run(states(place, rounds)) if answered(values)]
    whole = sum(
        len(asked(values)) == TURNS
        and all([t for t in asked(values) if t in sent] == sent for sent in own.values())
        for values in kept
    )
    return own, kept, whole


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(50, marks=pytest.mark.faults)], ids=["quick", "full"]
)
def test_turns_at_once_in_two_processes(rounds: int, tmp_path: Path) -> None:
    own, kept, whole = rounds_of_two_processes(str(tmp_path / "threads.sqlite"), rounds)
    mixed = sum(asked(values) not in (own["a"] + own["b"], own["b"] + own["a"]) for values in kept)
    bar(
        24,
        "the same from two processes, SQLite",
        rounds,
        f"{whole} of {rounds} rounds whole, {mixed} interleaved",
        BAR,
    )
    assert whole == rounds
