"""The orchestrator, usable alone: `from graphs import build_graph, Context`."""

import os

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

from graphs.quick_imports import no_collection  # noqa: E402

with no_collection():
    from graphs.catalog import Catalog
    from graphs.chat import MomaChatModel
    from graphs.options import Options
    from graphs.orchestrator import build_graph
    from graphs.redaction import keep_quiet
    from graphs.services import Services
    from graphs.state import Context

keep_quiet()

__all__ = ["Catalog", "Context", "MomaChatModel", "Options", "Services", "build_graph"]
