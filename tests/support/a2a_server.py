"""An A2A agent that does what its message says, with real routes of the SDK; it records what it is sent."""

import asyncio
from typing import Any

from a2a.helpers import new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Clerk(AgentExecutor):
    """Ends a task as the first word of its message says."""

    def __init__(self) -> None:
        self.seen: list[Message] = []
        self.headers: list[dict[str, str]] = []
        self.cancelled: list[str] = []

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Do what the message says."""
        message = context.message
        assert message is not None
        self.seen.append(message)
        word, _, rest = context.get_user_input().removeprefix("clerk ").partition(" ")
        if word == "message":
            await event_queue.enqueue_event(
                new_text_message(rest, context_id=context.context_id, task_id=context.task_id)
            )
            return
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(message))
        task = TaskUpdater(event_queue, str(context.task_id), str(context.context_id))
        await self._end(task, word, rest)

    async def _end(self, task: TaskUpdater, word: str, rest: str) -> None:
        said = new_text_message(rest, context_id=task.context_id, task_id=task.task_id)
        if word == "ask":
            await task.requires_input(said)
        elif word == "fail":
            await task.failed(said)
        elif word == "reject":
            await task.reject(said)
        elif word == "login":
            await task.requires_auth(said)
        elif word == "hang":
            await asyncio.sleep(3_600)
        elif word == "crash":
            raise RuntimeError("secret-text")
        elif word == "silent":
            await task.complete()
        else:
            await task.start_work()
            for n, piece in enumerate(("It is ", f"done: {rest}.")):
                await task.add_artifact(
                    [new_text_part(piece)], artifact_id="a", append=n > 0, last_chunk=n == 1
                )
            await task.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Cancel the task."""
        self.cancelled.append(str(context.task_id))
        await TaskUpdater(event_queue, str(context.task_id), str(context.context_id)).cancel()


class ClerkApp:
    """The ASGI application; it learns its own address from the first request."""

    def __init__(self, clerk: Clerk, *, streaming: bool = True, leads_to: str = "") -> None:
        self.clerk, self.streaming, self.leads_to = clerk, streaming, leads_to
        self._app: Starlette | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {k.decode(): v.decode() for k, v in scope["headers"]}
            self.clerk.headers.append(headers)
            self._app = self._app or self._make(f"http://{headers['host']}")
            await self._app(scope, receive, send)

    def _make(self, address: str) -> Starlette:
        card = AgentCard(
            name="Clerk",
            description="Does what it is told.",
            version="1",
            supported_interfaces=[
                AgentInterface(
                    url=self.leads_to or f"{address}/rpc",
                    protocol_binding="JSONRPC",
                    protocol_version="1.0",
                )
            ],
            capabilities=AgentCapabilities(streaming=self.streaming),
            default_input_modes=["text/plain"],
            default_output_modes=["text/plain"],
            skills=[AgentSkill(id="do", name="Do", description="Does it.", tags=["do"])],
        )
        handler = DefaultRequestHandler(
            agent_executor=self.clerk, task_store=InMemoryTaskStore(), agent_card=card
        )
        return Starlette(
            routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/rpc")]
        )


async def _rubbish(request: Request) -> Response:
    kinds = {
        "html": Response("<html>Welcome</html>"),
        "list": Response("[1, 2]", media_type="application/json"),
        "huge": Response("x" * 9_000_000),
        "deep": Response('{"name": ' + "[" * 100_000, media_type="application/json"),
        "500": Response("oops secret-text", status_code=500),
        "moved": Response(status_code=302, headers={"location": "http://127.0.0.1:9/"}),
        "empty": Response("{}", media_type="application/json"),
    }
    return kinds[request.path_params["kind"]]


rubbish = Starlette(routes=[Route("/{kind}/{rest:path}", _rubbish)])
"""Serves what is no agent card, by the kind in the path."""
