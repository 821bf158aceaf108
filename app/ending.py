"""Runs a command on whatever standard streams it is given, and ends it with one clear line.

It knows no command.
"""

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

from agents.errors import MomaError

__all__ = ["ended"]


def ended(command: Callable[[], int]) -> int:
    """Run a command and return its exit status: its own, 2 for what it could not do, 130 if it was interrupted."""
    _open_streams()
    try:
        status = command()
        sys.stdout.flush()  # at exit Python would tell in its own way that the disk is full
        return status
    except MomaError as error:
        print(f"moma: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        print(f"moma: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _open_streams() -> None:
    """Give closed streams a place to go: what is opened later must not come to stand in theirs."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)
    if isinstance(
        sys.stdout, TextIOWrapper
    ):  # half a character of a file's is shown, not stumbled over
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Let what Python flushes at exit go nowhere: it must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
