"""What a thread waits for: the questions of an agent that is interrupted, and how they are shown and answered."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import GraphOutput, Interrupt, StateSnapshot

from agents.approvals import answer_to
from agents.errors import InputError
from graphs.machine import Phase
from graphs.steps import led_to

__all__ = [
    "answers",
    "asked_in",
    "check_resume",
    "is_heard",
    "is_pause",
    "with_approval",
    "with_shown",
]

_INTERRUPT = "__interrupt__"


def is_heard(saved: CheckpointTuple, nodes: Container[str]) -> bool:
    """Return whether the graph still has the node of the agent that waits; else nobody hears the answer."""
    return all(node in nodes for node in led_to(saved.checkpoint))


def asked_in(saved: CheckpointTuple) -> list[Interrupt]:
    """Return what an agent waits for; one whose nodes run side by side may ask several things at once."""
    written = [write[2] for write in saved.pending_writes or () if write[1] == _INTERRUPT]
    return [
        pending for asked in written[-1:] for pending in asked if isinstance(pending, Interrupt)
    ]


def answers(asked: Sequence[Interrupt], text: str) -> Any:
    """Return the user's text in the form that whoever asked reads."""
    if len(asked) > 1:
        return {pending.id: answer_to(pending.value, text) for pending in asked}
    return answer_to(asked[0].value, text) if asked else text


def check_resume(resume: Any, asked: Sequence[Interrupt]) -> None:
    """Check that a caller's `resume` says which of several open questions it answers.

    Raises:
        InputError: it does not.
    """
    ids = {pending.id for pending in asked}
    if len(ids) > 1 and not (isinstance(resume, Mapping) and resume and resume.keys() <= ids):
        raise InputError(
            f"{len(ids)} questions are open in this thread: resume with {{id: answer}} of {', '.join(sorted(ids))}"
        )


def is_pause(result: Any) -> bool:
    """Return whether a run ended because an agent waits."""
    if isinstance(result, GraphOutput):
        return bool(result.interrupts)
    return isinstance(result, dict) and _INTERRUPT in result


def with_shown(result: Any, snapshot: StateSnapshot) -> Any:
    """Return the result of a turn that waits, with what is shown of such a state."""
    shown = {name: snapshot.values.get(name) for name in ("phase", "active_agent", "record")}
    if isinstance(result, GraphOutput):
        return replace(result, value={**result.value, **shown})
    return result | shown


def with_approval(snapshot: StateSnapshot) -> StateSnapshot:
    """Return a thread's state with the phase and the record of an approval that is pending."""
    if not snapshot.interrupts or not isinstance(snapshot.values, dict):
        return snapshot
    holder = snapshot.values.get("target") or snapshot.values.get("active_agent")
    phase = Phase.AWAITING_APPROVAL.value
    record = {
        **snapshot.values.get("decision", {}),
        "phase_to": phase,
        "served_by": {"kind": "agent", "id": holder},
    }
    values = {**snapshot.values, "phase": phase, "active_agent": holder, "record": record}
    return snapshot._replace(values=values)
