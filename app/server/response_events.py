"""A turn as the object and the events of OpenAI's Responses API."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from app.server.errors import ApiError
from app.server.headers import extension
from app.server.response_request import ResponseRequest, conversation_of
from app.server.turns import Called, Ended, Said, usage_of

__all__ = [
    "ResponseEvents",
    "call_item",
    "message_item",
    "response_body",
    "response_id",
    "standing",
]

_PREFIX = "resp_"
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not whole, by how the model says that it ended."""


def response_id(decision: str | None) -> str:
    """Return the id of a response: that of its decision."""
    return f"{_PREFIX}{decision or uuid.uuid4().hex}"


def standing(ended: Ended) -> str:
    """Return the status of a response that has ended, and of its last item."""
    return "incomplete" if ended.finish in _CUT else "completed"


def message_item(text: str, *, item_id: str, status: str = "completed") -> dict[str, Any]:
    """Return an answer's words as an item."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    content = [] if status == "in_progress" else [part]
    return {
        "type": "message",
        "id": item_id,
        "status": status,
        "role": "assistant",
        "content": content,
    }


def call_item(
    call: Mapping[str, Any], *, item_id: str, status: str = "completed"
) -> dict[str, Any]:
    """Return a call of the client's tool as an item; `call` is in the form of chat completions."""
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call["id"],
        "name": call["function"]["name"],
        "arguments": call["function"]["arguments"],
        "status": status,
    }


def response_body(
    request: ResponseRequest,
    *,
    known_as: str,
    ended: Ended | None = None,
    output: Sequence[Mapping[str, Any]] = (),
    debug: bool = False,
) -> dict[str, Any]:
    """Return the response as it stands: under way without an end."""
    reason = _CUT.get(ended.finish) if ended is not None else None
    named = conversation_of(request)
    form = request.text.format if request.text else None
    body: dict[str, Any] = {
        "id": response_id(known_as),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress" if ended is None else standing(ended),
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "model": ended.model if ended else request.model,
        "output": list(output),
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "conversation": {"id": named} if named else None,
        "reasoning": {
            "effort": request.reasoning.effort if request.reasoning else None,
            "summary": None,
        },
        "store": request.store is not False,
        "temperature": request.temperature,
        "text": {
            "format": form.model_dump(exclude_none=True, by_alias=True)
            if form
            else {"type": "text"}
        },
        "tool_choice": "auto" if request.tool_choice is None else _plain(request.tool_choice),
        "tools": [tool.model_dump() for tool in request.tools or ()],
        "top_p": request.top_p,
        "truncation": "auto",
        "usage": None,
        "user": request.user,
        "metadata": dict(request.metadata or {}),
    }
    if ended is not None:
        body["usage"] = _usage(ended.record)
        body["moma"] = extension(ended.record, phase=ended.phase, debug=debug)
    return body


class ResponseEvents:
    """Writes a turn as the events of a streamed response."""

    def __init__(self, request: ResponseRequest, *, debug: bool) -> None:
        self._request, self._debug = request, debug
        self._number = 0
        self._known_as = ""
        self._text = ""
        self._message: str | None = None
        """The id of the item of words, once there are any."""
        self._calls: dict[int, dict[str, Any]] = {}
        self._places: dict[int, int] = {}
        """The place in the output of each call."""

    def start(self, decision: str) -> str:
        """Begin the response."""
        self._known_as = decision
        body = response_body(self._request, known_as=decision)
        return self._event("response.created", response=body) + self._event(
            "response.in_progress", response=body
        )

    def event(self, event: Said | Called) -> str:
        """Tell a piece of the answer."""
        if isinstance(event, Said):
            return self._said(event.text)
        return "".join(self._called(part) for part in event.calls)

    def end(self, ended: Ended) -> str:
        """Tell that every item is whole, and the response with them."""
        told, output = "", list[dict[str, Any]]()
        if self._message is not None:
            status = "completed" if self._calls else standing(ended)
            item = message_item(self._text, item_id=self._message, status=status)
            at = {"item_id": self._message, "output_index": 0, "content_index": 0}
            told += self._event("response.output_text.done", text=self._text, logprobs=[], **at)
            told += self._event("response.content_part.done", part=item["content"][0], **at)
            told += self._event("response.output_item.done", output_index=0, item=item)
            output.append(item)
        for index, call in sorted(self._calls.items()):
            status = standing(ended) if index == max(self._calls) else "completed"
            item = call_item(call, item_id=call["item_id"], status=status)
            place = self._places[index]
            arguments = {"arguments": item["arguments"], "name": item["name"]}
            at = {"item_id": item["id"], "output_index": place}
            told += self._event("response.function_call_arguments.done", **arguments, **at)
            told += self._event("response.output_item.done", output_index=place, item=item)
            output.append(item)
        body = response_body(
            self._request, known_as=self._known_as, ended=ended, output=output, debug=self._debug
        )
        return told + self._event(f"response.{body['status']}", response=body)

    def failure(self, error: ApiError) -> str:
        """Tell why there is no whole answer."""
        return self._event("error", **error.body()["error"] | error.body())

    def _said(self, text: str) -> str:
        told = ""
        if self._message is None:
            self._message = f"msg_{uuid.uuid4().hex}"
            item = message_item("", item_id=self._message, status="in_progress")
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            at = {"item_id": self._message, "output_index": 0, "content_index": 0}
            told += self._event("response.output_item.added", output_index=0, item=item)
            told += self._event("response.content_part.added", part=part, **at)
        self._text += text
        at = {"item_id": self._message, "output_index": 0, "content_index": 0}
        return told + self._event("response.output_text.delta", delta=text, logprobs=[], **at)

    def _called(self, part: Mapping[str, Any]) -> str:
        index, function, told = part["index"], part["function"], ""
        if index not in self._calls:
            place = len(self._calls) + (self._message is not None)
            call = {
                "id": part.get("id"),
                "function": {"name": function.get("name"), "arguments": ""},
            }
            self._calls[index] = {**call, "item_id": f"fc_{uuid.uuid4().hex}"}
            self._places[index] = place
            item = call_item(call, item_id=self._calls[index]["item_id"], status="in_progress")
            told += self._event("response.output_item.added", output_index=place, item=item)
        call, delta = self._calls[index], function.get("arguments") or ""
        call["function"]["arguments"] += delta
        if not delta:
            return told
        at = {"item_id": call["item_id"], "output_index": self._places[index]}
        return told + self._event("response.function_call_arguments.delta", delta=delta, **at)

    def _event(self, kind: str, **fields: Any) -> str:
        body = {**fields, "type": kind, "sequence_number": self._number}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(body)}\n\n"


def _plain(choice: Any) -> Any:
    return choice if isinstance(choice, str) else choice.model_dump()


def _usage(record: Mapping[str, Any]) -> dict[str, Any]:
    usage = usage_of(record)
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage["total_tokens"],
    }
