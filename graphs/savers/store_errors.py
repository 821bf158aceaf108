"""What a store of threads raises, turned into one line. It knows no store but by the classes of its errors."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from agents.errors import CheckpointError


@contextmanager
def checkpoint_errors() -> Iterator[None]:
    """Turn what a store raises into one line.

    Raises:
        CheckpointError: the thread could not be read or written.
    """
    try:
        yield
    except _raised() as error:
        raise CheckpointError(
            f"the thread could not be read or written ({error}); the turn was not taken"
        ) from error


def _raised() -> tuple[type[Exception], ...]:
    """Return what stores raise; PostgreSQL's driver is an extra, and loaded only where it is used."""
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error, psycopg.Error) if psycopg else (sqlite3.Error,)


@contextmanager
def readable() -> Iterator[None]:
    """Turn what the reading of a thread raises into one line.

    Raises:
        CheckpointError: the thread could not be read.
    """
    with checkpoint_errors():
        try:
            yield
        except (
            AttributeError, LookupError, NotImplementedError, RecursionError, TypeError, ValueError,
        ) as error:  # fmt: skip  # what the serialiser raises, and LangGraph on values that are none of its own
            raise CheckpointError(
                f"the saved thread is damaged ({type(error).__name__}); go on in another thread"
            ) from error
