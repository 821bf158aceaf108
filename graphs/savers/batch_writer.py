"""Writes to a store in batches: what comes while a transaction is under way goes into the next one.

So a write waits for one commit, however many turns run, and one that fails leaves nothing behind. What another write is
sure to follow can be left for that one's transaction. It knows no threads and no checkpoints, and no store either: how
a batch is committed is for its subclasses to say.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["BatchWriter", "Statement"]

_LONGEST_LEFT_S = 0.02
"""How long what was left for the next transaction waits for it."""

Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL, and the rows of values that it is executed for."""


@dataclass(frozen=True, slots=True)
class _Write:
    statements: Sequence[Statement]
    done: "asyncio.Future[None]"


class BatchWriter(ABC):
    """Commits writes in the order in which they come. It is used from one event loop."""

    store_error: ClassVar[type[Exception]]
    """What the store raises where it cannot be written at all: no write of a batch is tried again by itself then."""

    def __init__(self) -> None:
        self._waiting: list[_Write] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, *statements: Statement) -> None:
        """Execute the statements, all or none of them; return when they are safe on the disk.

        Raises:
            Exception: what the store raised; nothing was written.
        """
        done = self._put(statements)
        self._flush_soon()
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            # It is committed all the same, and whoever holds its thread must not let go of it before.
            await asyncio.wait([done])
            raise

    def leave(self, *statements: Statement) -> "asyncio.Future[None]":
        """Have the statements executed with the next write, or soon if none comes; the future is done when they are.

        Writes are committed in the order in which they came, so once that next write is safe, this one is.
        """
        asyncio.get_running_loop().call_later(_LONGEST_LEFT_S, self._flush_soon)
        return self._put(statements)

    async def settle(self) -> None:
        """Return when all that was given so far is safe on the disk, or has failed."""
        if (flushing := self._flush_soon()) is not None:
            await asyncio.wait(
                [flushing]
            )  # others wait for it too: it must not end with who waits here

    @abstractmethod
    async def _commit(self, batch: Sequence[Sequence[Statement]]) -> None:
        """Write a batch in one transaction, all or nothing of it."""

    def _put(self, statements: Sequence[Statement]) -> "asyncio.Future[None]":
        write = _Write(statements, asyncio.get_running_loop().create_future())
        write.done.add_done_callback(_take_note)  # whoever wrote it may never ask, or be gone
        self._waiting.append(write)
        return write.done

    def _flush_soon(self) -> "asyncio.Task[None] | None":
        """Begin to commit what waits, if anything does; return the task that does."""
        if self._waiting and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.get_running_loop().create_task(self._flush())
        return self._flushing

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._try(batch)

    async def _try(self, batch: Sequence[_Write]) -> None:
        """Commit a batch and tell who waits; values that the store does not take must not take others with them."""
        try:
            await self._commit([write.statements for write in batch])
        except Exception as error:  # noqa: BLE001 whoever waits must be told, whatever broke
            if isinstance(error, self.store_error) or len(batch) == 1:
                _end(batch, error)
                return
            for write in batch:
                await self._try([write])
        except BaseException:  # the loop ends: nobody may wait for ever
            for write in batch:
                write.done.cancel()
            raise
        else:
            _end(batch, None)


def _end(batch: Sequence[_Write], error: Exception | None) -> None:
    for write in batch:
        if write.done.done():  # its turn was cancelled
            continue
        if error is None:
            write.done.set_result(None)
        else:
            write.done.set_exception(error)


def _take_note(done: "asyncio.Future[None]") -> None:
    """Look at how a write ended: asyncio logs a failure that nobody looked at."""
    if not done.cancelled():
        done.exception()
