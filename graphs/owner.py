"""Whose thread it is: that of the user of its first turn. Nobody else takes a turn in it or reads it.

It knows no store and no graph: a thread's saved values, and what the runtime context says of the caller.
"""

from collections.abc import Mapping
from typing import Any

from agents.errors import ThreadError
from graphs.state import Context

__all__ = ["check_owner", "user_of"]


def user_of(context: Context | None) -> str:
    """Return who is calling; no context means the local user."""
    return (context or Context()).user


def check_owner(values: Mapping[str, Any], *, user: str) -> None:
    """Check that a thread is the caller's.

    Args:
        values: what is saved of the thread. One that has had turns and names no owner is the local user's.
        user: the caller.

    Raises:
        ThreadError: it is another's; the text does not say whose.
    """
    owner = values.get("owner") or (Context().user if values.get("turn") else user)
    if owner != user:
        raise ThreadError("there is no such thread of yours; begin one with another id")
