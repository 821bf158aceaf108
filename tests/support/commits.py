"""Counts the transactions of a writer, which does its own work all the same."""

from collections.abc import Sequence
from typing import Any

import pytest

from graphs.savers.batch_writer import BatchWriter
from tests.support.waiting import PATIENCE_S


def counted_commits(monkeypatch: pytest.MonkeyPatch, kind: type[BatchWriter]) -> list[int]:
    """Return a list that gets, for each transaction from now on, how many writes it held; none comes of mere time."""
    sizes: list[int] = []
    commit = kind._commit

    async def counted(self: BatchWriter, batch: Sequence[Any]) -> Any:
        sizes.append(len(batch))
        return await commit(self, batch)

    monkeypatch.setattr(kind, "_commit", counted)
    monkeypatch.setattr("graphs.savers.batch_writer._LONGEST_LEFT_S", PATIENCE_S)
    return sizes
