"""Connections to one MCP server: one for each user, so that a server with a memory never mixes two of them up.

A connection is kept while it is used, in an event loop of its own, because turns may run in any loop and what opens a
connection must close it. It knows no model and no tool.
"""

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeVar

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, METHOD_NOT_FOUND, PARSE_ERROR, REQUEST_TIMEOUT
from pydantic import ValidationError

from agents.elsewhere.entries import McpEntry
from agents.elsewhere.mcp_http import Heard, make_client
from agents.elsewhere.secrets import environment_of, headers_of
from agents.errors import UnreachableError

__all__ = ["McpSessions", "close_all"]

IDLE_S = 60.0
"""After so long without a call a connection is closed."""
MOST_USERS = 32
"""Connections that are kept at once; the one that was idle longest makes room."""
_CLOSING_S = 8.0
_FORGOT = 404
"""The HTTP status for a session that a server does not know, as after its restart; the codes beside it differ."""
_T = TypeVar("_T")
_TROUBLE = (MCPError, OSError, ValidationError, ValueError, RuntimeError, ExceptionGroup, httpx2.HTTPError)  # fmt: skip


class McpSessions:
    """The connections to the server of one agent. Calls may come from any event loop."""

    def __init__(self, entry: McpEntry, *, name: str) -> None:
        self._entry, self._name = entry, name
        self._held: dict[str, _Held] = {}
        _every.add(self)

    async def run(
        self, work: Callable[[Client], Awaitable[_T]], *, user: str, home: Path, again: bool = False
    ) -> _T:
        """Do `work` with a connection of this user's.

        Args:
            work: what is done; it must end within the entry's `seconds`.
            user: whose connection it is.
            home: where the server's own messages are written, in `logs`.
            again: whether it may be done once more, on a new connection, when one that was kept turns out dead.

        Raises:
            UnreachableError: the server cannot be started or reached, ends, hangs, or answers what is not MCP.
            MCPError: the server refused.
        """
        running = asyncio.run_coroutine_threadsafe(
            self._run(work, user=user, home=home, again=again), _loop()
        )
        return await asyncio.wrap_future(running)

    async def _run(
        self, work: Callable[[Client], Awaitable[_T]], *, user: str, home: Path, again: bool
    ) -> _T:
        held = self._held.get(user)
        kept = held is not None and not held.ended
        if held is None or held.ended:
            self._make_room()
            heard = Heard()
            held = self._held[user] = _Held(
                lambda: self._open(home, heard), heard=heard, seconds=self._entry.seconds
            )
        held.begin()
        try:
            client = await held.client()
            async with asyncio.timeout(self._entry.seconds):
                return await work(client)
        except (*_TROUBLE, TimeoutError) as error:
            code = error.code if isinstance(error, MCPError) else None
            forgot = held.heard.status == _FORGOT and code != METHOD_NOT_FOUND
            if not forgot and code not in (None, CONNECTION_CLOSED, REQUEST_TIMEOUT):
                raise
            held.end()
            too_late = isinstance(error, TimeoutError) or (code == REQUEST_TIMEOUT and not forgot)
            if too_late or not (kept and again):
                raise UnreachableError(self._told(error, held.heard)) from error
        finally:
            held.leave()
        return await self._run(work, user=user, home=home, again=False)

    def _told(self, error: BaseException, heard: Heard) -> str:
        """Return what is wrong in words of our own: the server's may hold anything."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        timed_out = isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT
        if isinstance(error, TimeoutError) or timed_out:
            return f"the MCP server {self._name} did not answer within {self._entry.seconds:g} s"
        if isinstance(error, FileNotFoundError | PermissionError):
            return f"the MCP server {self._name} cannot be started: {error.strerror}"
        if isinstance(error, MCPError | httpx2.HTTPStatusError) and heard.fault:
            return f"the MCP server {self._name} {heard.fault}"
        if isinstance(error, MCPError) and error.code != PARSE_ERROR:
            where = f"; see logs/mcp-{self._name}.log" if self._entry.command else ""
            return f"the MCP server {self._name} ended or closed the connection{where}"
        if isinstance(error, httpx2.HTTPError | OSError):
            return f"the MCP server {self._name} cannot be reached ({type(error).__name__})"
        return f"the MCP server {self._name} answers what is not MCP ({type(error).__name__})"

    @asynccontextmanager
    async def _open(self, home: Path, heard: Heard) -> AsyncIterator[Client]:
        entry = self._entry
        async with AsyncExitStack() as stack:
            if entry.command:
                log = await asyncio.to_thread(_log, home, self._name)
                stack.callback(log.close)
                parameters = StdioServerParameters(
                    command=entry.command, args=list(entry.args), env=environment_of(entry.env)
                )
                transport = stdio_client(parameters, errlog=log)
            else:
                headers = headers_of(entry.headers_env)
                http = await asyncio.to_thread(
                    make_client, headers, seconds=entry.seconds, heard=heard
                )
                await stack.enter_async_context(http)
                transport = streamable_http_client(entry.url, http_client=http)
            yield await stack.enter_async_context(
                Client(transport, read_timeout_seconds=entry.seconds)
            )

    def _make_room(self) -> None:
        self._held = {user: held for user, held in self._held.items() if not held.ended}
        idle = [user for user, held in self._held.items() if not held.calls]
        if len(self._held) >= MOST_USERS and idle:
            self._held.pop(min(idle, key=lambda user: self._held[user].used)).end()

    async def close(self) -> None:
        """Close every connection; a later call opens a new one."""
        held, self._held = [*self._held.values()], {}
        for each in held:
            each.end(cut=True)
        await asyncio.gather(*(each.gone() for each in held))


class _Held:
    """One connection and the task that opens and closes it."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[Client]],
        *,
        heard: Heard,
        seconds: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.heard = heard
        self.calls = 0
        self.used = loop.time()
        self._connect, self._seconds = connect, seconds
        self._client: asyncio.Future[Client] = loop.create_future()
        self._over, self._left = asyncio.Event(), asyncio.Event()
        self._task = loop.create_task(self._hold())

    @property
    def ended(self) -> bool:
        return self._over.is_set() or self._task.done()

    async def client(self) -> Client:
        return await asyncio.shield(self._client)

    def begin(self) -> None:
        self.calls += 1

    def leave(self) -> None:
        self.calls -= 1
        self.used = asyncio.get_running_loop().time()
        if self.ended and not self.calls:
            self._left.set()

    def end(self, *, cut: bool = False) -> None:
        """Let no call begin any more; those that run have their time, unless they are cut."""
        self._over.set()
        if cut or not self.calls:
            self._left.set()

    async def gone(self) -> None:
        await asyncio.wait([self._task], timeout=_CLOSING_S)

    async def _hold(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._seconds):
                    client = await stack.enter_async_context(self._connect())
                self._client.set_result(client)
                await self._until_over()
        except Exception as error:  # noqa: BLE001 a background task: whoever waits for the connection gets the error
            if not self._client.done():
                self._client.set_exception(error)
                self._client.exception()  # where nobody waits any more, it is no news
        finally:
            self._over.set()

    async def _until_over(self) -> None:
        loop = asyncio.get_running_loop()
        while self.calls or loop.time() - self.used < IDLE_S:
            try:
                async with asyncio.timeout(IDLE_S / 4):
                    await self._over.wait()
            except TimeoutError:
                continue
            await self._left.wait()
            return


_every: "weakref.WeakSet[McpSessions]" = weakref.WeakSet()
_running: tuple[int, threading.Thread, asyncio.AbstractEventLoop] | None = None
_guard = threading.Lock()


def close_all() -> None:
    """Close every connection of this process and wait until their servers have ended."""
    if _running is None or _running[0] != os.getpid() or not _running[1].is_alive():
        return
    for sessions in [*_every]:
        closing = asyncio.run_coroutine_threadsafe(sessions.close(), _running[2])
        with suppress(TimeoutError):  # a server that will not end is not waited for
            closing.result(2 * _CLOSING_S)


def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all connections, in a thread of its own; a forked process starts another."""
    global _running
    with _guard:
        if _running is None or _running[0] != os.getpid() or not _running[1].is_alive():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="moma-mcp", daemon=True)
            thread.start()
            _running = os.getpid(), thread, loop
            atexit.register(close_all)
        return _running[2]


def _log(home: Path, name: str) -> TextIO:
    """Open the file of what the server writes to its standard error; it is its owner's only."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open(
        os.open(folder / f"mcp-{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        "a",
        encoding="utf-8",
    )
