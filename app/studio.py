"""The graph that `langgraph dev` and the LangGraph platform serve, and beside it MoMA's own server with the page.

The graph has no checkpointer, which they bring. Everything is loaded when this module is imported, because the platform
forbids reading files inside a run.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.assembly import make_services
from app.server.application import make_app
from app.server.door import hosts_of
from app.server.keys import Keys
from app.server.resources import Resources, resources_of
from app.settings import read_settings
from graphs import build_graph
from graphs.gateway import transport

_settings = read_settings()
_settings.make_home()
_keys = Keys.from_file(_settings.api_keys) if _settings.api_keys else None
services = make_services(_settings)
services.router()
transport.load()
graph = build_graph(services=services)


@asynccontextmanager
async def _opened() -> AsyncIterator[Resources]:
    """Open what the page speaks to: the same services, with the threads of `python -m app.server`."""
    try:
        async with resources_of(services, threads=_settings.threads_place, keys=_keys) as resources:
            yield resources
    finally:
        await asyncio.to_thread(services.close)


app = make_app(_opened, hosts=hosts_of(_settings.server_hosts, loopback=False))
"""Added to theirs as `http.app`. Their own server answers to any name, unless MOMA_SERVER_HOSTS says which."""
