"""The A2A application: the card, and JSON-RPC with streaming. Who is calling, the HTTP server around it says."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version

from a2a.auth.user import User
from a2a.helpers import get_message_text, new_task_from_user_message
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.jsonrpc_models import JSONParseError
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.server.routes import ServerCallContextBuilder, create_agent_card_routes
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.server.tasks import InMemoryTaskStore, TaskStore
from a2a.types import AgentCard, Message, Part, SendMessageRequest, Task
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.errors import LengthError
from app.a2a.card import agent_card
from app.a2a.executor import CONTEXT, MomaExecutor
from graphs import Context, Services
from graphs.threads import MomaGraph
from graphs.turn import check_length

__all__ = ["make_a2a"]

MOST_TASKS = 10_000
MOST_BYTES = 1 << 26
"""Tasks that are remembered, and their bytes; the oldest is forgotten. What was said is in the threads."""
_RPC = "/rpc"
_PARTS = {"raw": "a file", "url": "a file", "data": "data"}
"""What a part of a message is that is no text."""


def make_a2a(
    graph: MomaGraph,
    services: Services,
    *,
    url: str,
    context_of: Callable[[Request], Context] = lambda request: Context(),
    task_store: TaskStore | None = None,
    ending: asyncio.Event | None = None,
) -> Starlette:
    """Return the application, to be served alone or mounted, as at `/a2a`.

    Args:
        graph: with a checkpointer, or else no dialogue is kept.
        services: what the graph was built with.
        url: the address at which the application is reached, as callers see it.
        context_of: who is calling; what it raises refuses the request. By default nobody in particular, with no
            grants beyond those of the process.
        task_store: where tasks are kept; by default the newest in this process.
        ending: is set when the process ends and waits no longer for the turns that run.
    """
    address = url.rstrip("/") + _RPC

    async def fresh(card: AgentCard) -> AgentCard:
        return agent_card(services, url=address, version=_version())

    card = agent_card(services, url=address, version=_version())
    handler = _Handler(
        agent_executor=MomaExecutor(graph, ending=ending),
        task_store=task_store or _Newest(),
        agent_card=card,
    )
    dispatcher = _Dispatcher(handler, context_builder=_Callers(context_of))
    routes = [
        *create_agent_card_routes(card, card_modifier=fresh),
        Route(_RPC, dispatcher.handle_requests, methods=["POST"]),
    ]
    return Starlette(routes=routes)


class _Dispatcher(JsonRpcDispatcher):
    """The SDK's dispatcher, which fails with a traceback on JSON that is deep or holds half a character."""

    async def handle_requests(self, request: Request) -> Response:
        """Answer a call."""
        try:
            from_json(await request.body())
        except ValueError:
            fault = JSONParseError(
                message="the body is not JSON in UTF-8, of whole characters and at most 200 levels"
            )
            return JSONResponse(build_error_response(None, fault))
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        return await super().handle_requests(request)


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


class _Handler(DefaultRequestHandler):
    """The SDK's handler, which keeps a task of whatever it takes: what no turn can be made of is refused before."""

    async def on_message_send(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> Message | Task:
        """Take a message and return what came of it."""
        _check(params.message)
        taken: Message | Task = await super().on_message_send(params, context)
        return taken

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Take a message and yield what comes of it."""
        _check(params.message)
        async with aclosing(super().on_message_send_stream(params, context)) as events:
            async for event in events:
                yield event


def _check(message: Message) -> None:
    """Check that a turn can be made of a message.

    Raises:
        ContentTypeNotSupportedError: it has a file or data, which no agent would be given.
        InvalidParamsError: it cannot for another reason.
    """
    other = next((part for part in message.parts if not part.HasField("text")), None)
    if other is not None:
        kind = _PARTS.get(other.WhichOneof("content"), "empty")
        raise ContentTypeNotSupportedError(
            message=f"a part of the message is {kind}; only text is taken"
        )
    try:
        new_task_from_user_message(message)
        check_length(get_message_text(message))
    except (LengthError, ValueError) as error:
        raise InvalidParamsError(message=str(error)) from None


class _Newest(InMemoryTaskStore):
    """The newest tasks in memory, each answer in one part."""

    def __init__(self) -> None:
        super().__init__()
        self._order: OrderedDict[str, tuple[ServerCallContext, int]] = OrderedDict()
        self._bytes = 0

    async def save(self, task: Task, context: ServerCallContext) -> None:
        """Keep a task and forget the oldest beyond `MOST_TASKS` and `MOST_BYTES`."""
        _merge_texts(task)
        await super().save(task, context)
        size = task.ByteSize()
        self._bytes += size - self._order.pop(task.id, (context, 0))[1]
        self._order[task.id] = context, size
        while len(self._order) > MOST_TASKS or (self._bytes > MOST_BYTES and len(self._order) > 1):
            oldest, (owner, size) = self._order.popitem(last=False)
            self._bytes -= size
            await self.delete(oldest, owner)


def _merge_texts(task: Task) -> None:
    """Make one part of the texts that came one after the other: they are pieces of one answer, as it was streamed."""
    for artifact in task.artifacts:
        parts = list(artifact.parts)
        if len(parts) < 2 or not all(_is_text(part) for part in parts):
            continue
        parts[0].text = "".join(part.text for part in parts)
        del artifact.parts[1:]


def _is_text(part: Part) -> bool:
    return part.HasField("text") and not part.HasField("metadata")


def _version() -> str:
    try:
        return version("moma")
    except PackageNotFoundError:  # run from a checkout
        return "0"
