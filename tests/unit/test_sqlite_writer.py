"""What a run brings goes to the disk with its first step, in the order in which it was written."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from agents.errors import CheckpointError
from graphs.checkpoints import open_sqlite
from graphs.sqlite_saver import SqliteThreads
from graphs.sqlite_writer import SqliteWriter
from tests.support.agents import fake_agent, fake_graph, say

PUT = "INSERT INTO rows VALUES (?)"


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[SqliteWriter]:
    with sqlite3.connect(tmp_path / "rows.sqlite") as db:
        db.execute("CREATE TABLE rows (n INTEGER NOT NULL)")
    opened = await SqliteWriter.open(tmp_path / "rows.sqlite", busy_ms=100)
    yield opened
    await opened.close()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes each transaction held."""
    sizes: list[int] = []
    commit = SqliteWriter._commit

    def counted(self: SqliteWriter, batch: Sequence[Any]) -> Any:
        sizes.append(len(batch))
        return commit(self, batch)

    monkeypatch.setattr(SqliteWriter, "_commit", counted)
    return sizes


def rows_in(folder: Path) -> list[int]:
    with sqlite3.connect(folder / "rows.sqlite") as db:
        return [n for (n,) in db.execute("SELECT n FROM rows ORDER BY rowid")]


async def test_what_was_left_is_committed_with_the_next_write(
    writer: SqliteWriter, commits: list[int], tmp_path: Path
) -> None:
    left = writer.leave(PUT, [(1,)])
    await writer.write(PUT, [(2,)])
    assert left.done()
    assert commits == [2]
    assert rows_in(tmp_path) == [1, 2]


async def test_what_was_left_is_committed_though_nothing_follows(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    await writer.leave(PUT, [(1,)])
    assert rows_in(tmp_path) == [1]


async def test_settling_commits_what_was_left(writer: SqliteWriter, tmp_path: Path) -> None:
    writer.leave(PUT, [(1,)])
    await writer.settle()
    assert rows_in(tmp_path) == [1]


async def test_what_was_left_fails_alone(writer: SqliteWriter, tmp_path: Path) -> None:
    left = writer.leave(PUT, [(None,)])
    await writer.write(PUT, [(2,)])
    with pytest.raises(sqlite3.IntegrityError):
        await left
    assert rows_in(tmp_path) == [2]


def at(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}


def checkpoint(number: int) -> Any:
    return {
        "v": 4,
        "id": f"{number:032}",
        "ts": "2026-01-01T00:00:00+00:00",
        "channel_values": {},
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
    }


async def test_a_turn_waits_for_one_commit_a_step_and_none_for_its_input(
    tmp_path: Path, commits: list[int]
) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        await say(fake_graph(fake_agent("alpha"), saver=saver), "something else", thread="t")
        steps = [saved async for saved in saver.alist(at("t"))]
    assert len(commits) == len(steps) - 1


async def test_an_input_is_read_at_once(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        await saver.aput(at("t"), checkpoint(1), {"source": "input", "step": -1}, {})
        saved = await saver.aget_tuple(at("t"))
        assert saved is not None
        assert saved.checkpoint["id"] == checkpoint(1)["id"]
        await saver.aput(at("u"), checkpoint(2), {"source": "input", "step": -1}, {})
        assert await saver.count_threads() == 2


async def test_a_first_step_fails_with_the_input_that_it_rests_on(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        no_parent: Any = {"configurable": {**at("t")["configurable"], "checkpoint_id": object()}}
        await saver.aput(no_parent, checkpoint(1), {"source": "input", "step": -1}, {})
        with pytest.raises(CheckpointError):
            await saver.aput(at("t"), checkpoint(2), {"source": "loop", "step": 0}, {})


async def test_an_input_that_no_step_followed_is_not_held_in_memory(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        assert isinstance(saver, SqliteThreads)
        await saver.aput(at("t"), checkpoint(1), {"source": "input", "step": -1}, {})
        assert await saver.thread_ids() == ["t"]
        assert not saver._inputs
