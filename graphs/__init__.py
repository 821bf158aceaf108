"""The orchestrator, usable alone: `from graphs import build_graph, Context`."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphs.quick_imports import no_collection
from graphs.redaction import keep_quiet

# Libraries read these when they are first imported; whoever embeds MoMA may have set them otherwise.
for _name, _value in {
    # Checkpoints build no type that a stored blob names.
    "LANGGRAPH_STRICT_MSGPACK": "true",
    # ONNX Runtime keeps a device id and usage events in the user's cache, to be sent to its maker.
    "ORT_DISABLE_TELEMETRY": "1",
    # LangSmith, where an operator switches it on, gets the shape of a run and not what was said in it.
    "LANGSMITH_HIDE_INPUTS": "true",
    "LANGSMITH_HIDE_OUTPUTS": "true",
    # NumPy's matrices are small here: threads for them cost more than they save, and most on a busy machine.
    "OPENBLAS_NUM_THREADS": "1",
}.items():
    os.environ.setdefault(_name, _value)

keep_quiet()

if TYPE_CHECKING:
    from graphs.catalog import Catalog
    from graphs.chat import MomaChatModel
    from graphs.options import Options
    from graphs.orchestrator import build_graph
    from graphs.services import Services
    from graphs.state import Context

__all__ = ["Catalog", "Context", "MomaChatModel", "Options", "Services", "build_graph"]

_HOMES = {
    "Catalog": "catalog",
    "Context": "state",
    "MomaChatModel": "chat",
    "Options": "options",
    "Services": "services",
    "build_graph": "orchestrator",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, since LangGraph takes a second of which a command that reads a file needs nothing.

    Raises:
        AttributeError: the package offers no `name`.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with no_collection():
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
