"""Whether an answer has the form that was asked for.

It is there, whole and no refusal; it is JSON where JSON was asked for; the tools that it calls exist, and their
arguments fit. It calls no model. What passes proves nothing; what fails cannot be used.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from agents.errors import InputError
from agents.schemas import validator_of
from graphs.checking.check import Asked, Finding, Given

__all__ = ["FORM", "FormCheck"]

FORM = "form"
_REFUSES = re.compile(
    r"\W*(?:i(?:'|\u2019)?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[\s,.:;!-]*(?:but\s+)?"
    r"(?:as an? ai\b[^.]{0,80}|"
    r"i(?: am|(?:'|\u2019)m) (?:not able|unable) to|i (?:can(?:not|'t|\u2019t| not)|won(?:'|\u2019)t) "
    r"(?:help|assist|answer|provide|comply|do that|fulfil|access))",
    re.IGNORECASE,
)
_WANTS_JSON = re.compile(
    r"\b(?:as|in|only|valid|with|return|output)\s+(?:an?\s+|one\s+|the\s+)?(?:valid\s+)?json\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\A\s*```[ \t]*\w*\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


class FormCheck:
    """The form of an answer."""

    name = FORM

    async def find(self, answer: Given, asked: Asked) -> Finding | None:
        """Return why the answer cannot be used; None where its form says nothing against it."""
        fault = form_fault(answer, asked)
        if fault is None:
            return None
        return Finding(check=FORM, said=fault, probability=0.0, fails=True)


def form_fault(answer: Given, asked: Asked) -> str | None:
    """Return what is wrong with the form of an answer, for a person; None if nothing is."""
    if answer.finish == "length":
        return "it was cut at the longest answer that is taken"
    if answer.tool_calls:
        faults = (_tool_fault(call, asked.options) for call in answer.tool_calls)
        return next((fault for fault in faults if fault), None)
    if not answer.text.strip():
        return "it is empty"
    if _REFUSES.match(answer.text):
        return "it refuses"
    if _json_wanted(asked) and not _is_json(answer.text):
        return "it is not the JSON that was asked for"
    return None


def _tool_fault(call: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    tools = {tool["function"]["name"]: tool["function"] for tool in options.get("tools") or ()}
    tool = tools.get(str(call.get("name")))
    if tool is None:
        return "it calls a tool that it was not given"
    if not isinstance(call.get("args"), Mapping):
        return "it calls a tool with arguments that cannot be read"
    schema = tool.get("parameters")
    try:
        if schema and not validator_of(schema).is_valid(dict(call["args"])):
            return "it calls a tool with arguments that do not fit its schema"
    except (InputError, RecursionError):
        return None  # a schema that is none says nothing of the arguments
    return None


def _json_wanted(asked: Asked) -> bool:
    return not asked.options.get("response_format") and bool(_WANTS_JSON.search(asked.text))


def _is_json(text: str) -> bool:
    fenced = _FENCE.match(text)
    try:
        json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return False
    return True
