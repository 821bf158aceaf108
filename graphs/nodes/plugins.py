"""What the policy's rule does to an answer besides choosing who gives it: its text, its instructions, its tools."""

from collections.abc import Mapping
from typing import Any

from graphs.call import INSTRUCTIONS, instructions_of
from graphs.permits import Judged
from graphs.policy.tools import tool_refusal

__all__ = ["call_under", "fixed_answer"]

_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")


def fixed_answer(judged: Judged | None) -> str | None:
    """Return the text with which the rule answers without a model, if it does (`PLUGIN fast_response`)."""
    fields = judged.plugin("fast_response") if judged else None
    message = fields.get("message") if fields else None
    return message if isinstance(message, str) and message.strip() else None


def call_under(judged: Judged | None, call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request asks of its model as far as the rule lets it, with the rule's instructions before it."""
    if judged is None:
        return dict(call)
    narrowed = _with_tools(judged.plugin("tools"), call)
    fields = judged.plugin("system_prompt") or {}
    prompt = fields.get("system_prompt")
    if isinstance(prompt, str) and prompt.strip():
        own = instructions_of(call)
        narrowed[INSTRUCTIONS] = f"{prompt}\n\n{own}" if own else prompt
    return narrowed


def _with_tools(fields: Mapping[str, Any] | None, call: Mapping[str, Any]) -> dict[str, Any]:
    if not fields or "tools" not in call:
        return dict(call)
    kept = [t for t in call["tools"] if not tool_refusal(str(t["function"]["name"]), fields)]
    narrowed = {key: value for key, value in call.items() if key not in _OF_TOOLS}
    if kept:
        narrowed["tools"] = kept
    return narrowed
