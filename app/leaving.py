"""Ends a process, without waiting for what it still loads in the background.

It knows no command, and what a command opened must be closed before.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from agents.errors import DrainingError

__all__ = ["cut_short", "leave", "leave_within"]


def leave(status: int) -> NoReturn:
    """End the process with `status`.

    A daemon thread within a library's own code would abort the process while the interpreter is taken down, so that
    is left out where one still runs.
    """
    # What would end the servers of MCP agents at exit is left out too; the module is there if there are any.
    if (sessions := sys.modules.get("agents.elsewhere.mcp_sessions")) is not None:
        with suppress(KeyboardInterrupt):  # who asked for the end need not wait for theirs
            sessions.close_all()
    _end(status)


def _end(status: int) -> NoReturn:
    if not any(thread.daemon for thread in threading.enumerate()):
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(status)


def leave_within(seconds: float, status: int) -> None:
    """End the process with `status` after so many seconds, if it has not ended by itself, and wait for nothing.

    Python waits for threads, and asyncio for tasks that were cancelled, however long they take; an agent may have left
    either behind.
    """
    timer = threading.Timer(seconds, _end, [status])
    timer.daemon = True
    timer.start()


def cut_short() -> DrainingError:
    """Return the error of a turn that the end of the process cuts short."""
    return DrainingError(
        "this process ends before the answer does; send the message again to go on", retry_after=1.0
    )
