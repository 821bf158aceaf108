"""Waits for foreign work no longer than somebody wants it: what goes on although it was cancelled is left behind.

A coroutine can catch its cancellation and go on for ever, and whoever awaits it would wait as long. It knows nothing
of what the work does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["while_wanted"]

_T = TypeVar("_T")
_GRACE_S = 0.5
"""How long cancelled work may take to put its things in order."""


async def while_wanted(work: Coroutine[Any, Any, _T]) -> _T:
    """Return what `work` returns or raise what it raises; it is cancelled with this task, which waits a moment then."""
    working = asyncio.get_running_loop().create_task(_told(work))
    working.add_done_callback(_take_note)
    try:
        ended = await asyncio.shield(working)
    except asyncio.CancelledError:
        working.cancel()
        await asyncio.wait([working], timeout=_GRACE_S)
        raise
    if isinstance(ended, SystemExit):
        raise ended
    return ended


async def _told(work: Coroutine[Any, Any, _T]) -> _T | SystemExit:
    """Return the wish to end the process instead of raising it: a task that raises it ends the event loop."""
    try:
        return await work
    except SystemExit as wish:
        return wish


def _take_note(working: "asyncio.Task[Any]") -> None:
    """Look at how it ended: asyncio logs a failure that nobody looked at, with a text that may quote the user."""
    if not working.cancelled():
        working.exception()
