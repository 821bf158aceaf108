"""The graph that `langgraph dev` and the LangGraph platform serve: without a checkpointer, which they bring.

Everything is loaded when this module is imported, because the platform forbids reading files inside a run.
"""

from app.settings import read_settings
from graphs import build_graph
from graphs.gateway import transport

_settings = read_settings()
_settings.make_home()
services = _settings.services()
services.router()
transport.load()
graph = build_graph(services=services)
