"""What a graph from elsewhere needs beside the messages that it is given. It runs no graph."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from typing_extensions import is_typeddict

from agents.contract import AgentContext
from agents.errors import CatalogError

__all__ = ["check_needs", "own_context"]


def check_needs(agent_id: str, graph: CompiledStateGraph[Any, Any, Any, Any]) -> None:
    """Check that a graph can run with messages alone and the defaults of its context.

    A `TypedDict` of a state says nothing of it: its fields may all be filled by nodes.

    Raises:
        CatalogError: naming the field that nothing could fill.
    """
    given = graph.builder.input_schema
    beside = [] if is_typeddict(given) else [n for n in _needed(given) if n != "messages"]
    own = own_context(graph)
    for where, names in (("state", beside), ("context_schema", _needed(own) if own else [])):
        if names:
            raise CatalogError(
                f"agent {agent_id!r}: the graph's {where} needs {names[0]!r}, and an agent is given its messages "
                "alone; give the field a default"
            )


def own_context(graph: CompiledStateGraph[Any, Any, Any, Any]) -> Any:
    """Return the class of the context that a graph wants; None where it is ours or none."""
    schema = graph.context_schema
    return schema if isinstance(schema, type) and schema is not AgentContext else None


def _needed(schema: Any) -> list[str]:
    """Return the fields of a `TypedDict`, a dataclass or a pydantic model that have no default."""
    if is_typeddict(schema):
        return sorted(schema.__required_keys__)
    if is_dataclass(schema):
        return [
            f.name
            for f in fields(schema)
            if f.init and f.default is MISSING and f.default_factory is MISSING
        ]
    models = getattr(schema, "model_fields", {})
    return [name for name, field in models.items() if field.is_required()]
