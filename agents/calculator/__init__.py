"""The calculator agent: exact arithmetic, percentages, units and school algebra.

Importing this package loads neither LangGraph nor sympy nor pint: the worker process imports it too, and starts faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["build"]


def build(options: Mapping[str, Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the calculator's compiled subgraph.

    Args:
        options: `digits` (significant digits of a rounded answer, 4 to 50, default 12) and
            `seconds` (how long one symbolic computation may take, 0.1 to 30, default 1.2).

    Raises:
        CatalogError: an option is unknown or has a wrong value.
    """
    # Imported here so that the worker process, which imports this package, starts without LangGraph.
    from agents.calculator.graph import build_graph
    from agents.calculator.options import Options

    return build_graph(Options.from_mapping(options))
