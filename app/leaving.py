"""Ends a process, without waiting for what it still loads in the background.

It knows no command, and what a command opened must be closed before.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

__all__ = ["leave"]


def leave(status: int) -> NoReturn:
    """End the process with `status`.

    A daemon thread within a library's own code would abort the process while the interpreter is taken down, so that
    is left out where one still runs.
    """
    if not any(thread.daemon for thread in threading.enumerate()):
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(status)
