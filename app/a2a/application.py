"""The A2A application: the card, and JSON-RPC with streaming. Who is calling, the HTTP server around it says."""

from collections import OrderedDict
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from a2a.auth.user import User
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import (
    ServerCallContextBuilder,
    create_agent_card_routes,
    create_jsonrpc_routes,
)
from a2a.server.tasks import InMemoryTaskStore, TaskStore
from a2a.types import AgentCard, Task
from starlette.applications import Starlette
from starlette.requests import Request

from app.a2a.card import agent_card
from app.a2a.executor import CONTEXT, MomaExecutor
from graphs import Context, Services
from graphs.threads import MomaGraph

__all__ = ["make_a2a"]

MOST_TASKS = 10_000
"""Tasks that are remembered; the oldest is forgotten. What was said is in the threads."""
_RPC = "/rpc"


def make_a2a(
    graph: MomaGraph,
    services: Services,
    *,
    url: str,
    context_of: Callable[[Request], Context] = lambda request: Context(),
    task_store: TaskStore | None = None,
) -> Starlette:
    """Return the application, to be served alone or mounted, as at `/a2a`.

    Args:
        graph: with a checkpointer, or else no dialogue is kept.
        services: what the graph was built with.
        url: the address at which the application is reached, as callers see it.
        context_of: who is calling; what it raises refuses the request. By default nobody in particular, with no
            grants beyond those of the process.
        task_store: where tasks are kept; by default the newest in this process.
    """
    address = url.rstrip("/") + _RPC

    async def fresh(card: AgentCard) -> AgentCard:
        return agent_card(services, url=address, version=_version())

    card = agent_card(services, url=address, version=_version())
    handler = DefaultRequestHandler(
        agent_executor=MomaExecutor(graph), task_store=task_store or _Newest(), agent_card=card
    )
    routes = [
        *create_agent_card_routes(card, card_modifier=fresh),
        *create_jsonrpc_routes(handler, _RPC, context_builder=_Callers(context_of)),
    ]
    return Starlette(routes=routes)


class _Caller(User):
    """The user whose tasks they are."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody vouches for the name: whoever gave the context does."""
        return True

    @property
    def user_name(self) -> str:
        """The name in the context."""
        return self._name


class _Callers(ServerCallContextBuilder):
    def __init__(self, context_of: Callable[[Request], Context]) -> None:
        self._context_of = context_of

    def build(self, request: Request) -> ServerCallContext:
        """Return the call's context: nothing of it comes from the message."""
        context = self._context_of(request)
        return ServerCallContext(
            user=_Caller(context.user), state={CONTEXT: context, "headers": dict(request.headers)}
        )


class _Newest(InMemoryTaskStore):
    """The newest tasks in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._order: OrderedDict[str, ServerCallContext] = OrderedDict()

    async def save(self, task: Task, context: ServerCallContext) -> None:
        """Keep a task and forget the oldest beyond `MOST_TASKS`."""
        await super().save(task, context)
        self._order[task.id] = context
        self._order.move_to_end(task.id)
        while len(self._order) > MOST_TASKS:
            oldest, owner = self._order.popitem(last=False)
            await self.delete(oldest, owner)


def _version() -> str:
    try:
        return version("moma")
    except PackageNotFoundError:  # run from a checkout
        return "0"
