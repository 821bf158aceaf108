"""`POST /v1/responses`: the same turns in the words of OpenAI's Responses API.

`previous_response_id` goes on from the state in which that response left its thread, `conversation` names a thread;
without either the input is the whole conversation, as in a chat completion.
"""

import json
import uuid

from starlette.requests import Request
from starlette.responses import Response

from app.server.completions import ask, whole_turn
from app.server.door import json_body
from app.server.hang_up import unless_gone
from app.server.headers import decision_headers
from app.server.resources import Resources
from app.server.response_events import (
    ResponseEvents,
    call_item,
    message_item,
    response_body,
    standing,
)
from app.server.response_request import as_chat, parse_response_request
from app.server.stream import EventStream

__all__ = ["respond"]


async def respond(request: Request) -> Response:
    """Answer a request of the Responses API.

    Raises:
        ApiError: the request was refused, or no model could answer.
        MomaError: the turn was not taken.
    """
    resources: Resources = request.app.state.resources
    given = parse_response_request(await json_body(request))
    previous = (given.previous_response_id or "").removeprefix("resp_") or None
    asked = await ask(
        as_chat(given), request, resources, previous=previous, kept=given.store is not False
    )
    if given.stream:
        stream = EventStream(asked, resources, ResponseEvents(given, debug=asked.debug))
        await unless_gone(request, stream.prime())
        return stream
    ended, calls = await unless_gone(request, whole_turn(asked, resources))
    output = []
    if ended.answer or not calls:
        output.append(message_item(ended.answer, item_id=f"msg_{uuid.uuid4().hex}"))
    output += [call_item(call, item_id=f"fc_{uuid.uuid4().hex}") for call in calls]
    output[-1]["status"] = standing(ended)
    known_as = str(ended.record.get("id") or uuid.uuid4().hex)
    body = response_body(given, known_as=known_as, ended=ended, output=output, debug=asked.debug)
    headers = decision_headers(ended.record, phase=ended.phase)
    return Response(json.dumps(body), headers=headers, media_type="application/json")
