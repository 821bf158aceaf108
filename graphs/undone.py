"""A turn that another takes the place of: a thread that goes on from before it (LangGraph's time travel).

What it was is told to the run that takes its place. It judges nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from graphs.run_config import with_configurable
from graphs.savers.store_errors import readable
from graphs.turn import text_of

__all__ = ["Undone", "undone_in", "with_undone"]

_PLACE = "__moma_undone"
"""Where it stands in `configurable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The turn whose place is taken."""

    record: Mapping[str, Any]
    request: str


async def with_undone(
    config: RunnableConfig | None,
    saver: BaseCheckpointSaver[Any],
    saved: CheckpointTuple | None,
    place: Mapping[str, Any],
) -> RunnableConfig | None:
    """Return the config of a run with the turn that it takes the place of, if there is one.

    Args:
        config: of the run.
        saver: of its thread.
        saved: the state that it goes on from.
        place: its `configurable`.
    """
    if "checkpoint_id" not in place or saved is None:
        return config
    with readable():
        newest = await saver.aget_tuple({"configurable": {"thread_id": place["thread_id"]}})
    before = saved.checkpoint["channel_values"].get("turn") or 0
    values = newest.checkpoint["channel_values"] if newest else {}
    record = values.get("record") or {}
    if record.get("turn") != before + 1:  # more than one turn is undone: it was not the last answer
        return config
    said = [m for m in values.get("messages") or () if m.type == "human"]
    found = Undone(record=record, request=text_of(said[-1].content) if said else "")
    return with_configurable(config, **{_PLACE: found})


def undone_in(config: Mapping[str, Any] | RunnableConfig) -> Undone | None:
    """Return the turn that a run takes the place of, None if there is none."""
    found = (config.get("configurable") or {}).get(_PLACE)
    return found if isinstance(found, Undone) else None
