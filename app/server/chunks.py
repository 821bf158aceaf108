"""Chunks of a chat completion, put together by hand: a model of pydantic's for each would take longer than all else."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from app.server.errors import ApiError
from app.server.headers import extension
from app.server.request import ChatRequest
from app.server.turns import Called, Ended, Said, usage_of

__all__ = ["ChatChunks", "completion_id"]


def completion_id(decision: str | None) -> str:
    """Return the id of a completion: that of its decision."""
    return f"chatcmpl-{decision or uuid.uuid4().hex}"


class ChatChunks:
    """Writes a turn as the events of a streamed chat completion."""

    def __init__(self, request: ChatRequest, *, fingerprint: str, debug: bool) -> None:
        options = request.stream_options
        self._with_usage = options is not None and options.include_usage
        self._fingerprint, self._debug = fingerprint, debug
        self._head = ""
        self._begun = False

    def start(self, decision: str) -> str:
        """Begin; nothing is sent before the first word."""
        self._head = (
            f'data: {{"id":"{completion_id(decision)}","object":"chat.completion.chunk",'
            f'"created":{int(time.time())},"system_fingerprint":{json.dumps(self._fingerprint)},'
        )
        return ""

    def event(self, event: Said | Called) -> str:
        """Return the chunk of a piece of the answer; the first says in which role it is given."""
        if isinstance(event, Said):
            return self._chunk(f'{{"content":{json.dumps(event.text)}}}', event.model)
        calls = json.dumps(event.calls, separators=(",", ":"))
        return self._chunk(f'{{"tool_calls":{calls}}}', event.model)

    def end(self, ended: Ended) -> str:
        """Return the last chunks: how it ended, the usage if it was asked for, and that all is there."""
        model = ended.model
        told = extension(ended.record, phase=ended.phase, debug=self._debug)
        more = f',"moma":{json.dumps(told)}'
        last = self._chunk("{}", model, finish=json.dumps(ended.finish), more=more)
        if self._with_usage:
            usage = json.dumps(usage_of(ended.record))
            last += f'{self._head}"model":{json.dumps(model)},"choices":[],"usage":{usage}}}\n\n'
        return f"{last}data: [DONE]\n\n"

    def failure(self, error: ApiError) -> str:
        """Return the event of an error; no [DONE] follows it."""
        body: Mapping[str, Any] = error.body()
        return f"data: {json.dumps(body)}\n\n"

    def _chunk(self, delta: str, model: str, *, finish: str = "null", more: str = "") -> str:
        first = ""
        if not self._begun:
            self._begun = True
            first = self._chunk('{"role":"assistant","content":""}', model)
        return (
            f'{first}{self._head}"model":{json.dumps(model)},"choices":[{{"index":0,"delta":{delta},'
            f'"logprobs":null,"finish_reason":{finish}}}]{more}}}\n\n'
        )
