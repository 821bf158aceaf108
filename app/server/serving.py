"""Runs the application until it is told to end: no new turn is let in then, and those that run come to their end."""

import asyncio
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI

__all__ = ["serve"]


class _Server(uvicorn.Server):
    """Uvicorn's server, which drains before it ends, and then has ended well."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, *, seconds: float) -> None:
        super().__init__(config)
        self._app, self._seconds = app, seconds
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: object = None) -> None:
        """Start to listen."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]

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
        finally:
            self.should_exit = True


def serve(app: FastAPI, *, host: str, port: int, drain_seconds: float) -> bool:
    """Serve until a signal comes; return whether it could be started."""
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
        lifespan="on",
        timeout_keep_alive=75,
        # Streams are turns, which have been waited for; what is left then are bodies that are still being sent.
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, app, seconds=drain_seconds)
    server.run()
    return server.started
