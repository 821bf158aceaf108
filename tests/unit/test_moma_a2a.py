"""MoMA as an A2A agent, over HTTP with the SDK's own client: its card, its turns, whose they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import new_text_message
from a2a.server.context import ServerCallContext
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Role,
    SendMessageRequest,
    StreamResponse,
    Task,
    TaskState,
)
from a2a.utils.errors import A2AError
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount

from agents.card import AgentCard, Skill
from agents.contract import declined, done, needs_input
from agents.elsewhere.entries import A2aEntry
from agents.registry import build_agent
from app.a2a import make_a2a
from app.a2a.application import _Newest
from graphs import Context, build_graph
from graphs.threads import MomaGraph
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    model_at,
    say,
    served_by,
)
from tests.support.provider import FakeProvider, ok
from tests.support.served import served

PNG = {"raw": "aGVsbG8=", "filename": "a.png", "mediaType": "image/png"}


class Late:
    """An application that is made when its address is known."""

    def __init__(self, *agents: FakeAgent, **rest: Any) -> None:
        self.services = fake_services(*agents, **rest)
        self.graph: MomaGraph = build_graph(services=self.services, checkpointer=InMemorySaver())
        self._app: Starlette | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            host = dict(scope["headers"])[b"host"].decode()
            self._app = self._app or Starlette(
                routes=[Mount("/a2a", self._make(f"http://{host}/a2a"))]
            )
            await self._app(scope, receive, send)

    def _make(self, url: str) -> Starlette:
        return make_a2a(self.graph, self.services, url=url, context_of=_caller)


def _caller(request: Request) -> Context:
    return Context(user=request.headers.get("x-user", "local"))


@asynccontextmanager
async def talking(
    url: str, *, user: str = "local", streaming: bool = True
) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(headers={"x-user": user}, timeout=60) as http:
        card = await A2ACardResolver(http, f"{url}/a2a").get_agent_card()
        config = ClientConfig(httpx_client=http, streaming=streaming)
        yield ClientFactory(config).create(card)


async def send(client: Client, text: str, **more: str) -> list[StreamResponse]:
    message: Message = new_text_message(text, role=Role.ROLE_USER, **more)
    return [event async for event in client.send_message(SendMessageRequest(message=message))]


async def task_after(client: Client, text: str, **more: str) -> Task:
    """Return the task of a message as it stands after it."""
    events = await send(client, text, **more)
    task_id = next(e.task.id for e in events if e.HasField("task"))
    return await client.get_task(GetTaskRequest(id=task_id))


def said(task: Task) -> str:
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts)


def asked(task: Task) -> str:
    return "".join(part.text for part in task.status.message.parts)


async def test_the_card_shows_the_agents_that_are_open_to_all() -> None:
    skills = (Skill(id="s", tags=("t",), examples=("do alpha",)),)
    house = Late(
        fake_agent("alpha", name="Alpha", skills=skills), fake_agent("beta", grants={"staff"})
    )
    with served(house) as url:
        async with httpx.AsyncClient() as http:
            card = await A2ACardResolver(http, f"{url}/a2a").get_agent_card()
            shown = {s.id: (s.name, [*s.tags], [*s.examples]) for s in card.skills}
            assert shown.keys() == {"alpha", "answer"}
            assert shown["alpha"] == ("Alpha", ["t"], ["do alpha"])
            assert card.supported_interfaces[0].url == f"{url}/a2a/rpc"
            house.services.registry.enable("alpha", False)
            card = await A2ACardResolver(http, f"{url}/a2a").get_agent_card()
            assert [s.id for s in card.skills] == ["answer"]


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_message_is_a_turn_and_a_context_is_a_thread(streaming: bool) -> None:
    alpha = fake_agent("alpha")
    with served(Late(alpha)) as url:
        async with talking(url, streaming=streaming) as client:
            task = await task_after(client, "alpha")
            assert task.status.state == TaskState.TASK_STATE_COMPLETED
            assert said(task) == "alpha did it."
            await task_after(client, "alpha", context_id=task.context_id)
            await task_after(client, "alpha")
    assert [len(seen["history"]) for seen in alpha.seen] == [0, 2, 0]


async def test_a_models_answer_streams_in_pieces() -> None:
    with (
        FakeProvider(ok("one two three", every=0.3)) as provider,
        served(Late(models=[model_at(provider.base_url)])) as url,
    ):
        async with talking(url) as client:
            events = await send(client, "a poem")
    pieces = [e.artifact_update for e in events if e.HasField("artifact_update")]
    assert len(pieces) > 1
    assert "".join(p.artifact.parts[0].text for p in pieces) == "one two three"
    assert [p.append for p in pieces] == [False] + [True] * (len(pieces) - 1)
    last = events[-1].status_update
    assert last.status.state == TaskState.TASK_STATE_COMPLETED
    assert last.metadata["moma"]["served_by"]["id"] == "m"


async def test_a_question_and_an_approval_wait_for_input_and_are_resumed() -> None:
    def asks(state: Any, runtime: Any) -> Any:
        return needs_input("When?", memory={}) if state["event"] == "start" else done("Set.")

    def approves(state: Any, runtime: Any) -> Any:
        return done(f"You said {interrupt({'question': 'Delete it?', 'details': []})}.")

    with served(Late(fake_agent("alpha", asks), fake_agent("beta", approves))) as url:
        async with talking(url) as client:
            for text, question, reply, end in (
                ("alpha", "When?", "tomorrow", "Set."),
                ("beta", "Delete it?", "yes", "You said yes."),
            ):
                task = await task_after(client, text)
                assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
                assert asked(task) == question
                same = {"task_id": task.id, "context_id": task.context_id}
                await send(client, reply, **same)
                task = await client.get_task(GetTaskRequest(id=task.id))
                assert task.status.state == TaskState.TASK_STATE_COMPLETED
                assert said(task) == end


async def test_what_is_said_beside_an_open_question_is_the_answer_and_the_question_waits_on() -> (
    None
):
    def asks(state: Any, runtime: Any) -> Any:
        return needs_input("When?", memory={}) if state["event"] == "start" else declined("not me")

    with (
        FakeProvider(ok("Paris it is.", every=0.1)) as provider,
        served(Late(fake_agent("alpha", asks), models=[model_at(provider.base_url)])) as url,
    ):
        async with talking(url) as client:
            task = await task_after(client, "alpha")
            same = {"task_id": task.id, "context_id": task.context_id}
            await send(client, "What is the capital of France?", **same)
            task = await client.get_task(GetTaskRequest(id=task.id))
    assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
    assert (said(task), asked(task)) == ("Paris it is.", "When?")


async def test_cancelling_withdraws_what_waits() -> None:
    ran: list[str] = []

    def approves(state: Any, runtime: Any) -> Any:
        ran.append(interrupt({"question": "Delete it?"}))
        return done("Dropped.")

    house = Late(fake_agent("alpha", approves))
    with served(house) as url:
        async with talking(url) as client:
            task = await task_after(client, "alpha")
            cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
            assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
    assert ran == ["never mind"]


async def test_nobody_reaches_anothers_task_or_thread() -> None:
    alpha = fake_agent("alpha")
    with served(Late(alpha)) as url:
        async with talking(url, user="ann") as ann, talking(url, user="bob") as bob:
            task = await task_after(ann, "alpha")
            with pytest.raises(A2AError):
                await bob.get_task(GetTaskRequest(id=task.id))
            await task_after(bob, "alpha", context_id=task.context_id)
    assert [len(seen["history"]) for seen in alpha.seen] == [0, 0], (
        "the same context id, two threads"
    )


async def test_a_caller_who_is_refused_runs_nothing() -> None:
    def refuses(request: Request) -> Context:
        raise HTTPException(401, "who are you?")

    alpha = fake_agent("alpha")
    services = fake_services(alpha)
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    app = make_a2a(graph, services, url="http://here", context_of=refuses)
    with served(app) as url:
        async with httpx.AsyncClient() as http:
            request = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {}}
            said = await http.post(f"{url}/rpc", json=request, headers={"A2A-Version": "1.0"})
    assert (said.status_code, alpha.runs) == (401, 0)


async def test_what_cannot_be_a_turn_is_a_failed_task() -> None:
    with served(Late(fake_agent("alpha"))) as url:
        async with talking(url) as client:
            task = await task_after(client, "\u200b \x07")
            assert task.status.state == TaskState.TASK_STATE_FAILED
            assert "the message is empty" in asked(task)


async def test_moma_is_an_agent_of_moma() -> None:
    """Both sides at once: a line in one catalogue brings the agents of another MoMA."""

    def asks(state: Any, runtime: Any) -> Any:
        return needs_input("When?", memory={}) if state["event"] == "start" else done("Set.")

    with served(Late(fake_agent("alpha", asks))) as url:
        card = AgentCard(id="far", description="alpha", a2a=A2aEntry(url=f"{url}/a2a"))
        graph = build_agent(card).graph
        assert graph is not None
        here = fake_graph(FakeAgent(card, graph), saver=InMemorySaver())
        first = await say(here, "alpha")
        assert (first["phase"], answer(first)) == ("awaiting_input", "When?")
        second = await say(here, "tomorrow")
        assert (answer(second), served_by(second)) == ("Set.", ("agent", "far"))


async def test_the_oldest_tasks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.a2a.application.MOST_TASKS", 2)
    store, context = _Newest(), ServerCallContext()
    for name in ("a", "b", "c"):
        await store.save(Task(id=name), context)
    kept = [name for name in ("a", "b", "c") if await store.get(name, context)]
    assert kept == ["b", "c"]


async def test_tasks_are_forgotten_by_their_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.a2a.application.MOST_BYTES", 3_000)
    store, context = _Newest(), ServerCallContext()
    for name in ("a", "b", "c"):
        message = new_text_message("x" * 1_200, role=Role.ROLE_USER)
        for _ in range(3):  # a task that is saved again is counted once
            await store.save(Task(id=name, history=[message]), context)
    assert [name for name in ("a", "b", "c") if await store.get(name, context)] == ["b", "c"]


async def test_what_is_kept_of_an_answer_is_one_part() -> None:
    words = "one two three four"
    with (
        FakeProvider(ok(words, every=0.1), ok(words, every=0.1)) as provider,
        served(Late(models=[model_at(provider.base_url)])) as url,
    ):
        for streaming in (True, False):
            async with talking(url, streaming=streaming) as client:
                task = await task_after(client, "a poem")
            assert [part.text for part in task.artifacts[0].parts] == [words]


@pytest.mark.parametrize(
    ("parts", "role", "code", "reason"),
    [
        ([{"text": ""}], "ROLE_USER", -32602, "cannot be empty"),
        ([{"text": "alpha"}], "ROLE_AGENT", -32602, "must be from a user"),
        ([{"text": "x" * 200_001}], "ROLE_USER", -32602, "at most 200,000 are taken"),
        (
            [{"text": "alpha"}, PNG],
            "ROLE_USER",
            -32005,
            "a part of the message is a file; only text",
        ),
        ([PNG], "ROLE_USER", -32005, "a part of the message is a file; only text is taken"),
        ([{"data": {"a": 1}}], "ROLE_USER", -32005, "a part of the message is data; only text"),
    ],
)
async def test_of_a_message_that_is_none_nothing_is_kept(
    parts: list[dict[str, Any]], role: str, code: int, reason: str
) -> None:
    with served(Late(fake_agent("alpha"))) as url:
        message = {"messageId": "m", "role": role, "parts": parts}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        listed = {"jsonrpc": "2.0", "id": 2, "method": "ListTasks", "params": {}}
        headers = {"A2A-Version": "1.0", "x-user": "local"}
        async with httpx.AsyncClient(timeout=60, headers=headers) as http:
            refused = (await http.post(f"{url}/a2a/rpc", json=asked)).json()
            kept = (await http.post(f"{url}/a2a/rpc", json=listed)).json()
    assert refused["error"]["code"] == code
    assert reason in refused["error"]["message"]
    assert kept["result"].get("tasks", []) == []
