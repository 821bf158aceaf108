"""Locks between processes that PostgreSQL keeps. It needs the extra `postgres`, and knows nothing of what is locked."""

import asyncio
import hashlib
import select
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import psycopg

from graphs.left_behind import while_wanted
from graphs.savers.postgres_limits import CONNECT_S, answered

__all__ = ["AdvisoryLocks", "lock_key"]

_T = TypeVar("_T")


class AdvisoryLocks:
    """Advisory locks of one database session, which ends with its process, however that ends.

    A session can take a lock that it has once more, and has it until it has given it back as often. So whoever is
    cancelled while it takes or gives back leaves the rest to a task of its own.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Any = None
        self._one_by_one = asyncio.Lock()
        self._held: dict[str, Any] = {}
        """The session in which each lock was taken."""
        self._under_way: set[asyncio.Task[Any]] = set()

    async def take(self, name: str) -> bool:
        """Take a lock; return whether this session has it now."""
        taking = self._begin(self._take(name))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._begin(self._undo(taking, name))
            raise

    async def give_back(self, name: str) -> None:
        """Give back a lock that was taken; a session that has ended has none."""
        await asyncio.shield(self._begin(self._give_back(name)))

    def check(self, name: str) -> None:
        """Check that a lock which was taken is still there; the database may have ended the session.

        Raises:
            psycopg.OperationalError: it is not, so that another process may have it.
        """
        session = self._held.get(name)
        if session is None:
            return
        ours = session is self._session and not session.closed
        # An answer that is under way must not be taken from whoever waits for it; they find out themselves.
        if ours and not self._one_by_one.locked():
            _hear_end(session)
        if not ours or session.closed:
            raise psycopg.OperationalError("the connection that held the thread was lost")

    async def aclose(self) -> None:
        """End the session, with which every lock is given back."""
        if self._session is not None:
            await self._session.close()

    async def _take(self, name: str) -> bool:
        async with self._asking() as session:
            taken = await _answer(session, "SELECT pg_try_advisory_lock(%s)", name)
            if taken:
                self._held[name] = session
            return taken

    async def _give_back(self, name: str) -> None:
        held_in = self._held.pop(name, None)
        if held_in is None or held_in is not self._session:
            return
        with suppress(psycopg.OperationalError):
            async with self._asking() as session:
                if session is held_in:
                    await _answer(session, "SELECT pg_advisory_unlock(%s)", name)

    async def _undo(self, taking: "asyncio.Task[Any]", name: str) -> None:
        with suppress(psycopg.Error):
            if await taking:
                await self._give_back(name)

    def _begin(self, work: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)  # a loop keeps no task alive
        task.add_done_callback(self._under_way.discard)
        return task

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Any]:
        """Have the session to oneself; one that gave no answer is left, with all its locks.

        Who waits for the session waits for the database, and no longer than it is waited for.
        """
        async with answered(), self._one_by_one:
            if self._session is None or self._session.closed:
                self._session = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=round(CONNECT_S)
                )
            try:
                yield self._session
            except BaseException:
                left, self._session = self._session, None
                self._begin(_close(left))
                raise


async def _close(session: Any) -> None:
    """Close a session once nobody waits for its socket any more, whose number the next one may get."""
    async with session.lock:
        await session.close()


def _hear_end(session: Any) -> None:
    """Read the server's last words to a session that nothing was asked in, and its end; it waits for nothing."""
    heard = select.poll()
    heard.register(session.pgconn.socket, select.POLLIN)
    with suppress(psycopg.OperationalError):  # the session is closed then
        while heard.poll(0):
            session.pgconn.consume_input()


async def _answer(session: Any, question: str, name: str) -> bool:
    # psycopg asks the server to cancel a question, and one that hangs does not do it: nobody need wait for that.
    cursor = await while_wanted(session.execute(question, (lock_key(name),)))
    return bool((await cursor.fetchone())[0])


def lock_key(name: str) -> int:
    """Return the key of a lock: 63 bits, so that two locks do not meet."""
    digest = hashlib.sha256(f"moma {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
