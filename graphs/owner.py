"""Whose thread it is: that of the user of its first turn. Nobody else takes a turn in it or reads it.

It knows no store and no graph: a thread's saved values, and what the runtime context says of the caller.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig

from agents.errors import ThreadError
from graphs.state import Context

__all__ = ["check_owner", "owned_by", "user_of"]

_MARK = "moma_owner"
"""What says whose a checkpoint is in its metadata, from the first one on: the state says so when a node has run."""


def user_of(context: Context | None) -> str:
    """Return who is calling; no context means the local user."""
    return (context or Context()).user


def owned_by(config: RunnableConfig | None, user: str) -> RunnableConfig:
    """Return the config of a run whose checkpoints are marked as a user's."""
    given: RunnableConfig = {} if config is None else config
    return {**given, "metadata": {**(given.get("metadata") or {}), _MARK: _mark_of(user)}}


def check_owner(
    values: Mapping[str, Any], *, user: str, metadata: Mapping[str, Any] | None = None
) -> None:
    """Check that a thread is the caller's.

    Args:
        values: what is saved of the thread. One that has had turns and names no owner is the local user's.
        user: the caller.
        metadata: of the checkpoint that they are from.

    Raises:
        ThreadError: it is another's; the text does not say whose.
    """
    owner = values.get("owner") or (Context().user if values.get("turn") else None)
    mark = (metadata or {}).get(_MARK)
    if owner is None and mark is not None:
        mine = mark == _mark_of(user)
    else:
        mine = owner in (None, user)
    if not mine:
        raise ThreadError("there is no such thread of yours; begin one with another id")


def _mark_of(user: str) -> str:
    """Return what stands for a user where traces and stores show metadata."""
    return hashlib.sha256(user.encode(errors="surrogatepass")).hexdigest()[:32]
