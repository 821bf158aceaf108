"""Embeds texts before a turn asks for them: the user's while the thread is read, the others while the user reads them.

It only saves time: what it did not do in time, or what went wrong in it, the turn does itself, within its own limits.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from graphs.admission import Admission
from graphs.routing.dialogue import Dialogue
from graphs.routing.router import Router
from graphs.timed_pool import TimedPool

__all__ = ["Ahead"]

_LISTEN_S = 0.1
"""So long after a turn, if no other is under way then, there is time for what may help the next."""
_WAIT_S = 0.02
"""How long a turn waits for what was begun ahead of it."""


class Ahead:
    """What is embedded ahead of the turns of one process; nothing before its routers are loaded."""

    def __init__(
        self, router: Callable[[], Router | None], *, admission: Admission, pool: TimedPool
    ) -> None:
        """Begin nothing yet.

        Args:
            router: returns the routers once they are loaded.
            admission: knows how many turns are under way.
            pool: runs what nobody waits for.
        """
        self._router, self._admission, self._pool = router, admission, pool
        # Not in the pool: a text that hangs there would shorten the time of the turn that asks for it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moma-ahead")
        self._text = ""
        self._begun: Future[None] | None = None
        self._closed = False

    def foresee(self, text: str) -> None:
        """Embed what the user says while the thread is still being read.

        With other turns under way it is only announced: whoever embeds next takes it along.
        """
        router = self._router()
        if router is None:
            return
        busy = self._begun is not None and not self._begun.done()
        if busy or self._admission.admitted > 1:
            router.expect(text, Dialogue())
        elif not self._closed:
            self._begun = self._thread.submit(router.read, text, Dialogue())
            self._text = text

    async def foreseen(self, text: str) -> None:
        """Wait until what `foresee` began with `text`, if it did, has ended; not for long, as it might hang."""
        begun = self._begun
        if begun is not None and self._text == text and not begun.done():
            ahead = asyncio.wrap_future(begun)
            # What went wrong is found again, and told, when the turn embeds its text itself.
            ahead.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait([ahead], timeout=_WAIT_S)

    def hear(self, dialogue: Dialogue) -> None:
        """Embed what was said while the user reads it, so that the next choice need not wait for that.

        Where other turns are under way it is left to that choice: they would wait for it, and a dialogue may end here.
        """
        if self._router() is not None:
            asyncio.get_running_loop().call_later(_LISTEN_S, self._hear, dialogue)

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        self._thread.shutdown(wait=False)

    def _hear(self, dialogue: Dialogue) -> None:
        router = self._router()
        if router is not None and not self._admission.admitted:
            self._pool.start(partial(router.hear, dialogue))
