"""Listens to a new request for what it says of the answer before it, where feedback is kept.

It changes no turn, and none fails for it.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config

from graphs.feedback import evidence_of, source_of
from graphs.inferred import Next, words_of_next
from graphs.routing.router import Router
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import text_of
from graphs.undone import undone_in

__all__ = ["listen"]

_log = logging.getLogger(__name__)


async def listen(state: State, context: Context | None, services: Services) -> None:
    """Keep what this turn says of the one before, or of the one in whose place it stands."""
    feedback = services.feedback
    if feedback is None or not services.loaded or state["outcome"]:
        return
    if isinstance(state["messages"][-1], ToolMessage):  # the turn goes on; the user said nothing
        return
    undone = undone_in(_config())
    before = undone.record if undone else state.get("record")
    if not before or evidence_of(before) is None:
        return
    asked = undone.request if undone else _asked_before(state)
    try:
        router = services.router()
        likeness = await services.in_pool(partial(_likeness, router, asked, state["request"]))
        turn = Next(
            text=state["request"],
            asked=asked,
            likeness=likeness,
            preference=services.preference(context),
            ts=state["decision"]["ts"],
            again=undone is not None,
        )
        source = source_of((context or Context()).user)
        feedback.add_soon(words_of_next(before, turn, source=source))
    except Exception as error:  # noqa: BLE001 an old record, an encoder or a pool that fails: the turn is routed
        _log.warning("a turn says nothing of the one before: %s", error)


def _likeness(router: Router, one: str, other: str) -> float:
    return float(router.embed(one) @ router.embed(other))


def _asked_before(state: State) -> str:
    """Return the user's message before this one."""
    said = [m for m in state["messages"] if m.type == "human"]
    return text_of(said[-2].content) if len(said) > 1 else ""


def _config() -> RunnableConfig | Mapping[str, Any]:
    try:
        return get_config()
    except RuntimeError:  # not within a graph, as in a dry run
        return {}
