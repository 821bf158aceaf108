"""What is saved of a thread, checked before a turn builds on it: a value of another type stops here, on one line.

A strict serialiser builds no object that a stored blob names, but hands on whatever plain value it held. This knows
the types of the state's fields, not whether their values make sense; masks do not depend on them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.types import Interrupt

from agents.errors import CheckpointError
from graphs.owner import check_owner
from graphs.savers.store_errors import readable

__all__ = ["check_saved", "check_values", "is_paused", "read_saved"]

Check = Callable[[Any], bool]


def _is(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds)


def _all(kind: type) -> Check:
    return lambda value: isinstance(value, list) and all(isinstance(v, kind) for v in value)


def _texts_to(kind: type) -> Check:
    return lambda value: (
        isinstance(value, dict)
        and all(isinstance(k, str) and isinstance(v, kind) for k, v in value.items())
    )


def _comparable(versions: Collection[Any]) -> bool:
    """Whether LangGraph can compare them to see what is new: texts that begin with a number, or numbers alone."""
    if all(isinstance(version, str) for version in versions):
        return all(version.partition(".")[0].isdecimal() for version in versions)
    return all(isinstance(version, int | float) for version in versions)


def _messages(value: Any) -> bool:
    found = value if isinstance(value, list) else [value]
    return all(isinstance(m, BaseMessage) and isinstance(m.content, str | list) for m in found)


_NUMBER_OR_NONE = _is(int, float, type(None))


def _moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_PARTS: Mapping[str, Check] = {
    "id": _is(str),
    "ts": _moment,
    "thread": _is(str, type(None)),
    "turn": _is(int),
    "agents": _is(dict),
    "models": _is(dict, type(None)),
    "served_by": _is(dict, type(None)),
    "runs": _all(dict),
    "calls": _all(dict),
    "cost_usd": _NUMBER_OR_NONE,
    "timings_ms": _texts_to(object),
    "versions": _texts_to(object),
}
"""What a turn that goes on reads of its record, and what every record has."""


def _record(value: Any) -> bool:
    return isinstance(value, dict) and (
        not value
        or (
            all(name in value and check(value[name]) for name, check in _PARTS.items())
            and _is(dict, type(None))(
                value.get("policy")
            )  # a record of an earlier release has none
        )
    )


def _choice(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict)
        and isinstance(value.get("request"), str)
        and _all(str)(value.get("options"))
    )


_TEXT, _TEXT_OR_NONE, _WHOLE = _is(str), _is(str, type(None)), _is(int)
_FIELDS: Mapping[str, Check] = {
    "messages": _messages,
    "owner": _TEXT,
    "phase": _TEXT,
    "active_agent": _TEXT_OR_NONE,
    "turn": _WHOLE,
    "event": _TEXT,
    "request": _TEXT,
    "decision": _record,
    "record": _record,
    "target": _TEXT_OR_NONE,
    "outcome": _is(dict),
    "tried": _all(str),
    "hops": _WHOLE,
    "memories": _texts_to(dict),
    "asked": _TEXT,
    "floor": lambda value: value is None or _texts_to(str)(value),
    "choice": _choice,
    "rest": _is(list),
    "dialogue": _is(dict),
    "spent_usd": _is(int, float),
    "__interrupt__": lambda value: (
        isinstance(value, list | tuple) and all(isinstance(v, Interrupt) for v in value)
    ),
}


async def read_saved(
    saver: BaseCheckpointSaver[Any], on: RunnableConfig, *, user: str
) -> CheckpointTuple | None:
    """Return what is saved at a place, None if nothing is.

    Raises:
        CheckpointError: it cannot be read, or is damaged.
        ThreadError: it is not this user's.
    """
    with readable():
        saved = await saver.aget_tuple(on)
    if saved is not None:
        check_saved(saved)
        values = saved.checkpoint["channel_values"]
        check_owner(values, user=user, metadata=saved.metadata)
    return saved


def is_paused(saved: CheckpointTuple) -> bool:
    """Return whether an agent waits for an approval in a saved state."""
    return any(write[1] == "__interrupt__" for write in saved.pending_writes or ())


def check_saved(saved: CheckpointTuple) -> None:
    """Check what a store gave back.

    Raises:
        CheckpointError: it is no checkpoint of a thread, or a field has another type.
    """
    checkpoint, metadata = saved.checkpoint, saved.metadata
    if not (isinstance(checkpoint, dict) and isinstance(metadata, dict)):
        raise _damaged("the whole")
    for name, kind in (
        ("channel_values", object),
        ("channel_versions", object),
        ("versions_seen", dict),
    ):
        if not _texts_to(kind)(checkpoint.get(name)):
            raise _damaged(name)
    seen = [version for of in checkpoint["versions_seen"].values() for version in of.values()]
    if not _comparable([*checkpoint["channel_versions"].values(), *seen]):
        raise _damaged("channel_versions")
    if not isinstance(checkpoint.get("id"), str) or not isinstance(metadata.get("step"), int):
        raise _damaged("its place")
    if is_paused(saved) and not checkpoint["channel_values"].get("decision"):
        raise _damaged("decision")  # a turn that waits has one, and its answer goes on from it
    written = [(channel, value) for _, channel, value in saved.pending_writes or ()]
    check_values([*checkpoint["channel_values"].items(), *written])


def check_values(values: Iterable[tuple[str, Any]]) -> None:
    """Check the fields of a thread's state, by name.

    Raises:
        CheckpointError: one has another type.
    """
    for name, value in values:
        if name in _FIELDS and not _FIELDS[name](value):
            raise _damaged(name)


def _damaged(what: str) -> CheckpointError:
    return CheckpointError(f"the saved thread is damaged ({what}); go on in another thread")
