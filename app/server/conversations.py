"""What the server remembers beside the threads: which thread a conversation is in, who made which decision, feedback.

It is kept in LangGraph's store, by caller, for a month. What turns add is written a moment later, many turns at once,
and read from memory until then: a process that is killed loses the last moment of it, after which such a conversation
begins a new thread with the messages that its client sends.
"""

import asyncio
import logging
import sqlite3
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.sqlite.aio import AsyncSqliteStore

from agents.errors import CheckpointError
from app.server.beginnings import Beginnings
from graphs.checkpoints import BUSY_MS, POSTGRES, lock_file
from graphs.feedback import evidence_of
from graphs.locks import setting_up
from graphs.savers.file_locks import shared_file_locks

__all__ = ["Conversations", "open_conversations"]

KEPT_MINUTES = 30 * 24 * 60
_SWEEP_MINUTES = 60
_TTL: Any = {
    "default_ttl": KEPT_MINUTES,
    "refresh_on_read": False,
    "omit_expired": True,
    "sweep_interval_minutes": _SWEEP_MINUTES,
}
_AT_HAND = 20_000
"""Entries that are read from memory."""
_PAUSE_S = 0.25
_ROOT = "server"
_log = logging.getLogger(__name__)
_Name = tuple[str, str, str]
"""The caller, the kind of entry, its key."""


class Conversations:
    """The entries of one process; the store may be shared by many."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self.beginnings = Beginnings()
        """The threads that are begun here."""
        self._at_hand: OrderedDict[_Name, Mapping[str, Any]] = OrderedDict()
        self._waiting: dict[_Name, Mapping[str, Any]] = {}
        self._writing: asyncio.Task[None] | None = None

    async def find(self, caller: str, conversation: str) -> str | None:
        """Return the thread of a conversation."""
        entry = await self._get((caller, "conversations", conversation))
        return str(entry["thread"]) if entry else None

    async def decided(self, caller: str, decision: str) -> Mapping[str, Any] | None:
        """Return who served the turn of a decision of this caller, None if there is none."""
        return await self._get((caller, "decisions", decision))

    def note_turn(
        self,
        caller: str,
        *,
        thread: str,
        conversation: str | None,
        record: Mapping[str, Any],
        known_as: str = "",
    ) -> None:
        """Remember a turn; it is written a moment later.

        Args:
            caller: whose it is.
            thread: its thread.
            conversation: what the conversation is found by after it, None if it is not looked for.
            record: of the turn.
            known_as: what the client has for the decision's id, if that was not known yet.
        """
        decision, served = str(record["id"]), record.get("served_by") or {}
        for name in {decision, known_as or decision}:
            entry = {
                "thread": thread,
                "decision": decision,
                "served_by": served,
                "evidence": evidence_of(record),
            }
            self._note((caller, "decisions", name), entry)
        if conversation is not None:
            self._note((caller, "conversations", conversation), {"thread": thread})

    async def add_feedback(self, caller: str, decision: str, feedback: Mapping[str, Any]) -> None:
        """Keep what a caller thinks of a turn; a later word takes the place of an earlier one.

        Raises:
            CheckpointError: it could not be written.
        """
        entry = {**feedback, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            await self._store.aput((_ROOT, caller, "feedback"), decision, entry)
        except Exception as error:  # noqa: BLE001 whatever the store raises, the feedback was not kept
            _log.warning("feedback was not kept (%s)", type(error).__name__)
            raise CheckpointError("the feedback could not be kept; send it again") from None

    async def check(self) -> None:
        """Raise whatever the store raises when it is read."""
        await self._store.aget((_ROOT, "health"), "none")

    async def flush(self) -> None:
        """Write what waits."""
        while self._waiting or self._writing:
            await (self._writing or self._write())

    async def _get(self, name: _Name) -> Mapping[str, Any] | None:
        if (known := self._at_hand.get(name)) is not None:
            return known
        caller, kind, key = name
        try:
            item = await self._store.aget((_ROOT, caller, kind), key)
        except Exception as error:  # noqa: BLE001 what is not found begins a new thread: no turn is lost
            _log.warning("the store of conversations cannot be read (%s)", type(error).__name__)
            return None
        return item.value if item else None

    def _note(self, name: _Name, entry: Mapping[str, Any]) -> None:
        self._at_hand[name] = self._waiting[name] = entry
        self._at_hand.move_to_end(name)
        while len(self._at_hand) > _AT_HAND:
            self._at_hand.popitem(last=False)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(_PAUSE_S)
            await self._write()
        finally:
            self._writing = None
            if self._waiting:
                self._writing = asyncio.create_task(self._write_soon())

    async def _write(self) -> None:
        entries, self._waiting = self._waiting, {}
        operations = [
            PutOp((_ROOT, caller, kind), key, dict(entry), ttl=KEPT_MINUTES)
            for (caller, kind, key), entry in entries.items()
        ]
        try:
            await self._store.abatch(operations)
        except Exception as error:  # noqa: BLE001 a task of its own: the turns have been answered
            _log.warning("%d entries were not kept (%s)", len(operations), type(error).__name__)


@asynccontextmanager
async def open_conversations(place: str) -> AsyncIterator[Conversations]:
    """Open what is kept beside the threads at `place`, the path of their SQLite file or a PostgreSQL address.

    Raises:
        CheckpointError: it cannot be opened.
    """
    async with AsyncExitStack() as stack:
        try:
            opened = _postgres(place) if place.startswith(POSTGRES) else _sqlite(Path(place))
            store = await stack.enter_async_context(opened)
            await store.start_ttl_sweeper()
        except _raised() as error:
            raise CheckpointError(
                f"the store of conversations beside the threads cannot be used ({' '.join(str(error).split())})"
            ) from error
        stack.push_async_callback(store.stop_ttl_sweeper)
        conversations = Conversations(store)
        stack.push_async_callback(conversations.flush)
        yield conversations


@asynccontextmanager
async def _sqlite(threads: Path) -> AsyncIterator[AsyncSqliteStore]:
    path = threads.with_name(f"{threads.stem}.conversations.sqlite")
    await asyncio.to_thread(_make_private, path)
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=NORMAL")
        store = AsyncSqliteStore(connection, ttl=_TTL)
        try:
            with shared_file_locks(lock_file(threads)) as locks:
                async with setting_up(locks):
                    await store.setup()
            yield store
        finally:
            await _end(store)


async def _end(store: Any) -> None:
    """End the task that works off the store's queue, which would run on without it."""
    task = getattr(store, "_task", None)
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _postgres(address: str) -> AsyncIterator[Any]:
    from langgraph.store.postgres.aio import AsyncPostgresStore

    from graphs.savers.advisory_locks import AdvisoryLocks

    pool: Any = {"min_size": 1, "max_size": 4}
    async with AsyncPostgresStore.from_conn_string(address, pool_config=pool, ttl=_TTL) as store:
        try:
            async with aclosing(AdvisoryLocks(address)) as locks, setting_up(locks):
                await store.setup()
            yield store
        finally:
            await _end(store)


def _raised() -> tuple[type[Exception], ...]:
    """Return what opening a store raises; PostgreSQL's driver is an extra, and loaded only where it is used."""
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error, OSError, psycopg.Error) if psycopg else (sqlite3.Error, OSError)


def _make_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
