"""Reads the turns that are kept in a store of threads, each with the state in which it began.

A turn is known by the first checkpoint that holds its finished record; what was forked or cut short is left out.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage

from agents.errors import CheckpointError
from graphs.machine import Phase
from graphs.saved import check_saved
from graphs.savers.sqlite_saver import SqliteThreads
from graphs.turn import text_of

if TYPE_CHECKING:
    from graphs.savers.postgres import PostgresThreads

__all__ = ["StoredTurn", "stored_turns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTurn:
    """A turn that was served."""

    thread: str
    record: dict[str, Any]
    text: str
    """What the user wrote."""
    before: dict[str, Any]
    """The thread's state when it began."""
    owner: str

    @property
    def routed(self) -> bool:
        """Whether the turn was decided on at all; an answer to an approval goes to the agent that waits."""
        return bool(self.record["phase_from"] != Phase.AWAITING_APPROVAL)


async def stored_turns(
    saver: "SqliteThreads | PostgresThreads", thread: str
) -> AsyncIterator[StoredTurn]:
    """Yield the turns of a thread, oldest first.

    Raises:
        CheckpointError: the thread is damaged.
    """
    ends: dict[int, dict[str, Any]] = {}
    place: Any = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    try:
        async for saved in saver.alist(place):  # newest first, so that each turn's oldest stays
            check_saved(saved)
            values = saved.checkpoint["channel_values"]
            record = values.get("record") or {}
            if record.get("phase_to"):
                ends[record["turn"]] = values
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # of the serialiser
        raise CheckpointError(f"the thread {thread} is damaged ({type(error).__name__})") from error
    before: dict[str, Any] = {}
    for _, values in sorted(ends.items()):
        said = [m for m in values["messages"] if isinstance(m, HumanMessage)]
        if said:
            yield StoredTurn(
                thread=thread,
                record=values["record"],
                text=text_of(said[-1].content),
                before=before,
                owner=values.get("owner") or "local",
            )
        before = values
