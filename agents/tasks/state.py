"""The state of the task agent's graph and what its nodes share. It knows no words and no table."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from agents.contract import AgentState, Outcome, failed
from agents.tasks.store import TaskStoreError

Step = Literal[
    "draft", "save", "show", "find", "choose", "revise", "reschedule", "understand", "approve",
    "change", "delete", "drop", "end",
]  # fmt: skip
F = TypeVar("F", bound=Callable[..., "TasksState"])


class TasksState(AgentState, total=False):
    """What the nodes hand to each other; JSON-plain."""

    step: Step
    """Which node runs next."""
    command: dict[str, Any]
    """The wish that was read: the fields of a `Command`."""
    draft: dict[str, Any]
    """The task being written: `key`, `title`, `due`, `remind`."""
    ids: list[int]
    """The tasks that the command was found to mean."""
    due: dict[str, Any] | None
    """The new date of a task to be moved."""
    note: str
    """What the answer says besides, such as that a draft was dropped."""


def ending(update: AgentState) -> TasksState:
    """Return an outcome as the update of a run's last node."""
    return cast(TasksState, {**update, "step": "end"})


def conclude(state: TasksState) -> TasksState:
    """Add the note to the answer, if there is one, and clear what only this run needed."""
    outcome, note = state["outcome"], state.get("note", "")
    if note and outcome.get("text"):
        outcome = Outcome(**{**outcome, "text": f"{outcome['text']} {note}"})
    return TasksState(outcome=outcome, note="", ids=[], due=None)


def stores(node: F) -> F:
    """Let a node end the run with `failed` if the list cannot be read or written."""

    @wraps(node)
    def run(state: TasksState, *args: Any, **kwargs: Any) -> TasksState:
        try:
            return node(state, *args, **kwargs)
        except TaskStoreError as error:
            return ending(failed(str(error)))

    return cast(F, run)
