"""Writes to a SQLite file in a thread of its own: what comes while a transaction is under way goes into the next one.

So a write waits for one commit, however many turns run, and one that fails leaves nothing behind. What another write is
sure to follow can be left for that one's transaction. It knows no threads and no checkpoints.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_LEFT_S = 0.02
"""How long what was left for the next transaction waits for it."""


@dataclass(frozen=True, slots=True)
class _Write:
    sql: str
    rows: Sequence[Sequence[Any]]
    done: "asyncio.Future[None]"


class SqliteWriter:
    """A connection that only writes. It is used from one event loop."""

    def __init__(self, db: sqlite3.Connection, pool: ThreadPoolExecutor) -> None:
        self._db, self._pool = db, pool
        self._waiting: list[_Write] = []
        self._flushing: asyncio.Task[None] | None = None

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

    async def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute `sql` for each row, all or none of them; return when they are safe on the disk.

        Raises:
            sqlite3.Error: none of the rows was written.
        """
        done = self._put(sql, rows)
        self._flush_soon()
        await done

    def leave(self, sql: str, rows: Sequence[Sequence[Any]]) -> "asyncio.Future[None]":
        """Have `sql` executed with the next write, or soon if none comes; the future is done when it is on the disk.

        Writes are committed in the order in which they came, so once that next write is safe, this one is.
        """
        asyncio.get_running_loop().call_later(_LONGEST_LEFT_S, self._flush_soon)
        done = self._put(sql, rows)
        done.add_done_callback(_take_note)  # who left it may never ask for it
        return done

    async def settle(self) -> None:
        """Return when all that was given so far is safe on the disk, or has failed."""
        if (flushing := self._flush_soon()) is not None:
            await flushing

    def _put(self, sql: str, rows: Sequence[Sequence[Any]]) -> "asyncio.Future[None]":
        write = _Write(sql, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(write)
        return write.done

    def _flush_soon(self) -> "asyncio.Task[None] | None":
        """Begin to commit what waits, if anything does; return the task that does."""
        if self._waiting and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
        return self._flushing

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            errors = await loop.run_in_executor(self._pool, self._commit, batch)
            for write, error in zip(batch, errors, strict=True):
                if write.done.done():  # its turn was cancelled
                    continue
                if error is None:
                    write.done.set_result(None)
                else:
                    write.done.set_exception(error)

    def _commit(self, batch: Sequence[_Write]) -> Sequence[Exception | None]:
        """Write a batch in one transaction and return the error of each; runs in the thread."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for write in batch:
                self._db.executemany(write.sql, write.rows)
            self._db.execute("COMMIT")
        except (
            sqlite3.Error,
            ValueError,
            OverflowError,
        ) as error:  # the last are of values to bind
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            # A store that cannot be written fails all; values that cannot be written must not take others with them.
            if isinstance(error, sqlite3.OperationalError) or len(batch) == 1:
                return [error] * len(batch)
            return [self._commit([write])[0] for write in batch]
        return [None] * len(batch)


def _take_note(done: "asyncio.Future[None]") -> None:
    """Look at how a write ended: asyncio logs a failure that nobody looked at."""
    if not done.cancelled():
        done.exception()
