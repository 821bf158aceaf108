"""Runs symbolic computations in worker processes that are ended when they take too long. It knows no mathematics.

Workers start on first use, are used again while they behave, and end with this process. A computation that is cut off
leaves no thread and no process behind.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from functools import cache
from typing import Any

from agents.calculator.problems import NotACalculation, Refused
from agents.errors import AgentError

_MODULE = "agents.calculator.worker"
_START_SECONDS = 20.0
_GRACE_SECONDS = (
    0.3  # the worker's own alarm comes first; this is for one that does not even do that
)
_AT_ONCE = 2


class Pool:
    """At most two workers, handed out to one computation each."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._idle: list[subprocess.Popen[str]] = []
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._owner = os.getpid()
        atexit.register(self.close)

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compute `request` in a worker.

        Raises:
            Refused: it takes too long, is too large, or has no answer.
            NotACalculation: it cannot be read.
            AgentError: no worker can be started.
        """
        if not self._slots.acquire(timeout=self._seconds):
            raise Refused("The calculator is busy; please try again in a moment.")
        try:
            reply = self._ask(request)
        finally:
            self._slots.release()
        if "refused" in reply:
            raise Refused(reply["refused"])
        if "unread" in reply:
            raise NotACalculation(reply["unread"])
        answer: dict[str, Any] = reply["answer"]
        return answer

    def close(self) -> None:
        """End every idle worker."""
        if os.getpid() != self._owner:
            self._idle.clear()  # a forked child must not end its parent's workers
        while self._idle:
            _end(self._idle.pop())

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        worker = self._take()
        line = _exchange(worker, json.dumps(request), seconds=self._seconds + _GRACE_SECONDS)
        if line is None:
            _end(worker)
            raise Refused(
                f"I stopped that computation: it needs more than {self._seconds:g} seconds or too much memory."
            )
        self._idle.append(worker)
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _take(self) -> subprocess.Popen[str]:
        if os.getpid() != self._owner:  # forked: the pipes belong to the parent
            self._idle, self._owner = [], os.getpid()
        while self._idle:
            worker = self._idle.pop()
            if worker.poll() is None:
                return worker
            _end(worker)
        return _start(self._seconds)


@cache
def shared_pool(seconds: float) -> Pool:
    """Return the process's pool for that time limit."""
    return Pool(seconds=seconds)


def _start(seconds: float) -> subprocess.Popen[str]:
    # The child gets the import path and nothing else of the environment: no keys.
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    worker = subprocess.Popen(  # noqa: S603  # a fixed command, no shell
        [sys.executable, "-m", _MODULE, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
        text=True,
        encoding="utf-8",
    )
    if _read(worker, seconds=_START_SECONDS) is None:
        _end(worker)
        raise AgentError(
            "The calculator's worker process does not start; run `python -m app.doctor`."
        )
    return worker


def _exchange(worker: subprocess.Popen[str], line: str, *, seconds: float) -> str | None:
    assert worker.stdin is not None
    try:
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    return _read(worker, seconds=seconds)


def _read(worker: subprocess.Popen[str], *, seconds: float) -> str | None:
    """Return one line, or None if the worker ended or had to be ended."""
    assert worker.stdout is not None
    clock = threading.Timer(seconds, worker.kill)
    clock.daemon = True
    clock.start()
    try:
        return worker.stdout.readline() or None
    finally:
        clock.cancel()


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                pass  # what was not sent is of no use to an ended worker
