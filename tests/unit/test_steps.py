"""Steps of nodes that only decide go to the disk with the next one; nothing acts on what is not there."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from agents.contract import done
from agents.errors import CheckpointError
from graphs import build_graph
from graphs.checkpoints import open_sqlite
from graphs.routing.decision import Costs
from graphs.savers.sqlite_saver import SqliteThreads
from graphs.savers.sqlite_writer import SqliteWriter
from graphs.steps import Nodes, Steps, with_steps
from tests.support.agents import fake_agent, fake_graph, fake_services, model_at, say
from tests.support.commits import counted_commits
from tests.support.provider import FakeProvider, Seen, Wire, ok

Loop: Any = {"source": "loop", "step": 1, "parents": {}}


@pytest.fixture
async def saver(tmp_path: Path) -> AsyncIterator[SqliteThreads]:
    async with open_sqlite(tmp_path / "threads.sqlite") as opened:
        yield opened


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes each transaction held."""
    return counted_commits(monkeypatch, SqliteWriter)


def on_disk(folder: Path) -> int:
    """Return how many checkpoints of the orchestrator a process that starts now would find."""
    with closing(sqlite3.connect(folder / "threads.sqlite")) as db:
        of_moma = "SELECT count(*) FROM checkpoints WHERE checkpoint_ns = ''"
        return int(db.execute(of_moma).fetchone()[0])


async def test_a_turn_in_which_nothing_acts_is_one_transaction(
    saver: SqliteThreads, commits: list[int], tmp_path: Path
) -> None:
    await say(fake_graph(fake_agent("alpha"), saver=saver), "something else")
    assert len(commits) == 1
    assert on_disk(tmp_path) == 6  # the input, the start, observe, route, refuse, idle


async def test_an_agent_runs_when_all_before_it_is_on_the_disk(
    saver: SqliteThreads, tmp_path: Path
) -> None:
    found = []

    def work(*_: Any) -> Any:
        found.append(on_disk(tmp_path))
        return done("Done.")

    await say(fake_graph(fake_agent("alpha", work), saver=saver), "alpha")
    assert found == [4]
    assert on_disk(tmp_path) == 6


async def test_an_agents_graph_begins_when_its_input_is_on_the_disk(
    saver: SqliteThreads, commits: list[int], tmp_path: Path
) -> None:
    found = []

    def work(*_: Any) -> Any:
        with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as db:
            found.append(db.execute("SELECT count(*) FROM checkpoints").fetchone()[0])
        return done("Done.")

    await say(fake_graph(fake_agent("alpha", work), saver=saver), "alpha")
    assert found == [6]  # four of the orchestrator, the input and the start of the agent
    assert len(commits) == 5


async def test_a_model_is_asked_when_all_before_it_is_on_the_disk(
    saver: SqliteThreads, commits: list[int], tmp_path: Path
) -> None:
    found = []

    async def reply(wire: Wire, seen: Seen) -> None:
        found.append(on_disk(tmp_path))
        await ok("Yes.")(wire, seen)

    with FakeProvider(reply) as provider:
        await say(fake_graph(models=[model_at(provider.base_url)], saver=saver), "write a poem")
    assert found == [4]
    assert on_disk(tmp_path) == 6
    assert len(commits) == 2


async def test_a_tie_is_broken_when_all_before_it_is_on_the_disk(
    saver: SqliteThreads, tmp_path: Path
) -> None:
    found = []

    async def reply(wire: Wire, seen: Seen) -> None:
        found.append(on_disk(tmp_path))
        await ok(json.dumps({"agent": "beta"}))(wire, seen)

    with FakeProvider(reply) as provider:
        agents = fake_agent("alpha"), fake_agent("beta")
        services = fake_services(*agents, models=[model_at(provider.base_url)], tie_break=True)
        services.catalog = replace(services.catalog, costs=Costs(question=0))
        await say(build_graph(services=services, checkpointer=saver), "alpha beta")
    assert found == [3]


def at(thread: str, steps: Steps | None = None, **rest: Any) -> RunnableConfig:
    place: RunnableConfig = {
        "configurable": {"thread_id": thread, "checkpoint_ns": "", **rest},
    }
    return with_steps(place, steps) if steps else place


