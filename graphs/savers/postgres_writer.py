"""Writes to a PostgreSQL database in batches, each sent at once. It needs the extra `postgres`.

It knows no threads and no checkpoints.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from graphs.left_behind import while_wanted
from graphs.savers.batch_writer import BatchWriter, Statement
from graphs.savers.postgres_limits import answered

__all__ = ["PostgresWriter"]


class PostgresWriter(BatchWriter):
    """Writes by whatever connection of a pool is free."""

    store_error = psycopg.OperationalError

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        super().__init__()
        self._pool = pool

    async def _commit(self, batch: Sequence[Sequence[Statement]]) -> None:
        # One that is cancelled is rolled back or lost. psycopg asks a server that hangs for it, and waits on.
        async with answered():
            await while_wanted(self._execute(batch))

    async def _execute(self, batch: Sequence[Sequence[Statement]]) -> None:
        async with (
            self._pool.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            for statements in batch:
                for sql, rows in statements:
                    await cursor.executemany(sql, rows)
