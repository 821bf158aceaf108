"""A turn reads its thread once, under the thread's lock; what it read is handed to nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from graphs.checkpoints import open_sqlite
from graphs.savers.read_ahead import handed_on, read_or_handed_on
from graphs.savers.sqlite_saver import SqliteThreads
from tests.support.agents import answer, fake_agent, fake_graph, on, say


@pytest.fixture
async def saver(tmp_path: Path) -> AsyncIterator[SqliteThreads]:
    async with open_sqlite(tmp_path / "threads.sqlite") as opened:
        yield opened


def at(thread: str, **more: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": "", **more}}


async def nothing(_: RunnableConfig) -> Any:
    return None


async def test_a_turn_reads_its_thread_once(
    saver: SqliteThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = fake_graph(fake_agent("alpha"), saver=saver)
    read, places = SqliteThreads._read, []

    async def counted(self: SqliteThreads, config: RunnableConfig) -> Any:
        place = config["configurable"]
        if not place["checkpoint_ns"]:  # an agent's own graph has a place of its own
            places.append(place["thread_id"])
        return await read(self, config)

    monkeypatch.setattr(SqliteThreads, "_read", counted)
    for _ in range(3):
        await say(graph, "alpha", thread="t")
    assert places == ["t"] * 3


async def test_a_turn_sees_what_another_graph_on_the_same_store_wrote(saver: SqliteThreads) -> None:
    first, second = (fake_graph(fake_agent("alpha"), saver=saver) for _ in range(2))
    for graph in (first, second, first):
        result = await say(graph, "alpha", thread="t")
    assert answer(result) == "alpha did it."
    state = await first.aget_state(on("t"))
    assert state.values["turn"] == 3


async def test_a_checkpoint_is_handed_on_once_and_only_for_its_place(saver: SqliteThreads) -> None:
    await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha", thread="t")
    saved = await saver.aget_tuple(at("t"))
    assert saved is not None
    with handed_on(at("t"), saved):
        assert await read_or_handed_on(at("other"), nothing) is None
        assert await read_or_handed_on(at("t", checkpoint_id="1"), nothing) is None
        assert await read_or_handed_on(at("t"), nothing) is saved
        assert await read_or_handed_on(at("t"), nothing) is None


async def test_what_nobody_took_is_gone_with_the_run(saver: SqliteThreads) -> None:
    await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha", thread="t")
    saved = await saver.aget_tuple(at("t"))
    with handed_on(at("t"), saved):
        pass
    assert await read_or_handed_on(at("t"), nothing) is None


async def test_that_there_is_nothing_yet_is_handed_on_too() -> None:
    async def unread(_: RunnableConfig) -> Any:
        raise AssertionError("the place was read again")

    with handed_on(at("t"), None):
        assert await read_or_handed_on(at("t"), unread) is None
