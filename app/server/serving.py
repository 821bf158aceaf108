"""Runs the application until it is told to end: no new turn is let in then, and those that run come to their end."""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn
from fastapi import FastAPI

__all__ = ["serve"]


class _Server(uvicorn.Server):
    """Uvicorn's server, which drains before it ends, and then has ended well.

    It opens the application's resources itself: uvicorn would tell of one that cannot be opened with a traceback.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        *,
        seconds: float,
        threads: int,
        listening: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._app, self._seconds, self._threads = app, seconds, threads
        self._listening, self._closed = listening, closed
        self._opened = AsyncExitStack()
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: object = None) -> None:
        """Open what requests are served with, and start to listen.

        Raises:
            MomaError: it cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(
            ThreadPoolExecutor(self._threads, thread_name_prefix="moma-work")
        )
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._app.router.lifespan_context(self._app))
            await super().startup(sockets)  # type: ignore[arg-type]
            self._opened = opened.pop_all()
        self._listening()

    async def shutdown(self, sockets: object = None) -> None:
        """Stop to listen, and close what was opened."""
        await super().shutdown(sockets)  # type: ignore[arg-type]
        if not self.force_exit:
            await self._opened.aclose()
            self._closed()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, end at once at the second."""
        if self._loop is None or self._draining is not None:
            self.should_exit = True
            self.force_exit = self._draining is not None and sig == signal.SIGINT
        else:
            self._loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            resources = getattr(self._app.state, "resources", None)
            if resources is not None:
                await resources.services.admission.drain(self._seconds)
                resources.ending.set()
        finally:
            self.should_exit = True


def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    drain_seconds: float,
    threads: int,
    listening: Callable[[], None],
    closed: Callable[[], None],
) -> bool:
    """Serve until a signal comes; return whether it could be started.

    Args:
        app: what is served.
        host: the address to listen on.
        port: the port to listen on.
        drain_seconds: how long running turns may take to end.
        threads: how many there may be for work that would hold up the event loop, names of hosts and budgets among
            it. What an agent does in one that hangs keeps it.
        listening: is called when it listens.
        closed: is called when all is closed, but for what an agent has left behind.

    Raises:
        MomaError: what requests are served with cannot be opened.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,  # so that its lines go where all go, and keys are taken out of them
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=75,
        # Turns have been waited for, and cut with a word; what is left are bodies that are still being sent.
        timeout_graceful_shutdown=5,
    )
    server = _Server(
        config, app, seconds=drain_seconds, threads=threads, listening=listening, closed=closed
    )
    try:
        server.run()
    except SystemExit:  # uvicorn has told why it cannot listen, and would choose the status
        return False
    return server.started
