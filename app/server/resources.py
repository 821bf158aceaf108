"""What the endpoints of one server process share, opened when it starts and closed when it ends."""

import asyncio
import functools
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from app.assembly import make_services
from app.server.conversations import Conversations, open_conversations
from app.server.keys import Keys
from app.server.metrics import Metrics
from app.settings import Settings
from graphs import Services, build_graph
from graphs.checkpoints import open_threads
from graphs.threads import MomaGraph

__all__ = ["Resources", "open_resources", "resources_of"]

_LONGEST_WARMING_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What requests are served with."""

    services: Services
    graph: MomaGraph
    stateless: MomaGraph
    """The same graph without threads, for turns that leave no trace."""
    conversations: Conversations
    keys: Keys | None
    """None: whoever reaches the server may use it, which is for loopback alone."""
    metrics: Metrics
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process ends and waits no longer for the turns that run."""

    @property
    def saver(self) -> BaseCheckpointSaver[Any]:
        """Where the graph's threads are kept."""
        assert isinstance(self.graph.checkpointer, BaseCheckpointSaver)
        return self.graph.checkpointer

    @property
    def fingerprint(self) -> str:
        """Which catalogue and which release answer, as `system_fingerprint` says it."""
        return f"moma_{_release()}_{self.services.registry.version[:12]}"


@asynccontextmanager
async def open_resources(settings: Settings, keys: Keys | None) -> AsyncIterator[Resources]:
    """Open what a server of these settings needs.

    Raises:
        CatalogError: the catalogue is broken.
        CheckpointError: the threads cannot be used.
    """
    services = make_services(settings)
    warming: threading.Thread | None = None
    try:
        async with resources_of(services, threads=settings.threads_place, keys=keys) as resources:
            warming = services.warm()
            threading.Thread(target=_settle, args=[warming], daemon=True).start()
            yield resources
    finally:
        services.close()
        if warming is not None:
            # A thread within a library's own code would abort the process as it ends.
            await asyncio.to_thread(warming.join, _LONGEST_WARMING_S)


def _settle(warming: threading.Thread) -> None:
    """Spare the garbage collector what was loaded: its search through half a million objects holds up every turn."""
    warming.join()
    gc.freeze()


@asynccontextmanager
async def resources_of(
    services: Services, *, threads: str, keys: Keys | None
) -> AsyncIterator[Resources]:
    """Open what a server of these services needs; `threads` is where they are kept."""
    async with AsyncExitStack() as stack:
        saver = await stack.enter_async_context(open_threads(threads))
        conversations = await stack.enter_async_context(open_conversations(threads))
        yield Resources(
            services=services,
            graph=build_graph(services=services, checkpointer=saver),
            stateless=build_graph(services=services),
            conversations=conversations,
            keys=keys,
            metrics=Metrics(services),
        )


@functools.cache
def _release() -> str:
    try:
        return version("moma")
    except PackageNotFoundError:  # run from a checkout
        return "source"
