"""The orchestrator, usable alone: `from graphs import build_graph, Context`."""

import os

# Read by LangGraph when it is first imported: checkpoints then build no type that a stored blob names.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from graphs.catalog import Catalog
from graphs.orchestrator import build_graph
from graphs.services import Options, Services
from graphs.state import Context

__all__ = ["Catalog", "Context", "Options", "Services", "build_graph"]
