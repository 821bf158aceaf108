"""Where a graph's own state goes on: in the branch of the thread that runs now, not in whichever was written last.

A turn that is edited goes on from an earlier checkpoint of its thread. What an agent's graph keeps stands in a
namespace of its own, of which LangGraph reads the newest state; each state names the checkpoint of the thread that it
was made at.
"""

import uuid
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

__all__ = ["checkpoint_of", "going_on_from", "on_branch"]

_SAVER = "__pregel_checkpointer"
"""Where LangGraph says what keeps the checkpoints of a run."""
_MAP = "checkpoint_map"
"""Where it says at which checkpoint each graph around a run stands, by its namespace; the thread's own is ''."""
_NONE = str(uuid.UUID(int=0))
"""The id of no checkpoint."""


def checkpoint_of(config: RunnableConfig) -> str:
    """Return the thread's checkpoint at which a run stands, empty where none is kept."""
    return str(config.get("configurable", {}).get(_MAP, {}).get("", ""))


async def on_branch(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    newest: StateSnapshot,
    config: RunnableConfig,
    *,
    ended_at: str,
) -> StateSnapshot | None:
    """Return the newest state of `graph` in the branch of a run; None if it has none there.

    Args:
        graph: it keeps its state by itself.
        newest: its newest state in any branch.
        config: of the run.
        ended_at: the thread's checkpoint at which its last turn in this branch ended, empty if that is not known.
    """
    made_at = _made_at(newest)
    line = _Line(config)
    if made_at in ("", ended_at) or await line.has(made_at):
        return newest
    async for older in graph.aget_state_history(config):
        if await line.has(_made_at(older)):
            return older
    return None


def going_on_from(
    found: StateSnapshot | None, newest: StateSnapshot, config: RunnableConfig
) -> RunnableConfig:
    """Return the config of a run that goes on from `found`, or from nothing, though `newest` is there."""
    places: dict[str, Any] = config.get("configurable", {}).get(_MAP, {})
    own = newest.config["configurable"]["checkpoint_ns"]
    at = found.config["configurable"]["checkpoint_id"] if found else _NONE
    return merge_configs(config, {"configurable": {_MAP: {**places, own: at}}})


def _made_at(state: StateSnapshot) -> str:
    return str(((state.metadata or {}).get("parents") or {}).get("", ""))


class _Line:
    """The checkpoints of a thread that led to a run. Their ids rise with time; as many are read as are asked for."""

    def __init__(self, config: RunnableConfig) -> None:
        self._place: dict[str, Any] = config.get("configurable", {})
        self._next = checkpoint_of(config)
        self._seen: set[str] = set()
        self._torn = False

    async def has(self, checkpoint_id: str) -> bool:
        """Whether a checkpoint is among them, or whether that cannot be known as one is not kept."""
        while self._next >= checkpoint_id and not self._torn and self._next:
            at = {"thread_id": self._place["thread_id"], "checkpoint_ns": ""}
            found = await self._place[_SAVER].aget_tuple(
                {"configurable": {**at, "checkpoint_id": self._next}}
            )
            self._torn = found is None
            self._seen.add(self._next)
            before = found.parent_config if found else None
            self._next = before["configurable"]["checkpoint_id"] if before else ""
        return self._torn or checkpoint_id in self._seen
