"""Whether an answer has the form that was asked for.

It is there, and whole; the tools that it calls exist, and their arguments fit: what fails cannot be used. What reads
like a refusal, or is no JSON where words ask for it, is doubted. It calls no model. What passes proves nothing.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from agents.errors import InputError
from agents.schemas import validator_of
from graphs.checking.check import Asked, Finding, Given, rated

__all__ = ["DOUBT", "FORM", "FormCheck"]

FORM = "form"
DOUBT = -math.log(10)
"""The log odds of an answer that reads like none: as if nine of ten such answers were wrong. Ours, not measured."""
_REFUSES = re.compile(
    r"\W*(?:i(?:'|\u2019)?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[\s,.:;!-]*(?:but\s+)?"
    r"(?:as an? ai\b[^.]{0,80}|"
    r"i(?: (?:can(?:not|'t|\u2019t| not)|won(?:'|\u2019)t)|(?: am|(?:'|\u2019)m) (?:not able|unable) to) "
    r"(?:help|assist|answer|provide|comply|do (?:that|this)|fulfill?|access|create|generate|write|discuss|share|engage"
    r"|produce))\b(?! but\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_ASKS = re.compile(
    r"\b(?:how|what|which|who|when|where|why|explain)\b|\A\W*(?:is|are|do|does|did|should)\b",
    re.IGNORECASE,
)
_WANTS_JSON = re.compile(
    r"(?:\A|[,;:]|\b(?:and|then|please|(?:can|could|would|will) you))\W{0,5}"
    r"(?:return|output|(?:respond|reply|answer)\s+(?:only\s+)?with|"
    r"(?:respond|reply|answer|output|return|give|write|format|print|provide)\b[^.!?\n]{0,60}?\b(?:as|in|only))"
    r"\s+(?:an?\s+|one\s+|the\s+)?(?:valid\s+)?json\b(?=\W|\Z)(?!\s+(?:file|parser|schema|librar|data))",
    re.IGNORECASE,
)
"""An instruction, at the beginning of a sentence or of a part of it; a question about JSON is none."""
_OPENING = 500
"""Characters of an answer in which a refusal is looked for."""
_FENCE = re.compile(r"\A\s*```[ \t]*\w*\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


class FormCheck:
    """The form of an answer."""

    name = FORM

    async def find(self, answer: Given, asked: Asked) -> Finding | None:
        """Return why the answer cannot be used, or is doubted; None where its form says nothing against it."""
        if fault := form_fault(answer, asked):
            return Finding(check=FORM, said=fault, probability=0.0, fails=True)
        if doubt := form_doubt(answer, asked):
            worth = rated(None, FORM, answer, (), default=DOUBT)
            return Finding(
                check=FORM, said=doubt, probability=worth.probability, log_odds=worth.log_odds
            )
        return None


def form_fault(answer: Given, asked: Asked) -> str | None:
    """Return why an answer of this form cannot be used, for a person; None if it can."""
    if answer.finish == "length":
        return "it was cut at the longest answer that is taken"
    if answer.tool_calls:
        faults = (_tool_fault(call, asked.options) for call in answer.tool_calls)
        return next((fault for fault in faults if fault), None)
    if not answer.text.strip():
        return "it is empty"
    return None


def form_doubt(answer: Given, asked: Asked) -> str | None:
    """Return what an answer reads like that few would want, for a person; None if like nothing of the kind."""
    if answer.tool_calls:
        return None
    if _REFUSES.match(answer.text[:_OPENING]):
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
    if asked.options.get("response_format"):
        return False
    found = ((_WANTS_JSON.search(part), part) for part in _SENTENCE.split(asked.text))
    return any(match and not _ASKS.search(part[: match.end()]) for match, part in found)


def _is_json(text: str) -> bool:
    fenced = _FENCE.match(text)
    try:
        json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return False
    return True
