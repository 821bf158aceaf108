"""The saved states of a thread, as the server looks for them: the first, the one before or after a turn.

It reads and decides nothing.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from app.server.messages import Mark, answer_of, marks_of
from graphs.savers.store_errors import readable

__all__ = [
    "first_state", "messages_of", "place_at", "place_of", "state_after",
    "state_answering", "state_before", "values_of",
]  # fmt: skip

FARTHEST = 600
"""Saved states that are looked through for one."""
_BRANCHES = 20
"""Ends of turns that are looked through, from the first that will do, for one with the same answer."""


async def state_before(
    saver: BaseCheckpointSaver[Any], thread: str, marks: Sequence[Mark], *, answer: str | None
) -> CheckpointTuple | None:
    """Return the newest saved state in which a turn had ended and just these turns were made.

    One whose last answer was `answer` is preferred: the same turns may have been answered again.
    """
    best, seen = None, 0
    async with aclosing(_ended_states(saver, thread)) as found:
        async for state in found:
            seen += best is not None
            messages = messages_of(state)
            if marks_of(messages) == list(marks):
                if answer in (None, answer_of(messages)):
                    return state
                best = best or state
            if seen == _BRANCHES:
                break
    return best


async def state_after(
    saver: BaseCheckpointSaver[Any], thread: str, decision: str
) -> CheckpointTuple | None:
    """Return the saved state in which the turn of a decision had ended."""
    return await _ended_state(saver, thread, lambda s: _ended(s) == decision)


async def state_answering(
    saver: BaseCheckpointSaver[Any], thread: str, message_id: str
) -> CheckpointTuple | None:
    """Return the newest saved state in which the turn of a user's message had ended."""
    return await _ended_state(saver, thread, lambda s: _asked(s) == message_id)


async def first_state(saver: BaseCheckpointSaver[Any], thread: str) -> CheckpointTuple | None:
    """Return the first state of a thread, in which nothing had been said."""
    with readable():
        async with aclosing(saver.alist(place_of(thread), filter={"step": -1})) as found:  # type: ignore[type-var]
            async for state in found:
                if not messages_of(state):
                    return state
    return None


async def _ended_state(
    saver: BaseCheckpointSaver[Any], thread: str, fits: Callable[[CheckpointTuple], bool]
) -> CheckpointTuple | None:
    """Return the newest saved state in which a turn had ended and that fits."""
    async with aclosing(_ended_states(saver, thread)) as found:
        async for state in found:
            if fits(state):
                return state
    return None


async def _ended_states(
    saver: BaseCheckpointSaver[Any], thread: str
) -> AsyncGenerator[CheckpointTuple, None]:
    """Yield the saved states in which a turn had ended, the newest first."""
    states = saver.alist(place_of(thread), filter={"source": "loop"}, limit=FARTHEST)
    with readable():
        async with aclosing(states) as found:  # type: ignore[type-var]
            async for state in found:
                if _ended(state):
                    yield state


def _asked(state: CheckpointTuple) -> str | None:
    """Return the id of the user's last message in a saved state."""
    asked = (m.id for m in reversed(messages_of(state)) if isinstance(m, HumanMessage))
    return next(asked, None)


def _ended(state: CheckpointTuple) -> str | None:
    """Return the decision of the turn that had just ended in a saved state; None within a turn."""
    record, decision = (values_of(state).get(name) or {} for name in ("record", "decision"))
    messages = messages_of(state)
    answered = bool(messages) and isinstance(messages[-1], AIMessage)
    ended = answered and record.get("id") == decision.get("id")
    return record.get("id") if ended else None


def values_of(state: CheckpointTuple) -> Mapping[str, Any]:
    """Return the fields of a saved state."""
    values: Mapping[str, Any] = state.checkpoint["channel_values"]
    return values


def messages_of(state: CheckpointTuple | None) -> list[BaseMessage]:
    """Return the dialogue of a saved state."""
    return list(values_of(state).get("messages") or ()) if state is not None else []


def place_of(thread: str) -> RunnableConfig:
    """Return the config that names a thread."""
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}


def place_at(state: CheckpointTuple) -> RunnableConfig:
    """Return the config that names a saved state."""
    return {"configurable": dict(state.config["configurable"])}
