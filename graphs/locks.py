"""One fair lock for each thread of a saver, shared by all graphs that use the saver.

It knows nothing of graphs, and nothing of other processes.
"""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from weakref import WeakValueDictionary

_TABLE = "moma_locks"
_tables_guard = threading.Lock()


class FairLock:
    """A mutual exclusion in order of arrival, across event loops and threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
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
            self._held = False


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
