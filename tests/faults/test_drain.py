"""SIGTERM in the middle of many turns: the process ends in time, and what it did not finish goes on in the next."""

import asyncio
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from tests.support.bars import bar
from tests.support.drivers import Turn, house, serve_until_sigterm
from tests.support.processes import Process
from tests.support.provider import FakeProvider, Seen, Wire, ok
from tests.support.waiting import wait_until

AT_ONCE = 50
LONGEST_ANSWER_S, DRAIN_S, BAR_S = 1.6, 1.0, 10.0
"""Some answers take longer than the process has to end."""
TOLD = {"DrainingError", "CancelledError"}
"""What a server tells its clients as `draining`."""


async def said(place: str, base_url: str, turns: list[Turn]) -> dict[Turn, list[str]]:
    async with house(place, base_url) as graph:
        return {
            turn: [m.text for m in (await graph.aget_state(turn.config)).values["messages"]]
            for turn in turns
        }


def asked_for(provider: FakeProvider, calls: int) -> bool:
    return len(provider.requests) >= calls


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(20, marks=pytest.mark.faults)], ids=["quick", "full"]
)
def test_a_process_that_is_told_to_end(rounds: int, tmp_path: Path) -> None:
    chance, place = random.Random(3), str(tmp_path / "threads.sqlite")
    slow = True

    async def talk(wire: Wire, seen: Seen) -> None:
        await asyncio.sleep(chance.uniform(0, LONGEST_ANSWER_S) if slow else 0)
        await ok(f"You said {seen.body['messages'][-1]['content']}.")(wire, seen)

    unfinished: list[Turn] = []
    taken: list[Turn] = []
    took: list[float] = []
    others: list[str] = []
    drained = resumed = 0

    def take(sent: tuple[str, Turn, str]) -> None:
        if sent[0] == "ack":
            unfinished.remove(sent[1])
        elif sent[0] == "error" and sent[2] not in TOLD:
            others.append(sent[2])

    with FakeProvider(talk) as provider:
        for n in range(rounds):
            slow = True
            unfinished = [Turn(f"thread {n}.{m}", f"turn {m}") for m in range(AT_ONCE)]
            taken += unfinished
            enough = len(provider.requests) + AT_ONCE // 2
            process = Process(
                serve_until_sigterm, place, provider.base_url, list(unfinished), DRAIN_S
            )
            wait_until(partial(asked_for, provider, enough))
            os.kill(process.pid, signal.SIGTERM)
            began = time.monotonic()
            for sent in process.rest():
                take(sent)
            assert process.join() == 0
            took.append(time.monotonic() - began)
            drained += len(unfinished)
            slow = False
            process = Process(
                serve_until_sigterm, place, provider.base_url, list(unfinished), DRAIN_S
            )
            while unfinished:
                take(process.receive())
                resumed = drained - len(unfinished)
            process.kill()
        states = asyncio.run(said(place, provider.base_url, taken))
    bar(
        3,
        "SIGTERM with 50 turns in flight",
        rounds,
        f"ended within {max(took):.1f} s, {len(others)} other errors, {resumed} of {drained} resumed",
        f"<= {BAR_S:g} s, 0 errors but draining, all resumed",
    )
    assert others == []
    assert drained == resumed > 0
    assert states == {turn: [turn.text, f"You said {turn.text}."] for turn in taken}
    if rounds > 1:
        assert max(took) <= BAR_S
