"""A turn as server-sent events: each piece goes out as it comes, in the form that a writer gives it.

The first byte waits for the first word, so that headers can tell the decision, and refusals and models that fail have
their own status. A model that is slow to begin does not keep the decision back for long.
"""

import asyncio
import uuid
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.leaving import cut_short
from app.server.errors import ApiError, as_api_error, error_response
from app.server.hang_up import gone
from app.server.headers import decision_headers
from app.server.resources import Resources
from app.server.turns import Called, Decided, Ended, Said, run_turn

if TYPE_CHECKING:
    from app.server.completions import Asked

__all__ = ["FIRST_WORD_S", "KEEP_ALIVE_S", "EventStream", "Writer"]

KEEP_ALIVE_S = 15.0
"""After so long without a word a comment is sent, so that nobody between takes the connection for dead."""
FIRST_WORD_S = 2.0
"""So long after the decision the first word is waited for before the stream begins without it."""


class Writer(Protocol):
    """Gives what happens in a turn the form of an API; each method returns server-sent events."""

    def start(self, decision: str) -> str:
        """Begin the stream; the decision's id is known, or one that stands for it."""
        ...

    def event(self, event: Said | Called) -> str:
        """Tell a piece of the answer."""
        ...

    def end(self, ended: Ended) -> str:
        """Tell the end of an answer."""
        ...

    def failure(self, error: ApiError) -> str:
        """Tell why there is no whole answer."""
        ...


_Event = Decided | Said | Called | Ended


class EventStream(Response):
    """The response; `prime` is awaited before it is returned."""

    media_type = "text/event-stream"

    def __init__(self, asked: "Asked", resources: Resources, writer: Writer) -> None:
        super().__init__()
        self._asked, self._resources, self._writer = asked, resources, writer
        self._events: asyncio.Queue[_Event | Exception] = asyncio.Queue()
        # One task runs all of the turn: what a generator enters must be left in the same context.
        self._running = asyncio.create_task(self._run())
        self._held: list[_Event] = []
        """What came before the stream began."""
        self._record: dict[str, Any] = {}
        self._id = ""
        """The decision's, or one that stands for it where the client had to hear something before."""
        self._ended: Ended | None = None
        self._broken = "499"
        """The status of a turn without an end: what broke, or that the client hung up."""

    async def prime(self) -> None:
        """Run the turn up to its decision, or for so long that the client must hear something.

        Raises:
            ApiError: it failed before that.
            MomaError: the turn was not taken.
        """
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    while self._ended is None and not self._record:
                        self._held.append(await self._next())
        except BaseException:
            await self._close()
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until it ends, the client hangs up or the process ends."""
        sending = asyncio.create_task(self._send(scope, receive, send))
        watching = asyncio.create_task(gone(receive))
        ending = asyncio.create_task(self._resources.ending.wait())
        try:
            tasks = {sending, watching, ending}
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if done == {ending}:
                self._events.put_nowait(cut_short())
                await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, watching, ending):
                task.cancel()
            failure, *_ = await asyncio.gather(sending, watching, ending, return_exceptions=True)
            await self._close()
            if self._ended is None:
                began = self._asked.began
                self._resources.metrics.count(self._record, status=self._broken, began=began)
        if isinstance(failure, Exception):
            raise failure

    async def _run(self) -> None:
        asked = self._asked
        try:
            async with aclosing(
                run_turn(asked.graph, asked.place, asked.context, streamed=True)
            ) as events:
                async for event in events:
                    self._events.put_nowait(event)
                    # What a model sends in one go would be read to its end before the first word is passed on.
                    await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001 it is raised again where it can be told
            self._events.put_nowait(error)

    async def _next(self) -> _Event:
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Decided):
            self._record = event.record
        elif isinstance(event, Ended):
            self._ended, self._record = event, event.record
        return event

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, or as a response of its own why there is not a word of it."""
        head = self._head()  # made while the first word is waited for
        failure = await self._failed_first()
        if failure is not None:
            await error_response(failure)(scope, receive, send)
        else:
            await self._body(self._head() if self._ended else head, send)

    async def _failed_first(self) -> ApiError | None:
        """Wait for the first word, not for long after the decision; return why none will come."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WORD_S if self._record else 0):
                    while not (self._held and isinstance(self._held[-1], Said | Called | Ended)):
                        self._held.append(await self._next())
        except Exception as error:  # noqa: BLE001 the server's boundary: whatever it is, the client is told something
            failure = as_api_error(error)
            self._broken = str(failure.status)
            return failure
        if self._ended is None or self._ended.failure is None:
            return None
        await self._asked.remember(self._ended, self._resources)
        return self._ended.failure

    def _head(self) -> list[tuple[bytes, bytes]]:
        phase = self._ended.phase if self._ended else ""
        headers = {
            "cache-control": "no-cache",
            "x-accel-buffering": "no",  # or nginx would collect the pieces
            **decision_headers(self._record, phase=phase),
        }
        self.headers.update(headers)
        return [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def _body(self, head: list[tuple[bytes, bytes]], send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": head})
        failure: ApiError | None = None
        self._id = str(self._record.get("id") or uuid.uuid4().hex)
        try:
            # In one piece: each goes through the server, and the first word has waited for the beginning.
            begun = [self._writer.start(self._id), *map(self._told, self._held)]
            await _send(send, "".join(begun))
            while self._ended is None:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        event = await self._next()
                except TimeoutError:
                    await _send(send, ": keep-alive\n\n")
                else:
                    await _send(send, self._told(event))
            failure = self._ended.failure
            await self._asked.remember(self._ended, self._resources, known_as=self._id)
        except Exception as error:  # noqa: BLE001 the server's boundary: what has begun can only be told as an event
            failure = as_api_error(error)
            self._broken = str(failure.status)
        writer, ended = self._writer, self._ended
        if failure is None and ended is not None:
            await _send(send, writer.end(ended))
        elif failure is not None:
            await _send(send, writer.failure(failure))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _told(self, event: _Event) -> str:
        return self._writer.event(event) if isinstance(event, Said | Called) else ""

    async def _close(self) -> None:
        """End the turn if it still runs; its money is settled, and the thread's lock given back."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


async def _send(send: Send, text: str) -> None:
    if text:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
