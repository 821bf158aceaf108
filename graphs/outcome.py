"""What an agent hands back: checked, made plain, or turned into a failure or a request.

It knows the contract of an outcome, no agent and no graph.
"""

import json
from typing import Any

from langgraph.types import Command, Send

from agents.contract import Outcome, OutcomeEvent
from agents.errors import AgentError, InputError
from graphs.turn import clean_text

LARGEST_OUTCOME = LARGEST_MEMORY = 64 * 1024
"""Characters of JSON that an agent may return, and that it may keep in a thread."""
SERVED = (OutcomeEvent.DONE, OutcomeEvent.NEEDS_INPUT, OutcomeEvent.NEEDS_APPROVAL)
"""The events with which a turn is served."""


def checked(agent_id: str, result: Any) -> tuple[Outcome, dict[str, Any]]:
    """Return an agent's outcome and memory as plain JSON.

    Raises:
        AgentError: they are not what the contract says.
    """
    outcome = result.get("outcome") if isinstance(result, dict) else None
    if not isinstance(outcome, dict) or outcome.get("event") not in [*OutcomeEvent]:
        raise AgentError(f"{agent_id} returned no outcome")
    outcome = _plain(agent_id, "returns", outcome, LARGEST_OUTCOME)
    memory = _plain(agent_id, "keeps", result.get("memory") or {}, LARGEST_MEMORY)
    wrong = [key for key in ("text", "reason", "to") if not isinstance(outcome.get(key, ""), str)]
    if wrong or not isinstance(outcome.get("data", {}), dict) or not isinstance(memory, dict):
        what = wrong[0] if wrong else "data or memory"
        raise AgentError(f"{agent_id} returned a {what} of the wrong type")
    if outcome["event"] in SERVED:
        try:
            outcome["text"] = clean_text(outcome.get("text", ""))
        except InputError:
            raise AgentError(f"{agent_id} returned no text for the user") from None
    return Outcome(**{k: v for k, v in outcome.items() if k in Outcome.__annotations__}), memory  # type: ignore[typeddict-item]


def _plain(agent_id: str, verb: str, values: Any, largest: int) -> Any:
    """Return `values` as JSON brings them back: no subclass of a plain type, nothing that a checkpoint cannot hold."""
    try:
        text = json.dumps(values, allow_nan=False, ensure_ascii=False)
        text = text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be stored
        plain = json.loads(text, parse_int=_storable)
    except (TypeError, ValueError, RecursionError):
        raise AgentError(f"{agent_id} returned values that are not plain JSON") from None
    if len(text) > largest:
        raise AgentError(
            f"{agent_id} {verb} {len(text):,} characters; at most {largest:,} are allowed"
        )
    return plain


def _storable(digits: str) -> int:
    number = int(digits)
    if not -(2**63) <= number < 2**64:
        raise ValueError("a checkpoint holds integers of 64 bits")
    return number


def failure(reason: str) -> Outcome:
    """Return the outcome of an agent that could not do it; `reason` is one line."""
    return Outcome(event=OutcomeEvent.FAILED.value, text="", reason=reason)


def request_of(command: Command[Any]) -> Outcome:
    """Return what an agent asked for that wanted to move the orchestrator: it may not, so it becomes a request."""
    asked = command.goto if isinstance(command.goto, (list, tuple)) else [command.goto]
    names = [to.node if isinstance(to, Send) else to for to in asked]
    target = next((name for name in names if isinstance(name, str) and name), "")
    return Outcome(
        event=OutcomeEvent.HAND_OVER.value,
        text="",
        to=target,
        reason=f"it asked for {target or 'another'}",
    )
