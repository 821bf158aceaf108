"""Hands a checkpoint that was just read under its thread's lock to the run that begins from it.

A thread is read to see whose it is and what waits in it, and LangGraph reads it again to run. While the lock is held
nobody writes between the two, so the second reading, and its decoding of the whole dialogue, can be spared.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, get_checkpoint_id

__all__ = ["handed_on", "read_or_handed_on"]

_Place = tuple[str, str, str | None]
Read = Callable[[RunnableConfig], Awaitable[CheckpointTuple | None]]


@dataclass(frozen=True, slots=True)
class _Handed:
    place: _Place
    saved: CheckpointTuple | None


_handed: ContextVar[_Handed | None] = ContextVar("moma_handed_checkpoint", default=None)


@contextmanager
def handed_on(config: RunnableConfig, saved: CheckpointTuple | None) -> Iterator[None]:
    """Let the next reading of the place that `config` names, in this task, have `saved`; the lock must be held."""
    _handed.set(_Handed(_place(config), saved))
    try:
        yield
    finally:
        _handed.set(None)


async def read_or_handed_on(config: RunnableConfig, read: Read) -> CheckpointTuple | None:
    """Return what was handed on for this place, once, or what `read` reads."""
    handed = _handed.get()
    if handed is None or handed.place != _place(config):
        return await read(config)
    _handed.set(None)
    return handed.saved


def _place(config: RunnableConfig) -> _Place:
    place = config["configurable"]
    return str(place["thread_id"]), place.get("checkpoint_ns", ""), get_checkpoint_id(config)
