"""One fair lock for each thread of a saver, shared by all graphs that use the saver.

It knows nothing of graphs. Between processes it asks what the saver brings for that, if it brings anything.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Protocol
from weakref import WeakValueDictionary

_TABLE, _BETWEEN = "moma_locks", "moma_between_processes"
_SET_UP = "set up"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.01
_tables_guard = threading.Lock()


class FairLock:
    """A mutual exclusion in order of arrival, across event loops and threads; with places, that many may have it."""

    def __init__(self, places: int = 1) -> None:
        self._guard = threading.Lock()
        self._free = places
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._guard:
            if self._free:
                self._free -= 1
                return
            turn: Future[None] = Future()
            self._waiting.append(turn)
        try:
            await asyncio.wrap_future(turn)
        except BaseException:
            if not turn.cancel():  # the lock was ours already
                self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        with self._guard:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._free += 1


class ProcessLocks(Protocol):
    """Locks with names that only one process has at a time; a process that ends has none."""

    async def take(self, name: str) -> bool:
        """Take a lock; return whether this process has it now."""
        ...

    async def give_back(self, name: str) -> None:
        """Give back a lock that was taken, even if whoever does it is cancelled."""
        ...


@asynccontextmanager
async def turn_on(saver: object, thread_id: str) -> AsyncIterator[None]:
    """Hold a thread: first among the turns of this process, then among processes."""
    between: ProcessLocks | None = vars(saver).get(_BETWEEN)
    async with lock_of(saver, thread_id):
        if between is None:
            yield
            return
        # Who waits for a thread holds the place behind it: a process with many turns must let others in between.
        behind = f"next: {thread_id}"
        await _take(between, behind)
        try:
            await _take(between, thread_id)
        except BaseException:
            await between.give_back(behind)
            raise
        try:
            await between.give_back(behind)
            yield
        finally:
            await between.give_back(thread_id)


@asynccontextmanager
async def setting_up(locks: ProcessLocks) -> AsyncIterator[None]:
    """Let one process at a time make the tables of a store."""
    await _take(locks, _SET_UP)
    try:
        yield
    finally:
        await locks.give_back(_SET_UP)


async def _take(locks: ProcessLocks, name: str) -> None:
    pause = _FIRST_PAUSE_S
    while not await locks.take(name):
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def lock_between_processes(saver: object, locks: ProcessLocks) -> None:
    """Let the threads of `saver` be held between processes by `locks`, and all savers of these share their turns."""
    vars(saver)[_BETWEEN] = locks
    share_locks(locks, saver)


def locks_of(saver: object) -> WeakValueDictionary[str, FairLock]:
    """Return the locks that are held or awaited in a store, by thread.

    They are kept on the saver itself, because LangGraph compiles a graph with a shallow copy of its saver: all
    copies have them in common.
    """
    with _tables_guard:
        table: WeakValueDictionary[str, FairLock]
        table = vars(saver).setdefault(_TABLE, WeakValueDictionary())
        return table


def lock_of(saver: object, thread_id: str) -> FairLock:
    """Return the lock of a thread; it lives as long as someone holds or awaits it."""
    locks = locks_of(saver)
    with _tables_guard:
        lock = locks.get(thread_id)
        if lock is None:
            lock = locks[thread_id] = FairLock()
        return lock


def share_locks(saver: object, wrapper: object) -> None:
    """Let `wrapper`, which reads and writes by `saver`, have its locks."""
    vars(wrapper)[_TABLE] = locks_of(saver)
    if (between := vars(saver).get(_BETWEEN)) is not None:
        vars(wrapper)[_BETWEEN] = between
