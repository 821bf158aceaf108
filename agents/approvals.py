"""What an agent that waits for an approval asks, and in which words it wants the answer.

MoMA's own agents ask with `{"question", "details"}` and read a text; LangChain's `HumanInTheLoopMiddleware` lists the
calls that it is about to make and wants a decision on each, or asks of each by itself (`per_call`). Any other value is
shown as it is.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from agents.replies import approved

__all__ = ["answer_to", "told", "told_together"]

_LONGEST_DETAIL, _MOST_DETAILS = 2_000, 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_QUESTION, _OF_CALL = "Is that all right?", "May this be done?"


def told(value: Any) -> dict[str, Any]:
    """Return what is asked as `{"question", "details", ...}`, whatever the agent's `interrupt` was given."""
    actions = _actions(value)
    if actions is not None:
        details = [_call(action) for action in actions[:_MOST_DETAILS]]
        if more := len(actions) - len(details):
            details.append(f"and {more:,} more")
        question = _OF_CALL if len(actions) == 1 else "May these be done?"
        return {"kind": "approval", "question": question, "details": details}
    if _is_call(value):
        return {"kind": "approval", "question": _OF_CALL, "details": [_call(value)]}
    if not isinstance(value, dict):
        return {"question": _cut(str(value)) or _PLAIN_QUESTION}
    shown = {**value, "question": _question(value)}
    if isinstance(given := value.get("details"), list | tuple):
        shown["details"] = [_cut(str(each)) for each in given]
    return shown


def told_together(values: Sequence[Any]) -> dict[str, Any]:
    """Return all that an agent asks at once as one question: a yes is one to each of them, so each is shown."""
    each = [told(value) for value in values]
    if len(each) < 2:
        return each[0] if each else {"question": _PLAIN_QUESTION}
    details = [": ".join(_lines(asked)) for asked in each]
    return {"kind": "approval", "question": "May all of these be done?", "details": details}


def _lines(asked: dict[str, Any]) -> list[str]:
    details = list(asked.get("details", ()))
    return details if details and asked["question"] == _OF_CALL else [asked["question"], *details]


def answer_to(value: Any, answer: Any) -> Any:
    """Return a person's `answer` in the form that the agent which asked `value` reads.

    What is neither a yes nor a no is no permission: it goes back as the reason of a no.
    """
    actions = _actions(value)
    if isinstance(answer, dict) or (actions is None and not _is_call(value)):
        return answer
    verdict = approved(answer)
    said = answer if isinstance(answer, str) and verdict is None else "The user said no."
    if actions is None:
        return {"type": "approve"} if verdict else {"type": "reject", "message": said}
    if verdict is True:
        return {"decisions": [{"type": "approve"} for _ in actions]}
    kinds = _allowed(value)
    return {
        "decisions": [
            {"type": _refusal(kinds.get(str(action.get("name")))), "message": said}
            for action in actions
        ]
    }


def _allowed(value: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the decisions that the middleware takes, by the name of the call."""
    configs = value.get("review_configs")
    return {
        str(config.get("action_name")): allowed
        for config in (configs if isinstance(configs, list) else ())
        if isinstance(config, dict) and isinstance(allowed := config.get("allowed_decisions"), list)
    }


def _refusal(allowed: list[Any] | None) -> str:
    """Return the decision that keeps a call from being run. One that takes none is not run either: it breaks off."""
    return "respond" if allowed and "reject" not in allowed and "respond" in allowed else "reject"


def _actions(value: Any) -> list[dict[str, Any]] | None:
    """Return the calls that LangChain's middleware asks about; None if it is not the one that asks."""
    actions = value.get("action_requests") if isinstance(value, dict) else None
    if not isinstance(actions, list) or not all(isinstance(a, dict) for a in actions):
        return None
    return actions or None


def _is_call(value: Any) -> bool:
    """Return whether LangChain's middleware asks about one call by itself."""
    return isinstance(value, dict) and value.get("type") == "tool_approval" and "name" in value


def _call(action: dict[str, Any]) -> str:
    given = action.get("args")
    arguments = given if isinstance(given, dict) else {}
    said = ", ".join(f"{k}: {_json(v)}" for k, v in arguments.items())
    return _cut(f"{action.get('name')}({said})")


def _question(value: dict[str, Any]) -> str:
    for key in ("question", "message", "description", "prompt", "text"):
        if isinstance(said := value.get(key), str) and said.strip():
            return _cut(said)
    return _cut(_json(value)) if value else _PLAIN_QUESTION


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    """Return `text` without what a terminal would obey, cut if it is long."""
    text = _CONTROL.sub("", text).strip()
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
