"""What the policy's rule does to an answer besides choosing who gives it: its text, its instructions, its tools."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.call import INSTRUCTIONS, instructions_of, without_tools
from graphs.permits import Judged
from graphs.policy.tools import tool_refusal

__all__ = ["call_under", "fixed_answer"]


def fixed_answer(judged: Judged | None) -> str | None:
    """Return the text with which the chosen rule answers without a model, if it does (`PLUGIN fast_response`)."""
    rule = judged.judgement.verdict.rule if judged and judged.judgement else None
    fixed = [p for p in rule.plugins if p.type == "fast_response" and p.on] if rule else []
    return str(fixed[0].fields.get("message") or "") or None if fixed else None


def call_under(judged: Judged | None, call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request asks of its model as far as the rules let it, with their instructions before it.

    Of a turn that other rules might have judged, were all signals known, each of them has its say.
    """
    if judged is None:
        return dict(call)
    narrowed = _with_tools(judged.plugins("tools"), call)
    given = (fields.get("system_prompt") for fields in judged.plugins("system_prompt"))
    prompts = [prompt for prompt in given if isinstance(prompt, str) and prompt.strip()]
    if prompts:
        own = instructions_of(call)
        narrowed[INSTRUCTIONS] = "\n\n".join([*dict.fromkeys(prompts), *([own] if own else [])])
    return narrowed


def _with_tools(rules: Sequence[Mapping[str, Any]], call: Mapping[str, Any]) -> dict[str, Any]:
    if not rules or "tools" not in call:
        return dict(call)
    tools = call["tools"]
    kept = [tool for tool in tools if not tool_refusal(str(tool["function"]["name"]), rules)]
    if len(kept) == len(tools):
        return dict(call)
    # A choice among tools may name one that is not there.
    narrowed = without_tools(call)
    return {**narrowed, "tools": kept} if kept else narrowed
