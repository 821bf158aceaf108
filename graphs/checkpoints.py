"""Savers of threads: always strict in what they unpickle, always usable from asynchronous code.

It knows nothing of what is saved.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.errors import CheckpointError, SettingsError
from agents.extras import how_to_install
from graphs.locks import lock_between_processes, setting_up, share_locks
from graphs.savers.file_locks import shared_file_locks
from graphs.savers.serializer import StrictSerializer, strict_serializer
from graphs.savers.sqlite_saver import SqliteThreads
from graphs.savers.sqlite_writer import SqliteWriter
from graphs.savers.threaded_saver import ThreadedSaver

if TYPE_CHECKING:
    from graphs.savers.postgres import PostgresThreads

POSTGRES = ("postgresql://", "postgres://")
BUSY_MS = 5_000
CHECKED_UP_TO_BYTES = 64 * 1024 * 1024


def strict(saver: BaseCheckpointSaver[Any]) -> BaseCheckpointSaver[Any]:
    """Return `saver`, made strict: a stored blob that names any other than LangGraph's safe types is not built.

    LangGraph's default rebuilds, and so calls, whatever a blob names (CVE-2026-28277). A serialiser of a class that
    LangGraph does not bring is left as it is.
    """
    saver.serde = strict_serializer(saver.serde)
    # The synchronous savers inherit this one; SQLite's has an `aget_tuple` of its own, which raises.
    synchronous = type(saver).aput_writes is BaseCheckpointSaver.aput_writes
    usable = ThreadedSaver(saver) if synchronous else saver
    share_locks(saver, usable)
    return usable


@asynccontextmanager
async def open_threads(place: str) -> "AsyncIterator[SqliteThreads | PostgresThreads]":
    """Open the threads kept at `place`, the path of a SQLite file or the address of a PostgreSQL database.

    Raises:
        CheckpointError: it cannot be opened, or is damaged.
        SettingsError: the extra `postgres` is not installed.
    """
    if not place.startswith(POSTGRES):
        if "://" in place or place == ":memory:":
            kind = place.partition("://")[0]
            raise SettingsError(
                f"MOMA_CHECKPOINTS: given {kind!r:.60}, expected the path of a SQLite file or an address that begins "
                "with postgresql://"
            )
        async with open_sqlite(Path(place)) as saver:
            yield saver
        return
    try:
        from graphs.savers.postgres import open_postgres
    except ImportError:
        raise SettingsError(
            "MOMA_CHECKPOINTS: given a PostgreSQL database, which needs the extra postgres; "
            f"install it: {how_to_install('postgres')}"
        ) from None
    async with open_postgres(place) as threads:
        yield threads


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteThreads]:
    """Open the threads kept in the SQLite file `path`, which is made if it is not there.

    Raises:
        CheckpointError: it cannot be opened, or is damaged.
    """
    async with AsyncExitStack() as stack:
        try:
            check = await asyncio.to_thread(_make_private, path)
            connection = await stack.enter_async_context(aiosqlite.connect(path))
            await connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            await _check_size(connection, path)
            if check:
                await _check(connection)
            writer = await SqliteWriter.open(path, busy_ms=BUSY_MS)
            stack.push_async_callback(writer.close)
            saver = SqliteThreads(connection, writer, serde=StrictSerializer())
            locks = stack.enter_context(shared_file_locks(lock_file(path)))
            async with setting_up(locks):
                await saver.setup()
            lock_between_processes(saver, locks)
        except (sqlite3.Error, OSError) as error:
            raise CheckpointError(
                f"{path}: the saved threads cannot be used ({error}); {_remedy(error)}"
            ) from error
        yield saver


def lock_file(path: Path) -> Path:
    """Return the file by whose locks the processes that use the SQLite file `path` keep out of each other's way."""
    return path.with_name(f"{path.name}.lock")


def _remedy(error: Exception) -> str:
    if getattr(error, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return "another program is using the file; end it, or set MOMA_CHECKPOINTS to another"
    return "move the file away to start anew, or set MOMA_CHECKPOINTS to another"


def _make_private(path: Path) -> bool:
    """Make the file if it is not there, for its owner only; return whether it is small enough to check."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    return path.stat().st_size <= CHECKED_UP_TO_BYTES


async def _check_size(connection: aiosqlite.Connection, path: Path) -> None:
    """Refuse a file whose last page is cut off: SQLite takes what is missing for zeros."""
    cursor = await connection.execute("PRAGMA page_size")
    row = await cursor.fetchone()
    size = (await asyncio.to_thread(path.stat)).st_size
    if row is not None and size % row[0]:
        raise sqlite3.DatabaseError("damaged: its last page is cut off")


async def _check(connection: aiosqlite.Connection) -> None:
    cursor = await connection.execute("PRAGMA quick_check(1)")
    row = await cursor.fetchone()
    if row is None or row[0] != "ok":
        found = " ".join(row[0].split()) if row else "no answer"
        raise sqlite3.DatabaseError(f"damaged: {found}")
