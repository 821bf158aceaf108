"""A chat completion as server-sent events: each piece goes out as it comes.

Before the first byte the stream is primed up to the decision, so that its headers can tell it and a refusal has its own
status. Chunks are put together by hand: a model of pydantic's for each would take longer than all else here.
"""

import asyncio
import json
import time
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.server.errors import ApiError, as_api_error
from app.server.hang_up import gone
from app.server.headers import decision_headers, extension
from app.server.resources import Resources
from app.server.turns import Called, Decided, Ended, Said, run_turn, usage_of

if TYPE_CHECKING:
    from app.server.completions import Asked

__all__ = ["KEEP_ALIVE_S", "EventStream"]

KEEP_ALIVE_S = 15.0
"""After so long without a word a comment is sent, so that nobody between takes the connection for dead."""
_Event = Decided | Said | Called | Ended


class EventStream(Response):
    """The response; `prime` is awaited before it is returned."""

    media_type = "text/event-stream"

    def __init__(self, asked: "Asked", resources: Resources) -> None:
        super().__init__()
        self._asked, self._resources = asked, resources
        self._events: asyncio.Queue[_Event | Exception] = asyncio.Queue()
        # One task runs all of the turn: what a generator enters must be left in the same context.
        self._running = asyncio.create_task(self._run())
        self._held: list[_Event] = []
        """What came before the decision was known."""
        self._record: dict[str, Any] = {}
        self._head = ""
        self._ended: Ended | None = None

    async def prime(self) -> None:
        """Run the turn up to its decision, or for so long that the client must hear something.

        Raises:
            ApiError: it failed before anything was said.
            MomaError: the turn was not taken.
        """
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    while self._ended is None and (not self._record or self._is_refused()):
                        self._held.append(await self._next())
            if self._ended is not None and self._ended.failure is not None:
                self._asked.remember(self._ended, self._resources)
                raise self._ended.failure
        except BaseException:
            await self._close()
            raise
        phase = self._ended.phase if self._ended else ""
        headers = {
            "cache-control": "no-cache",
            "x-accel-buffering": "no",  # or nginx would collect the pieces
            **decision_headers(self._record, phase=phase),
        }
        self.headers.update(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until it ends or the client hangs up."""
        sending = asyncio.create_task(self._body(send))
        watching = asyncio.create_task(gone(receive))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, watching):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task
            await self._close()
            if self._ended is None:
                began = self._asked.began
                self._resources.metrics.count(self._record, status="499", began=began)

    async def _run(self) -> None:
        asked = self._asked
        try:
            async with aclosing(
                run_turn(asked.graph, asked.place, asked.context, streamed=True)
            ) as events:
                async for event in events:
                    self._events.put_nowait(event)
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

    async def _body(self, send: Send) -> None:
        raw = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        failure: ApiError | None = None
        try:
            for event in self._held:
                await _send(send, self._chunks(event))
            while self._ended is None:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        event = await self._next()
                except TimeoutError:
                    await _send(send, ": keep-alive\n\n")
                else:
                    await _send(send, self._chunks(event))
            failure = self._ended.failure
            self._asked.remember(self._ended, self._resources)
        except Exception as error:  # noqa: BLE001 the server's boundary: what has begun can only be told as an event
            failure = as_api_error(error)
        told = self._end() if failure is None else f"data: {json.dumps(failure.body())}\n\n"
        await _send(send, told)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _is_refused(self) -> bool:
        """Whether nothing may serve the turn: its end is near then, and has a status of its own."""
        models = self._record.get("models")
        return models is not None and not models["order"]

    def _chunks(self, event: _Event) -> str:
        """Return the chunks of an event; the first says who answers and in which role."""
        if isinstance(event, Said):
            return self._chunk(f'{{"content":{json.dumps(event.text)}}}', event.model)
        if isinstance(event, Called):
            calls = json.dumps(event.calls, separators=(",", ":"))
            return self._chunk(f'{{"tool_calls":{calls}}}', event.model)
        return ""

    def _chunk(self, delta: str, model: str, *, finish: str = "null", more: str = "") -> str:
        first = ""
        if not self._head:
            from app.server.completions import completion_id

            fingerprint = json.dumps(self._resources.fingerprint)
            self._head = (
                f'data: {{"id":"{completion_id(self._record)}","object":"chat.completion.chunk",'
                f'"created":{int(time.time())},"system_fingerprint":{fingerprint},'
            )
            first = self._chunk('{"role":"assistant","content":""}', model)
        return (
            f'{first}{self._head}"model":{json.dumps(model)},"choices":[{{"index":0,"delta":{delta},'
            f'"logprobs":null,"finish_reason":{finish}}}]{more}}}\n\n'
        )

    def _end(self) -> str:
        """Return the last chunks: how it ended, the usage if it was asked for, and that all is there."""
        ended = self._ended
        assert ended is not None
        served = ended.served_by
        model = {"agent": f"agent:{served['id']}", "model": served["id"]}.get(
            served["kind"], "router"
        )
        told = extension(ended.record, phase=ended.phase, debug=self._asked.debug)
        last = self._chunk(
            "{}", model, finish=json.dumps(ended.finish), more=f',"moma":{json.dumps(told)}'
        )
        options = self._asked.request.stream_options
        if options is not None and options.include_usage:
            usage = json.dumps(usage_of(ended.record))
            last += f'{self._head}"model":{json.dumps(model)},"choices":[],"usage":{usage}}}\n\n'
        return f"{last}data: [DONE]\n\n"

    async def _close(self) -> None:
        """End the turn if it still runs; its money is settled, and the thread's lock given back."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


async def _send(send: Send, text: str) -> None:
    if text:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
