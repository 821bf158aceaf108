"""What a request asks of the model that answers it: instructions, sampling, tools, the form of the answer.

It comes with one request and is never saved. It permits nothing: a tool is the caller's own, which nobody here runs.
"""

import json
from collections.abc import Mapping
from typing import Any

from agents.errors import InputError
from agents.schemas import validator_of

__all__ = [
    "CALL_OPTIONS",
    "TOOLS_OPTIONAL",
    "brings_tools",
    "check_call",
    "instructions_of",
    "needs_tools",
    "options_of",
    "wants_form",
    "without_tools",
]

INSTRUCTIONS = "instructions"
"""The caller's system prompt, which takes the place of MoMA's own."""
TOOLS_OPTIONAL = "tools_optional"
"""Whether the tools are only offered: an agent may take the turn, and models that call none do without them."""
_OF_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls", TOOLS_OPTIONAL})
CALL_OPTIONS = frozenset(
    {
        *_OF_TOOLS, INSTRUCTIONS, "max_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty", "stop",
        "seed", "reasoning_effort", "response_format", "user",
    }
)  # fmt: skip
_FORMS = ("text", "json_object", "json_schema")
LONGEST_CALL = 500_000
"""Characters of all of it as JSON."""


def check_call(call: Mapping[str, Any]) -> None:
    """Check what a request asks.

    Raises:
        InputError: a name is unknown, a value is not JSON-plain, a tool is none, or all of it is too long.
    """
    if unknown := sorted(set(call) - CALL_OPTIONS):
        known = ", ".join(sorted(CALL_OPTIONS))
        raise InputError(f"context call: given {unknown[0]!r:.60}, expected some of {known}")
    try:
        length = len(json.dumps(dict(call), allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise InputError("context call: expected JSON-plain values") from None
    if length > LONGEST_CALL:
        raise InputError(
            f"context call: given {length:,} characters, at most {LONGEST_CALL:,} are taken"
        )
    if not isinstance(call.get(INSTRUCTIONS, ""), str):
        raise InputError("context call: expected a text as instructions")
    longest = call.get("max_tokens")
    if longest is not None and (type(longest) is not int or longest < 1):
        raise InputError(
            f"context call: max_tokens is {longest!r:.60}, expected a whole number from 1 on"
        )
    _check_form(call.get("response_format"))
    if "tools" in call:
        _check_tools(call["tools"])
    elif alone := sorted(_OF_TOOLS & set(call)):
        raise InputError(f"context call: {alone[0]} needs tools")
    if type(call.get(TOOLS_OPTIONAL, False)) is not bool:
        raise InputError(
            f"context call: {TOOLS_OPTIONAL} is {call[TOOLS_OPTIONAL]!r:.60}, expected true or false"
        )


def brings_tools(call: Mapping[str, Any] | None) -> bool:
    """Return whether the caller runs tools of its own."""
    return bool(call and call.get("tools"))


def needs_tools(call: Mapping[str, Any] | None) -> bool:
    """Return whether only a model that sees the caller's tools may serve."""
    return bool(call and brings_tools(call) and not call.get(TOOLS_OPTIONAL))


def wants_form(call: Mapping[str, Any] | None) -> bool:
    """Return whether the caller wants the answer in JSON."""
    form = (call or {}).get("response_format")
    return form is not None and form["type"] != "text"


def instructions_of(call: Mapping[str, Any]) -> str:
    """Return the caller's system prompt, empty without one."""
    return str(call.get(INSTRUCTIONS) or "")


def options_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model is called with."""
    return {name: v for name, v in call.items() if name not in (INSTRUCTIONS, TOOLS_OPTIONAL)}


def without_tools(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model is asked that calls no tools."""
    return {name: value for name, value in call.items() if name not in _OF_TOOLS}


def _check_form(form: Any) -> None:
    """Check in which form the answer is to be."""
    if form is None:
        return
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind not in _FORMS:
        raise InputError(
            f'context call: response_format is {form!r:.60}, expected {{"type": ...}}, one of {", ".join(_FORMS)}'
        )
    if kind != "json_schema":
        return
    wanted = form.get("json_schema")
    schema = wanted.get("schema") if isinstance(wanted, Mapping) else None
    if not isinstance(schema, Mapping):
        raise InputError('context call: response_format has no {"json_schema": {"schema": {...}}}')
    try:
        validator_of(schema)
    except InputError as error:
        raise InputError(f"context call: the schema of response_format: {error}") from None


def _check_tools(tools: Any) -> None:
    names: set[str] = set()
    for tool in tools if isinstance(tools, list | tuple) and tools else (None,):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(name, str) or not name:
            raise InputError(
                'context call: expected as tools a list of {"type": "function", "function": {"name": ...}}'
            )
        if name in names:
            raise InputError(f"context call: the tool {name!r:.60} is given twice")
        names.add(name)
