"""A few threads for work that must not hold up a turn: each job is timed from when it begins, not while it waits.

A job that hangs cannot be ended, only left behind with the thread that it keeps. While one hangs nobody waits for the
others, and after several in a row the pool rests as a deployment does. It knows nothing of what the jobs do.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from agents.errors import RoutingError
from graphs.gateway.breaker import Breaker

__all__ = ["TimedPool"]

_T = TypeVar("_T")
_SHORTEST_LOOK_S = 0.001


class TimedPool:
    """Threads with a time limit."""

    def __init__(self, *, workers: int, seconds: float, name: str) -> None:
        self.seconds = seconds
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name)
        self._began: dict[object, float] = {}
        self._breaker = Breaker()

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what `work` returns, or raise what it raises.

        Raises:
            RoutingError: it took longer than the limit, or an earlier job did and still runs.
        """
        permit = None if self._overdue() else self._breaker.admit()
        if permit is None:
            raise RoutingError(f"an earlier one took more than {self.seconds:g} s, so it rests")
        job = object()
        done = asyncio.wrap_future(self._submit(job, work))
        good: bool | None = None
        try:
            while not (await asyncio.wait({done}, timeout=self._next_look()))[0]:
                if overdue := self._overdue():
                    good = False if job in overdue else None
                    raise RoutingError(f"it took more than {self.seconds:g} s")
            good = True
            return done.result()
        finally:
            done.cancel()
            self._breaker.settle(permit, good=good)

    def start(self, work: Callable[[], object]) -> None:
        """Let `work` run for nobody in particular; it is dropped while the pool is shut or a job hangs."""
        if not self._overdue():
            with suppress(RuntimeError):  # the pool is closed
                self._submit(object(), work)

    def close(self) -> None:
        """Take no more jobs; those that run are not waited for."""
        self._pool.shutdown(wait=False)

    def _submit(self, job: object, work: Callable[[], _T]) -> Future[_T]:
        def timed() -> _T:
            self._began[job] = time.monotonic()
            try:
                return work()
            finally:
                del self._began[job]

        return self._pool.submit(timed)

    def _overdue(self) -> list[object]:
        since = time.monotonic() - self.seconds
        return [job for job, began in [*self._began.items()] if began <= since]

    def _next_look(self) -> float:
        """Return in how many seconds the next of the running jobs would be overdue."""
        began = min([*self._began.values()], default=time.monotonic())
        return max(_SHORTEST_LOOK_S, began + self.seconds - time.monotonic())
