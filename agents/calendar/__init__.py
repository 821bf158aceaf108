"""The calendar agent: dates, durations, weekdays and time zones, computed from the moment of the turn.

It knows no appointments and no history, and it declines a request with words that it cannot account for.
"""

from collections.abc import Mapping
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from agents.calendar.graph import build_graph
from agents.calendar.options import Options

__all__ = ["build"]


def build(options: Mapping[str, Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the calendar's subgraph with the catalogue's options.

    Raises:
        CatalogError: an option is unknown or has a wrong value.
    """
    return build_graph(Options.from_mapping(options))
