"""What is told of a body that has another form, with the path that OpenAI gives the field.

It knows no body: which forms there are it reads from what pydantic found wrong with each of them.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.server.errors import ApiError

__all__ = ["refusal"]

_REFUSED = {
    "functions": "send `tools`",
    "function_call": "send `tool_choice`",
    "logit_bias": "tokens have other numbers in each model",
    "top_logprobs": "log probabilities are not passed on",
}
_SHOULD = "Input should be "
_EXPECTED = {"preference": f"{_SHOULD}cost, auto, performance or a number from 0 to 1"}
"""What is told of a field whose forms say it worse, one by one."""


def refusal(error: ValidationError, given: bytes | Mapping[str, Any]) -> ApiError:
    """Return what is told of a body that has another form.

    Args:
        error: what is wrong.
        given: the body, as it was sent or as it was read.
    """
    errors = [_of_field(e) for e in error.errors(include_url=False)]
    # Of the forms that a value may have, the one that it nearly has says most.
    first = max(errors, key=lambda e: (len(e["loc"]), not e["type"].endswith("_type")))
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON: {first['msg']:.200}", code="invalid_json")
    if first["type"] == "extra_forbidden" or name in _REFUSED:
        hint = _REFUSED.get(name, "it is not known here")
        text = f"{name!r:.80} is not supported: {hint}"
        return ApiError(400, text, code="unsupported_parameter", param=name[:80])
    if name in ("n", "logprobs", "modalities"):
        wanted = {"n": "one answer", "logprobs": "no log probabilities", "modalities": "text"}
        text = f"{name!r}: given {first['input']!r:.60}; MoMA gives {wanted[name]}"
        return ApiError(400, text, code="unsupported_value", param=name)
    # Numbers of thousands of digits are no matter here.
    body = json.loads(given, parse_int=str) if isinstance(given, bytes) else given
    path = _path(first, body)
    if "image_url" in first["loc"] and first["type"] == "string_pattern_mismatch":
        text = f"{path:.200}: send the picture itself, as data:image/...;base64,..."
        return ApiError(400, text, code="invalid_image_url", param=path[:200])
    alike = [e for e in errors if len(e["loc"]) == len(first["loc"]) and _path(e, body) == path]
    others = dict.fromkeys(
        e["msg"].removeprefix(_SHOULD) for e in alike if e["msg"] != first["msg"]
    )
    expected = _EXPECTED.get(path) or " or ".join([first["msg"], *others])
    return ApiError(
        400,
        f"{path or 'the body':.200}: {expected:.300}; given {first['input']!r:.60}",
        code="invalid_value" if first["type"] != "missing" else "missing_required_parameter",
        param=path[:200] or None,
    )


def _of_field(error: ErrorDetails) -> ErrorDetails:
    """Return an error of the field that tells forms apart (`type`, `role`) as one of that field."""
    if not error["type"].startswith("union_tag"):
        return error
    context = error["ctx"]
    loc = (*error["loc"], context["discriminator"].strip("'"))
    if error["type"] == "union_tag_not_found":
        return {**error, "loc": loc, "type": "missing", "msg": "Field required"}
    expected, given = f"{_SHOULD}{context['expected_tags']}", context["tag"]
    return {**error, "loc": loc, "type": "literal_error", "msg": expected, "input": given}


def _path(error: ErrorDetails, body: Any) -> str:
    """Return where in the body an error is, without the names of the forms that were tried there."""
    path, here = list[str](), body
    missing = len(error["loc"]) - 1 if error["type"] == "missing" else None
    for n, part in enumerate(error["loc"]):
        there = part in here if isinstance(here, Mapping) else _is_place(part, here)
        if there or n == missing:
            path.append(str(part))
        if there:
            here = here[part]
    return ".".join(path)


def _is_place(part: int | str, here: Any) -> bool:
    return isinstance(here, list) and isinstance(part, int) and part < len(here)
