"""Writes go to the disk in the order in which they came; what was left, with the next."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphs.sqlite_writer import SqliteWriter
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
