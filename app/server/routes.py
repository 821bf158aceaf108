"""`POST /v1/route`: who would serve a request, nothing run, nothing kept; `POST /v1/feedback`: how a turn was."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents.errors import CheckpointError, RoutingError
from app.server.callers import caller_of
from app.server.completions import ask
from app.server.door import json_body
from app.server.errors import ApiError
from app.server.field_errors import refusal
from app.server.headers import decision_headers
from app.server.request import parse_request
from app.server.resources import Resources
from app.server.states import messages_of, state_after
from graphs.dry_run import dry_run
from graphs.feedback import word_on
from graphs.inferred import kept_share
from graphs.owner import check_owner
from graphs.routing.feedback import Evidence, Kind

__all__ = ["Feedback", "give_feedback", "route"]

_THUMBS = {"up": 1.0, "down": 0.0}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


class Feedback(BaseModel):
    """The body of `/v1/feedback`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": ["decision_id"]}, {"required": ["id"]}]},
                {"oneOf": [_given("score"), _given("edited")]},
            ]
        },
    )

    decision_id: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="", description="As in the header x-moma-decision-id."
    )
    id: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="", description="The id of a completion, in its place."
    )
    score: (
        Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | Literal["up", "down"] | None
    ) = None
    edited: Annotated[str, Field(max_length=200_000)] | None = Field(
        default=None,
        description="The answer as it should have been; how much was kept is the score.",
    )
    comment: Annotated[str, Field(max_length=10_000)] | None = None


async def route(request: Request) -> Response:
    """Return the decision record of a request as far as it is decided before anything runs.

    Raises:
        ApiError: the request is refused, as a completion of it would be.
        MomaError: its thread cannot be read.
    """
    resources: Resources = request.app.state.resources
    asked = await ask(parse_request(await json_body(request)), request, resources)
    messages, values = asked.place.messages, asked.place.values or {}
    record = await dry_run(
        messages[-1],
        resources.services,
        values={**values, "messages": [*values.get("messages", ()), *messages[:-1]]},
        context=asked.context,
        waits=asked.place.paused,
    )
    return JSONResponse(
        {"object": "moma.route", "record": record}, headers=decision_headers(record)
    )


async def give_feedback(request: Request) -> Response:
    """Keep how good an answer was, in its caller's eyes.

    Raises:
        ApiError: the body has another form, or the caller made no such turn.
        CheckpointError: it could not be kept.
    """
    resources: Resources = request.app.state.resources
    caller = caller_of(request.headers, resources.keys)
    given = _parsed(await json_body(request))
    decision = (given.decision_id or given.id).removeprefix("chatcmpl-").removeprefix("resp_")
    turn = await resources.conversations.decided(caller.place, decision)
    if turn is None:
        raise ApiError(
            404, f"there is no decision {decision!r:.100} of yours", code="decision_not_found"
        )
    decision = str(turn.get("decision", decision))
    if given.edited is not None:
        answer = await _answer(resources, turn, decision, user=caller.user)
        score, kind = await asyncio.to_thread(kept_share, answer, given.edited), Kind.EDIT
    else:
        assert given.score is not None, "one of both was asked for"
        score = _THUMBS[given.score] if isinstance(given.score, str) else given.score
        kind = Kind.THUMB
    feedback = {"score": score, "comment": given.comment, "served_by": turn.get("served_by")}
    await resources.conversations.add_feedback(caller.place, decision, feedback)
    if turn.get("evidence"):
        word = word_on(
            turn["evidence"], decision=decision, reward=score, source=caller.place, kind=kind
        )
        await _learn(word, resources)
    return JSONResponse({"object": "moma.feedback", "decision_id": decision, "score": score})


async def _answer(
    resources: Resources, turn: Mapping[str, Any], decision: str, *, user: str
) -> str:
    """Return the answer of a decision, which the thread has.

    Raises:
        ApiError: it is not there any more.
    """
    found = await state_after(resources.saver, str(turn["thread"]), decision)
    if found is not None:
        check_owner(found.checkpoint["channel_values"], user=user)
    said = [m for m in messages_of(found) if m.type == "ai"] if found else []
    if not said:
        raise ApiError(
            404,
            f"the answer of the decision {decision!r:.100} is not kept; send a score",
            code="decision_not_found",
        )
    return str(said[-1].text)


async def _learn(word: Evidence, resources: Resources) -> None:
    """Keep a word as evidence on the profile, where the operator wants that."""
    services = resources.services
    if services.options.feedback == "off":
        return
    try:
        await services.learn(word)
    except RoutingError as error:
        raise CheckpointError(f"{error}; send it again") from None


def _parsed(body: bytes) -> Feedback:
    try:
        feedback = Feedback.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error, body) from None
    if bool(feedback.decision_id) == bool(feedback.id):
        raise ApiError(400, "send decision_id or id", code="missing_required_parameter")
    if (feedback.score is None) == (feedback.edited is None):
        raise ApiError(400, "send score or edited", code="missing_required_parameter")
    return feedback
