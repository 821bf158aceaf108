"""Writes go to the disk in the order in which they came; what was left, with the next."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from graphs.savers.sqlite_writer import SqliteWriter
from tests.support.commits import counted_commits

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
    return counted_commits(monkeypatch, SqliteWriter)


def rows_in(folder: Path) -> list[int]:
    with sqlite3.connect(folder / "rows.sqlite") as db:
        return [n for (n,) in db.execute("SELECT n FROM rows ORDER BY rowid")]


async def test_what_was_left_is_committed_with_the_next_write(
    writer: SqliteWriter, commits: list[int], tmp_path: Path
) -> None:
    left = writer.leave((PUT, [(1,)]))
    await writer.write((PUT, [(2,)]))
    assert left.done()
    assert commits == [2]
    assert rows_in(tmp_path) == [1, 2]


async def test_what_was_left_is_committed_though_nothing_follows(
    writer: SqliteWriter, tmp_path: Path
) -> None:
    await writer.leave((PUT, [(1,)]))
    assert rows_in(tmp_path) == [1]


async def test_settling_commits_what_was_left(writer: SqliteWriter, tmp_path: Path) -> None:
    writer.leave((PUT, [(1,)]))
    await writer.settle()
    assert rows_in(tmp_path) == [1]


async def test_what_was_left_fails_alone(writer: SqliteWriter, tmp_path: Path) -> None:
    left = writer.leave((PUT, [(None,)]))
    await writer.write((PUT, [(2,)]))
    with pytest.raises(sqlite3.IntegrityError):
        await left
    assert rows_in(tmp_path) == [2]


@contextmanager
def busy_disk(writer: SqliteWriter, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let no transaction begin until the event is set."""
    free, execute = threading.Event(), writer._execute

    def waiting(batch: Any) -> None:
        assert free.wait(10)
        execute(batch)

    monkeypatch.setattr(writer, "_execute", waiting)
    yield free
    free.set()


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Let a task begin, and cancel it."""
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)


async def test_a_reader_that_is_cancelled_takes_no_write_along(
    writer: SqliteWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with busy_disk(writer, monkeypatch):
        writing = asyncio.create_task(writer.write((PUT, [(1,)])))
        reading = asyncio.create_task(writer.settle())
        await cancelled(reading)
        assert reading.cancelled()
    await asyncio.wait_for(writing, 5)
    assert rows_in(tmp_path) == [1]


async def test_who_is_cancelled_while_it_writes_ends_when_that_is_on_the_disk(
    writer: SqliteWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with busy_disk(writer, monkeypatch):
        writing = asyncio.create_task(writer.write((PUT, [(1,)])))
        await cancelled(writing)
        assert not writing.done()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(writing, 5)
    assert writing.cancelled()
    assert rows_in(tmp_path) == [1]
