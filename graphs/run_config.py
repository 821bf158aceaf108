"""The config of a run: where it is placed, also within a node of another graph, and what is added to it.

LangChain's `merge_configs` fills each config up with that of the node around it, which a thread that the caller names
would be lost under.
"""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

__all__ = ["place_of", "with_configurable"]

_COORDINATES = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")


def place_of(*configs: RunnableConfig | None) -> RunnableConfig:
    """Return the config that a run is given by `configs`, of which a later one counts first, as LangGraph places it.

    One that names a thread or a state of it inherits no place from the node around it.
    """
    place = ensure_config(None)
    around = place.get("configurable") or {}
    given: dict[str, Any] = {}
    for config in configs:
        if config:
            place = {**place, **ensure_config(config)}
            given |= config.get("configurable") or {}
    own = any(given.get(key) for key in _COORDINATES)
    return {**place, "configurable": given if own else {**around, **given}}


def with_configurable(config: RunnableConfig | None, **values: Any) -> RunnableConfig:
    """Return `config` with more values in `configurable`."""
    given: RunnableConfig = {} if config is None else config
    return {**given, "configurable": {**(given.get("configurable") or {}), **values}}
