"""A fake language-model provider that misbehaves to order: a real HTTP server on 127.0.0.1 in a thread of its own.

It speaks OpenAI's chat completions with streaming and records what it is asked. It knows nothing of MoMA and of models.

    with FakeProvider(status(500), ok("Hello.")) as provider:
        ...  # the first request fails, all others are answered; `provider.requests` holds them
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.support.waiting import PATIENCE_S

SILENCE_S = 3_600.0
"""Longer than any test waits; a reply ends at once when its client hangs up or the server stops."""

Usage = tuple[int, int] | None
"""Tokens read and written; None: the provider does not say."""


@dataclass(kw_only=True)
class Seen:
    """One request, and what became of its connection."""

    path: str
    headers: Mapping[str, str]
    body: Any
    at: float
    """When it came, on the monotonic clock."""
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when the client closed the connection before the answer was whole."""


class Wire:
    """The server's side of one request."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send raw bytes at once."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers; the body ends with the connection."""
        lines = [f"HTTP/1.1 {status} Fake", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def event(self, data: Any) -> None:
        """Send one server-sent event."""
        text = data if isinstance(data, str) else json.dumps(data)
        await self.send(f"data: {text}\n\n".encode())

    def reset(self) -> None:
        """Drop the connection with RST instead of FIN."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Reply = Callable[[Wire, Seen], Awaitable[None]]


def ok(text: str = "Hello there.", *, usage: Usage = (11, 7), every: float = 0) -> Reply:
    """Answer `text`, word by word, `every` so many seconds: words that come at once may be read as one piece."""
    words = text.split(" ")
    deltas = [{"content": word + " "} for word in words[:-1]] + [{"content": words[-1]}]
    return stream(*deltas, usage=usage, every=every)


def stream(
    *deltas: Mapping[str, Any],
    finish: str | None = "stop",
    usage: Usage = (11, 7),
    every: float = 0,
    done: bool = True,
) -> Reply:
    """Stream `deltas` as they are, `every` so many seconds; without `done` the stream does not say that it ends."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await _stream_head(wire)
        for delta in deltas:
            await wire.event(_chunk(delta))
            await asyncio.sleep(every)
        if finish:
            await wire.event(_chunk({}, finish=finish))
        if usage:
            await wire.event(_chunk(None, usage=usage))
        if done:
            await wire.event("[DONE]")

    return reply


def status(code: int, message: str = "fault", headers: Mapping[str, str] | None = None) -> Reply:
    """Refuse with an HTTP status and OpenAI's form of an error."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await wire.head(code, {"Content-Type": "application/json", **(headers or {})})
        await wire.send(json.dumps({"error": {"message": message, "code": str(code)}}).encode())

    return reply


def echo_key(code: int = 401) -> Reply:
    """Refuse with a text that repeats the key that the client sent."""

    async def reply(wire: Wire, seen: Seen) -> None:
        key = seen.headers.get("authorization", "").removeprefix("Bearer ")
        await status(code, f"Incorrect API key provided: {key}.")(wire, seen)

    return reply


def body(content: bytes, content_type: str = "application/json") -> Reply:
    """Answer 200 with these bytes, whatever was asked."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await wire.head(200, {"Content-Type": content_type})
        await wire.send(content)

    return reply


def raw_events(*events: str) -> Reply:
    """Stream some good words, then these events as they are."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await _stream_head(wire)
        await wire.event(_chunk({"content": "Half an"}))
        for event in events:
            await wire.send(event.encode() + b"\n\n")

    return reply


def broken_event(after: int = 2) -> Reply:
    """Stream `after` chunks, then one that is no JSON."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await _stream_head(wire)
        for _ in range(after):
            await wire.event(_chunk({"content": "word "}))
        await wire.event('{"id": "chatcmpl-fake", "choices": [{')

    return reply


def hang() -> Reply:
    """Take the request and say nothing."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await asyncio.sleep(SILENCE_S)

    return reply


def held(gate: threading.Event, reply: Reply) -> Reply:
    """Reply when the gate is open."""

    async def waiting(wire: Wire, seen: Seen) -> None:
        await asyncio.to_thread(gate.wait, PATIENCE_S)
        await reply(wire, seen)

    return waiting


def stall(after: int = 2, delta: Mapping[str, Any] | None = None) -> Reply:
    """Stream `after` chunks, then say nothing more."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await _stream_head(wire)
        for _ in range(after):
            await wire.event(_chunk({"content": "word "} if delta is None else delta))
        await asyncio.sleep(SILENCE_S)

    return reply


def cut(
    after: int = 2,
    *,
    reset: bool = False,
    read: threading.Event | None = None,
    mid_event: bool = False,
) -> Reply:
    """Stream `after` chunks, then drop the connection with FIN or RST, on request within a chunk.

    An RST overtakes what the client has not read yet; it waits for `read` where that matters.
    """

    async def reply(wire: Wire, seen: Seen) -> None:
        await _stream_head(wire)
        for _ in range(after):
            await wire.event(_chunk({"content": "word "}))
        if mid_event:
            await wire.send(b'data: {"id": "chatcmpl-fake", "object": "chat.comp')
        if read is not None:
            await asyncio.to_thread(read.wait, PATIENCE_S)
        if reset:
            wire.reset()

    return reply


def tool_call(name: str, *arguments: str, usage: Usage = (11, 7)) -> Reply:
    """Call a tool; its arguments come in these parts."""
    first = {"name": name, "arguments": ""}
    deltas: list[dict[str, Any]] = [
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": first}]}
    ]
    deltas += [
        {"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in arguments
    ]
    return stream(*deltas, finish="tool_calls", usage=usage)


class FakeProvider:
    """Answers the first request by the first reply, and so on; the last one serves all that follow."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = replies or (ok(),)
        self._lock = threading.Lock()
        self._started = threading.Event()
        self.requests: list[Seen] = []
        self.asked = threading.Event()
        """Set when the first request has come."""
        self.open_now = 0
        """Connections that are being answered."""
        self.most_open = 0
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._port = 0
        self._thread = threading.Thread(target=self._run, name="fake-provider", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> "FakeProvider":
        self._thread.start()
        assert self._started.wait(PATIENCE_S), "the fake provider did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A provider that is stopped, or whose client is gone, says nothing.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            with suppress(OSError, RuntimeError):
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = await _read(reader)
        with self._lock:
            reply = self._replies[min(len(self.requests), len(self._replies) - 1)]
            self.requests.append(seen)
        self.asked.set()
        async with self._counted(), _noticing_hang_up(reader, seen):
            await reply(Wire(writer), seen)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            yield
        finally:
            self.open_now -= 1


@asynccontextmanager
async def _noticing_hang_up(reader: asyncio.StreamReader, seen: Seen) -> AsyncIterator[None]:
    """Give up the reply as soon as the client closes its side."""
    answering = asyncio.current_task()
    assert answering is not None

    async def watch() -> None:
        with suppress(OSError):
            await reader.read(1)
        seen.hung_up.set()
        answering.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except ConnectionError:  # it hung up while a chunk was being sent, before `watch` saw it
        seen.hung_up.set()
        raise
    finally:
        watching.cancel()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (x.split(":", 1) for x in lines)}
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(
        path=first.split(" ")[1],
        headers=headers,
        body=json.loads(content) if content else None,
        at=time.monotonic(),
    )


async def _stream_head(wire: Wire) -> None:
    await wire.head(200, {"Content-Type": "text/event-stream"})
    await wire.event(_chunk({"role": "assistant", "content": ""}))


def _chunk(
    delta: Mapping[str, Any] | None, *, finish: str | None = None, usage: Usage = None
) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": choices,
    }
    if usage:
        read, written = usage
        chunk["usage"] = {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }
    return chunk
