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

from graphs.catalog import Catalog  # noqa: E402
from graphs.chat import MomaChatModel  # noqa: E402
from graphs.orchestrator import build_graph  # noqa: E402
from graphs.redaction import keep_quiet  # noqa: E402
from graphs.services import Options, Services  # noqa: E402
from graphs.state import Context  # noqa: E402

keep_quiet()

__all__ = ["Catalog", "Context", "MomaChatModel", "Options", "Services", "build_graph"]
