"""How many turns run at once in this process and how many wait; more are refused at once, with when to come again.

It counts turns and knows nothing of what they do. Turns that wait for their thread wait here, without a place among
those that run.
"""

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from langgraph.runtime import RunControl

from agents.errors import CallerOverloadError, DrainingError, OverloadError
from graphs.locks import FairLock

_WEIGHT = 0.1
"""Of the newest turn in the typical duration."""
_POLL_S = 0.02


class Admission:
    """Lets turns in, from any thread and event loop."""

    def __init__(self, *, at_once: int, waiting: int, per_user: int | None = None) -> None:
        self.at_once, self.most, self.per_user = at_once, at_once + waiting, per_user
        self._places = FairLock(places=at_once)
        self._guard = threading.Lock()
        self._users: Counter[str] = Counter()
        self._running: set[RunControl] = set()
        self._typical_s = 1.0
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether no turn is let in any more."""
        return self._draining

    @property
    def admitted(self) -> int:
        """The turns that run or wait."""
        return self._users.total()

    @contextmanager
    def turn(self, user: str) -> Iterator[None]:
        """Let a turn of `user` in until the block ends.

        Raises:
            OverloadError: too many turns run and wait already.
            CallerOverloadError: too many of this user do.
            DrainingError: the process is about to end.
        """
        with self._guard:
            self._refuse(user)
            self._users[user] += 1
        try:
            yield
        finally:
            with self._guard:
                self._users[user] -= 1
                self._users += Counter()  # drops who has none

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunControl]:
        """Wait for a place among the turns that run; what is yielded can end the run between two steps."""
        async with self._places:
            control, began = RunControl(), time.monotonic()
            with self._guard:
                self._running.add(control)
                if self._draining:
                    control.request_drain()
            try:
                yield control
            finally:
                with self._guard:
                    self._running.discard(control)
                    took = time.monotonic() - began
                    self._typical_s += _WEIGHT * (took - self._typical_s)

    async def drain(self, seconds: float) -> int:
        """Let no turn in any more and wait for those that are; return how many are left after so many seconds.

        In the second half of that time turns end at their next step, where they can be taken up again.
        """
        with self._guard:
            self._draining = True
        until = time.monotonic() + seconds
        await self._emptied(until - seconds / 2)
        with self._guard:
            for control in self._running:
                control.request_drain()
        await self._emptied(until)
        return self.admitted

    async def _emptied(self, until: float) -> None:
        # Turns end in other threads and event loops too, for which an event of this loop would be no match.
        while self.admitted and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)

    def _refuse(self, user: str) -> None:
        if self._draining:
            raise DrainingError(
                "this process is about to end; send the message again in a moment", retry_after=1.0
            )
        wait = math.ceil(self._typical_s * max(1, self.admitted - self.at_once) / self.at_once)
        if self.admitted >= self.most:
            raise OverloadError(
                f"{self.admitted} turns run or wait already; come again in {wait} s",
                retry_after=wait,
            )
        if self.per_user is not None and self._users[user] >= self.per_user:
            raise CallerOverloadError(
                f"{user!r} has {self._users[user]} turns under way, the most that one user may; "
                f"come again in {wait} s",
                retry_after=wait,
            )
