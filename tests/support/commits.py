"""Counts the transactions of a writer to SQLite, which does its own work all the same."""

from collections.abc import Sequence
from typing import Any

import pytest

from graphs.sqlite_writer import SqliteWriter


def counted_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets, for each transaction from now on, how many writes it held."""
    sizes: list[int] = []
    commit = SqliteWriter._commit

    async def counted(self: SqliteWriter, batch: Sequence[Any]) -> Any:
        sizes.append(len(batch))
        return await commit(self, batch)

    monkeypatch.setattr(SqliteWriter, "_commit", counted)
    return sizes