def checkpoint(number: int, *following: str) -> Any:
    return {
        "v": 4,
        "id": f"{number:032}",
        "ts": "2026-01-01T00:00:00+00:00",
        "channel_values": {f"branch:to:{node}": None for node in following},
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
    }


def steps() -> Steps:
    nodes = Nodes(
        deciding=frozenset({"route", "idle"}),
        repeatable=frozenset({"answer"}),
        graphs=frozenset({"beta"}),
    )
    return Steps(thread="t", nodes=nodes)


async def test_what_was_left_is_read_at_once(saver: SqliteThreads) -> None:
    await saver.aput(at("t", steps()), checkpoint(1, "route"), Loop, {})
    saved = await saver.aget_tuple(at("t"))
    assert saved is not None
    assert saved.checkpoint["id"] == checkpoint(1)["id"]
    await saver.aput(at("t", steps()), checkpoint(2, "route"), Loop, {})
    assert len([found async for found in saver.alist(at("t"))]) == 2
    assert not saver._steps._unsettled


async def test_a_thread_is_deleted_with_what_was_left_of_it(saver: SqliteThreads) -> None:
    await saver.aput(at("t", steps()), checkpoint(1, "route"), Loop, {})
    await saver.adelete_thread("t")
    await saver.writer.settle()
    assert await saver.aget_tuple(at("t")) is None


async def test_a_thread_is_read_while_another_is_walked_through(saver: SqliteThreads) -> None:
    for number in (1, 2):
        await saver.aput(at("t"), checkpoint(number), Loop, {})
    async with aclosing(saver.alist(at("t"))) as walk:  # type: ignore[type-var]
        await anext(walk)
        assert await asyncio.wait_for(saver.aget_tuple(at("other")), 5) is None


async def test_a_step_fails_with_one_before_it_that_was_left(saver: SqliteThreads) -> None:
    run = steps()
    await saver.aput(at("t", run, checkpoint_id=object()), checkpoint(1, "route"), Loop, {})
    with pytest.raises(CheckpointError):
        await saver.aput(at("t", run), checkpoint(2, "answer"), Loop, {})


@pytest.mark.parametrize(
    ("following", "source"),
    [
        ([], "loop"),
        (["answer"], "loop"),
        (["route", "answer"], "loop"),
        (["route"], "update"),
        (["route"], "fork"),
    ],
)
def test_what_may_not_wait(following: list[str], source: Any) -> None:
    assert not steps().may_wait(checkpoint(1, *following), {"source": source})


def test_a_task_that_was_sent_to_a_node_may_not_wait() -> None:
    sent = checkpoint(1, "route")
    sent["channel_values"]["__pregel_tasks"] = ["anything"]
    assert not steps().may_wait(sent, Loop)


@pytest.mark.parametrize(
    ("channels", "path", "waits"),
    [
        (["event"], "~__pregel_pull, route", True),
        (["event"], "~__pregel_pull, alpha", False),
        (["event"], "~__pregel_pull, answer", True),
        (["__error__"], "~__pregel_pull, route", False),
        (["__interrupt__"], "~__pregel_pull, route", False),
        (["event"], "", False),
    ],
)
def test_writes_that_may_wait(channels: list[str], path: str, *, waits: bool) -> None:
    assert steps().writes_may_wait(channels, path) == waits


@pytest.mark.parametrize(
    "place",
    [
        {"thread_id": "u"},
        {"thread_id": "t", "checkpoint_ns": "alpha:1"},
        {"thread_id": "t", "checkpoint_ns": "beta:1|deeper:1"},
    ],
    ids=str,
)
async def test_another_graph_within_the_run_is_waited_for(
    saver: SqliteThreads, place: dict[str, str], tmp_path: Path
) -> None:
    config = with_steps({"configurable": {"checkpoint_ns": "", **place}}, steps())
    await saver.aput(config, checkpoint(1, "route"), Loop, {})
    with closing(sqlite3.connect(tmp_path / "threads.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
