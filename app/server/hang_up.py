"""Work for a client that may hang up: it ends with the connection or the process, and what it holds is given back."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from app.leaving import cut_short
from app.server.errors import ApiError

__all__ = ["gone", "unless_gone"]

_T = TypeVar("_T")


async def gone(receive: Receive) -> None:
    """Return when the client has hung up; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """Return what `work` does.

    Raises:
        ApiError: the client hung up before; the work was cancelled and has ended.
        DrainingError: the process ends; the same.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(gone(request.receive))
    ending = asyncio.ensure_future(request.app.state.resources.ending.wait())
    try:
        await asyncio.wait({working, watching, ending}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ApiError(499, "the client hung up") if watching.done() else cut_short()
    finally:
        await _ended(watching)
        await _ended(ending)
        await _ended(working)


async def _ended(task: "asyncio.Future[Any]") -> None:
    """Cancel a task and wait until it has ended; what it raised is told by who waits for its result."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
