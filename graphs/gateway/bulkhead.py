"""How many calls one provider or one caller may have open at once, so that none of them takes the room of the others.

It knows neither: they are names. Whoever finds no place waits in order of arrival, across event loops and threads.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Room:
    free: int
    waiting: deque[Future[None]] = field(default_factory=deque)


class Bulkhead:
    """A number of places for each name."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._guard = threading.Lock()
        self._rooms: dict[str, _Room] = {}

    @property
    def names(self) -> int:
        """How many names have a call open or waiting."""
        with self._guard:
            return len(self._rooms)

    @asynccontextmanager
    async def place(
        self, name: str, *, seconds: float, otherwise: Exception
    ) -> AsyncIterator[None]:
        """Hold one of the places of `name`, or raise `otherwise` if none comes free within `seconds`."""
        try:
            await self._enter(name, seconds)
        except TimeoutError:
            raise otherwise from None
        try:
            yield
        finally:
            self._leave(name)

    async def _enter(self, name: str, seconds: float) -> None:
        with self._guard:
            room = self._rooms.setdefault(name, _Room(self._places))
            if room.free > 0:
                room.free -= 1
                return
            turn: Future[None] = Future()
            room.waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wrap_future(turn)
        except BaseException:
            if not turn.cancel():  # the place was ours already
                self._leave(name)
            raise

    def _leave(self, name: str) -> None:
        with self._guard:
            room = self._rooms[name]
            while room.waiting:
                turn = room.waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            room.free += 1
            if room.free == self._places:
                del self._rooms[name]
