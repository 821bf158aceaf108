"""Checks an answer before it is passed on: JSON where JSON was asked for, and whatever is to be shown only whole.

It knows no provider. What can still be wrong at the end is held until then, so that a wrong answer is never shown and
another attempt can take its place; text that a person reads passes as it comes.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from agents.errors import AgentError, BrokenAnswerError, InputError
from agents.schemas import validator_of
from graphs.gateway.pieces import Piece

__all__ = ["asked_validator", "checked"]


def asked_validator(options: Mapping[str, Any]) -> Any:
    """Return the validator of the schema that `options` ask for, None without one.

    Raises:
        AgentError: the schema is none.
    """
    asked = options.get("response_format") or {}
    form = (asked.get("json_schema") or {}) if isinstance(asked, Mapping) else None
    if not isinstance(form, Mapping):
        raise AgentError(f"response_format: given {asked!r:.60}, expected OpenAI's form of it")
    schema = form.get("schema")
    if schema is None:
        return None
    try:
        return validator_of(schema)
    except InputError as error:
        raise AgentError(f"the schema asked for cannot be used: {error}") from None


async def checked(
    pieces: AsyncIterator[Piece], *, model: str, options: Mapping[str, Any], whole: bool
) -> AsyncGenerator[Piece, None]:
    """Yield `pieces` as soon as they can be shown; thoughts are left out.

    Args:
        pieces: of one answer, the last with its finish.
        model: who answers, for messages.
        options: what was asked for.
        whole: whether nothing may be shown before all of it is there.

    Raises:
        BrokenAnswerError: the answer, or what a tool is to be called with, is not the JSON that was asked for.
    """
    validator = asked_validator(options)
    json_wanted = bool(options.get("response_format"))
    seen: list[Piece] = []
    held: list[Piece] = []
    async for piece in pieces:
        if piece.finish:
            if fault := _fault(seen, validator, json_wanted=json_wanted):
                raise BrokenAnswerError(
                    f"the answer of {model} {fault}",
                    model=model,
                    # A model that ran out of room would run out of it again.
                    retryable=piece.finish != "length",
                )
            for ready in held:
                yield ready
            yield piece
        elif piece.text or piece.tool_calls:
            seen.append(piece)
            if whole or json_wanted or piece.tool_calls:
                held.append(piece)
            else:
                yield piece


def _fault(seen: Sequence[Piece], validator: Any, *, json_wanted: bool) -> str | None:
    arguments: dict[int, str] = {}
    for call in (call for piece in seen for call in piece.tool_calls):
        place = call.get("index") or 0
        arguments[place] = arguments.get(place, "") + (call["function"].get("arguments") or "")
    for text in arguments.values():
        # No arguments at all stand for an empty object.
        if text and not isinstance(_parsed(text), dict):
            return "calls a tool with something that is no JSON object"
    if not json_wanted or (arguments and not any(piece.text for piece in seen)):
        return None
    value = _parsed("".join(piece.text for piece in seen))
    if value is _NOTHING:
        return "is not the JSON that was asked for"
    try:
        if validator is None or validator.is_valid(value):
            return None
    except RecursionError:
        return "cannot be checked: the schema that was asked for goes in circles"
    return "does not hold to the schema that was asked for"


_NOTHING = object()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
