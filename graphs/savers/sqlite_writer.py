"""Writes to a SQLite file in batches, in a thread of its own. It knows no threads and no checkpoints."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graphs.savers.batch_writer import BatchWriter, Statement

__all__ = ["SqliteWriter"]


class SqliteWriter(BatchWriter):
    """A connection that only writes."""

    store_error = sqlite3.OperationalError

    def __init__(self, db: sqlite3.Connection, pool: ThreadPoolExecutor) -> None:
        super().__init__()
        self._db, self._pool = db, pool

    @classmethod
    async def open(cls, path: Path, *, busy_ms: int) -> "SqliteWriter":
        """Open the file, which must be there; a lock of another program is waited for so long.

        Raises:
            sqlite3.Error: it cannot be opened or written.
        """
        pool = ThreadPoolExecutor(1, thread_name_prefix="moma-threads")

        def connect() -> sqlite3.Connection:
            db = sqlite3.connect(path, timeout=busy_ms / 1e3, isolation_level=None)
            try:
                db.executescript(
                    "BEGIN IMMEDIATE; ROLLBACK"
                )  # a file that is read-only says so now
            except sqlite3.Error:
                db.close()
                raise
            return db

        return cls(await asyncio.get_running_loop().run_in_executor(pool, connect), pool)

    async def close(self) -> None:
        """Finish what waits and close the file."""
        await self.settle()
        await asyncio.get_running_loop().run_in_executor(self._pool, self._db.close)
        self._pool.shutdown()

    async def _commit(self, batch: Sequence[Sequence[Statement]]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, self._execute, batch)

    def _execute(self, batch: Sequence[Sequence[Statement]]) -> None:
        """Do what `_commit` does; runs in the thread."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statements in batch:
                for sql, rows in statements:
                    self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except Exception:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
