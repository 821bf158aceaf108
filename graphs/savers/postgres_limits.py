"""How long PostgreSQL is waited for. It needs the extra `postgres`, and knows nothing of what is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

__all__ = ["CONNECT_S", "answered"]

CONNECT_S = 5.0
_ANSWER_S = 10.0
"""A turn asks a few questions, each of which takes milliseconds."""


@asynccontextmanager
async def answered() -> AsyncIterator[None]:
    """Wait for what the database says to one question, not for ever: one that hangs says nothing.

    Raises:
        psycopg.OperationalError: it said nothing for too long.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            yield
    except TimeoutError:
        raise psycopg.OperationalError(
            f"the database gave no answer within {_ANSWER_S:g} s"
        ) from None
