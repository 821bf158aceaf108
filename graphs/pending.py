"""What a thread waits for: the questions of an agent that is interrupted, and how they are shown and answered."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP, BaseCheckpointSaver, CheckpointTuple
from langgraph.types import GraphOutput, Interrupt, StateSnapshot

from agents.approvals import answer_to
from agents.errors import InputError
from graphs.machine import Phase
from graphs.run_config import with_configurable
from graphs.savers.store_errors import readable
from graphs.steps import led_to

__all__ = [
    "answers",
    "asked_in",
    "check_resume",
    "is_answered",
    "is_heard",
    "is_overtaken",
    "is_pause",
    "taken_before",
    "with_approval",
    "with_overtaken",
    "with_shown",
]

_INTERRUPT, _RESUME = "__interrupt__", "__resume__"
_OVERTAKEN = "__moma_overtaken"
"""Where it stands in `configurable` that an answer came too late."""


def is_heard(saved: CheckpointTuple, nodes: Container[str]) -> bool:
    """Return whether the graph still has the node of the agent that waits; else nobody hears the answer."""
    return all(node in nodes for node in led_to(saved.checkpoint))


def asked_in(saved: CheckpointTuple) -> list[Interrupt]:
    """Return what an agent waits for; one whose nodes run side by side may ask several things at once."""
    written = [write[2] for write in saved.pending_writes or () if write[1] == _INTERRUPT]
    return [
        pending for asked in written[-1:] for pending in asked if isinstance(pending, Interrupt)
    ]


async def is_answered(
    saver: BaseCheckpointSaver[Any], saved: CheckpointTuple, *, space: str = ""
) -> bool:
    """Return whether all that is asked was answered by a run that was cut short after its agent had gone on from there.

    Another answer would not be heard then, or be taken for one to what the agent asks next.

    Args:
        saver: of the thread.
        saved: a state in which an agent waits, of the graph or of one within it.
        space: LangGraph's checkpoint namespace of that graph.

    Raises:
        CheckpointError: the states of the agent's graphs cannot be read.
    """
    writes = saved.pending_writes or ()
    ended = {task for task, channel, _ in writes if channel not in WRITES_IDX_MAP}
    for task in {task for task, channel, _ in writes if channel == _INTERRUPT} - ended:
        for node in led_to(saved.checkpoint):
            within = f"{space}|{node}:{task}" if space else f"{node}:{task}"
            place = {"thread_id": saved.config["configurable"]["thread_id"]}
            with readable():
                inner = await saver.aget_tuple({"configurable": {**place, "checkpoint_ns": within}})
            if inner is None or not await is_answered(saver, inner, space=within):
                return False
    return True


def taken_before(answer: Any, saved: CheckpointTuple) -> bool:
    """Return whether `answer` is the one that a run was given which was cut short."""
    return any(
        channel == _RESUME and value == answer for _, channel, value in saved.pending_writes or ()
    )


def with_overtaken(config: RunnableConfig | None) -> RunnableConfig:
    """Return the config of a run whose answer came when the agent had gone on with another one."""
    return with_configurable(config, **{_OVERTAKEN: True})


def is_overtaken(config: RunnableConfig) -> bool:
    """Return whether a run's answer came when the agent had gone on with another one."""
    return bool((config.get("configurable") or {}).get(_OVERTAKEN))


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
