"""Processes that are killed in the middle of turns: what was acknowledged is kept, and nothing is paid for twice."""

import asyncio
import hashlib
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphs.results import CHANNEL
from tests.support.agents import fake_agent, fake_graph
from tests.support.bars import bar
from tests.support.drivers import Moment, Turn, die_in_a_write, house, opened, take_turns
from tests.support.processes import Process
from tests.support.provider import FakeProvider, Seen, Wire, ok

THREADS = 25
LONGEST_WAIT_S = 0.05
"""About as long as a turn: a kill falls anywhere in one."""


async def echo(wire: Wire, seen: Seen) -> None:
    await ok(f"You said {seen.body['messages'][-1]['content']}.")(wire, seen)


def script(turns: int) -> list[Turn]:
    return [Turn(f"thread {n % THREADS}", f"turn {n}") for n in range(turns)]


class Run:
    """Turns that are taken by one process after another."""

    def __init__(self, place: str, provider: FakeProvider, turns: list[Turn]) -> None:
        self.place, self.provider, self.turns = place, provider, turns
        self.acknowledged: dict[Turn, str] = {}
        self.nodes: Counter[str] = Counter()
        self.paid_twice_though_kept = 0

    def start(self) -> Process:
        left = [turn for turn in self.turns if turn not in self.acknowledged]
        return Process(take_turns, self.place, self.provider.base_url, left)

    def take(self, sent: Any) -> None:
        if sent[0] == "node":
            self.nodes[sent[1]] += 1
        else:
            self.acknowledged[sent[1]] = sent[2]

    def kill_after(self, turns: int, seconds: float) -> None:
        """Let a process take so many turns and some time of another, and kill it."""
        process = self.start()
        goal = len(self.acknowledged) + turns
        while len(self.acknowledged) < goal and (sent := process.receive()) is not None:
            self.take(sent)
        time.sleep(seconds)
        process.kill()
        for sent in process.rest():
            self.take(sent)

    def finish(self) -> None:
        """Let a process take the turns that are left."""
        process = self.start()
        for sent in process.rest():
            self.take(sent)
        assert process.join() == 0


def kept_keys(place: str) -> set[str]:
    """Return the keys of the calls whose results are stored."""
    if not Path(place).exists():
        return set()
    with closing(sqlite3.connect(place)) as db:
        rows = db.execute("SELECT task_id FROM writes WHERE channel = ?", (CHANNEL,)).fetchall()
    return {hashlib.sha256(f"{call} m 1".encode()).hexdigest()[:32] for (call,) in rows}


def keys_of(provider: FakeProvider, since: int = 0) -> list[str]:
    return [seen.headers["idempotency-key"] for seen in provider.requests[since:]]


async def said(run: Run) -> dict[str, list[str]]:
    async with house(run.place, run.provider.base_url) as graph:
        return {
            turn.thread: [m.text for m in (await graph.aget_state(turn.config)).values["messages"]]
            for turn in run.turns
        }


@pytest.mark.parametrize(
    ("turns", "kills"),
    [(20, 3), pytest.param(500, 50, marks=pytest.mark.faults)],
    ids=["quick", "full"],
)
def test_turns_survive_kills(turns: int, kills: int, tmp_path: Path) -> None:
    chance = random.Random(1)
    with FakeProvider(echo) as provider:
        run = Run(str(tmp_path / "threads.sqlite"), provider, script(turns))
        for _ in range(kills):
            asked, kept = len(provider.requests), kept_keys(run.place)
            run.kill_after(
                chance.randrange(2 * turns // kills - 1), chance.uniform(0, LONGEST_WAIT_S)
            )
            run.paid_twice_though_kept += len(kept & set(keys_of(provider, asked)))
        run.finish()
        repeated = len(provider.requests) - len(set(keys_of(provider)))
        paid_for = len(set(keys_of(provider)))
        states = asyncio.run(said(run))
    expected: dict[str, list[str]] = {}
    for turn in run.turns:
        expected.setdefault(turn.thread, []).extend([turn.text, f"You said {turn.text}."])
    lost = sum(f"You said {turn.text}." not in states[turn.thread] for turn in run.acknowledged)
    rerun = sum(run.nodes.values()) - len(run.nodes)
    bar(
        1,
        "kill -9 in mid-run, then resume",
        turns,
        f"{kills} kills: {lost} lost, {rerun} nodes run again, {repeated} calls repeated, "
        f"{run.paid_twice_though_kept} paid twice once stored",
        f"0 lost, 0 doubled, <= {kills} again, 0 paid twice once stored",
    )
    assert run.acknowledged == {turn: f"You said {turn.text}." for turn in run.turns}
    assert states == expected
    assert paid_for == turns
    assert run.paid_twice_though_kept == 0
    assert repeated <= kills
    assert rerun <= kills


def integrity(place: str) -> str:
    with closing(sqlite3.connect(place)) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])


async def texts(place: str, turns: list[Turn]) -> dict[str, list[str]]:
    async with opened(place) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        return {
            turn.thread: [m.text for m in (await graph.aget_state(turn.config)).values["messages"]]
            for turn in turns
        }


@pytest.mark.parametrize(
    "kills", [6, pytest.param(100, marks=pytest.mark.faults)], ids=["quick", "full"]
)
def test_the_store_survives_kills_inside_its_writes(kills: int, tmp_path: Path) -> None:
    chance, place = random.Random(2), str(tmp_path / "threads.sqlite")
    moments: list[Moment] = ["before", "during", "after"]
    turns = [Turn(f"thread {n % 5}", f"alpha {n}") for n in range(4 * kills)]
    left, sound = list(turns), 0
    for n in range(kills):
        moment = moments[n % len(moments)]
        process = Process(
            die_in_a_write, place, left, moment, chance.randrange(2, 24), chance.randrange(400)
        )
        left = left[len([*process.rest()]) :]
        assert process.join() == -signal.SIGKILL
        sound += integrity(place) == "ok"
    process = Process(die_in_a_write, place, left, "after", 10**9, 0)
    assert [*process.rest()] == left
    bar(2, "kill inside the checkpoint write", kills, f"{sound} sound", f"{kills} of {kills} sound")
    assert sound == kills
    expected: dict[str, list[str]] = {}
    for turn in turns:
        expected.setdefault(turn.thread, []).extend([turn.text, "alpha did it."])
    assert asyncio.run(texts(place, turns)) == expected
