"""The data agent: answers questions about CSV, Parquet, JSON and SQLite files, read-only, and shows the SQL.

It knows the files of one folder and nothing else: no network, no other file, no way to change what it reads.
"""

from collections.abc import Mapping
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from agents.data.graph import compile_graph
from agents.folders import folder_option

__all__ = ["build"]


def build(options: Mapping[str, Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the agent.

    Args:
        options: `folder`, where the data files are: a path, relative to the agents' home unless absolute.

    Raises:
        CatalogError: an option is unknown or has the wrong type.
    """
    return compile_graph(folder=folder_option(options, agent="data"))
