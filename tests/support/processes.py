"""Processes that are really killed: each is forked from one that has imported everything, so that it starts at once.

A process runs a function of `tests.support.drivers` and sends what happens, which its parent reads; what was sent
before it was killed still arrives.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import Any

from tests.support.waiting import PATIENCE_S

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.preloaded"])


class Process:
    """A process and what it has sent."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._inbox, outbox = _context.Pipe(duplex=False)
        self._process = _context.Process(target=work, args=(outbox, *arguments), daemon=True)
        self._process.start()
        outbox.close()
        assert self.receive() == "ready"

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def receive(self, seconds: float = PATIENCE_S) -> Any:
        """Return the next thing that it sent; None when it has ended and everything is read."""
        assert self._inbox.poll(seconds), f"nothing came within {seconds:g} s"
        try:
            return self._inbox.recv()
        except EOFError:
            return None

    def waits(self, seconds: float) -> bool:
        """Return whether something to receive comes within so many seconds."""
        return self._inbox.poll(seconds)

    def rest(self) -> Iterator[Any]:
        """Yield what it still sends, until it ends."""
        while (sent := self.receive()) is not None:
            yield sent

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()
        self.join()

    def join(self) -> int:
        """Wait for its end; return its exit status, negative for a signal."""
        self._process.join(PATIENCE_S)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode


@contextmanager
def running(work: Callable[..., None], *arguments: Any) -> Iterator[Process]:
    """Run `work` in a process that is ready when the block begins and gone when it ends."""
    process = Process(work, *arguments)
    try:
        yield process
    finally:
        process.kill()


def meeting_of(processes: int) -> Barrier:
    """Return where so many processes wait for each other."""
    return _context.Barrier(processes)
