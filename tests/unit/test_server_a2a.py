"""The server as an A2A agent: spoken to by the SDK's own client, with the server's keys."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import new_text_message
from a2a.types import Role, SendMessageRequest, TaskState

from app.server.keys import Key, Keys, make_key
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, serving
from tests.support.provider import FakeProvider, stream
from tests.support.waiting import PATIENCE_S

AGENTS = (fake_agent("alpha"), fake_agent("staff", grants=frozenset({"staff"})))


def keys_of(**entries: Any) -> tuple[Keys, dict[str, str]]:
    """Return keys, and what each user sends."""
    from hashlib import sha256

    made = {user: make_key(user=user)[0] for user in entries}
    hashed = {user: sha256(key.encode()).hexdigest() for user, key in made.items()}
    return Keys([Key(sha256=hashed[u], user=u, **entry) for u, entry in entries.items()]), made


@asynccontextmanager
async def talking(api: Api, key: str = "none") -> AsyncIterator[Client]:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        card = await A2ACardResolver(http, f"{api.url}/a2a").get_agent_card()
        assert card.supported_interfaces[0].url == "http://moma.example/a2a/rpc"
        card.supported_interfaces[0].url = f"{api.url}/a2a/rpc"
        yield ClientFactory(ClientConfig(httpx_client=http, streaming=True)).create(card)


async def said(client: Client, text: str) -> str:
    request = SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER))
    events = [event async for event in client.send_message(request)]
    last = events[-1].status_update.status.state
    assert last == TaskState.TASK_STATE_COMPLETED, events[-1]
    parts = [p.text for e in events for p in e.artifact_update.artifact.parts]
    return "".join(parts)


async def test_a_turn_and_the_callers_grants() -> None:
    keys, key = keys_of(ann={"grants": ("staff",)}, bob={})
    with serving(*AGENTS, keys=keys, a2a_url="http://moma.example") as api:
        async with talking(api, key["ann"]) as client:
            assert await said(client, "staff") == "staff did it."
        async with talking(api, key["bob"]) as client:
            assert await said(client, "alpha") == "alpha did it."
            assert "did it" not in await said(client, "staff")
        for wrong in ("", "Bearer nobody"):
            answer = api.http(authorization=wrong).post("/a2a/rpc", json={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_half_a_character_of_a_model_is_no_end_of_its_answer() -> None:
    with (
        FakeProvider(stream({"content": "Half \ud83d a smile."})) as provider,
        serving(models=[model_at(provider.base_url)], a2a_url="http://moma.example") as api,
    ):
        async with talking(api) as client:
            assert await said(client, "write a poem") == "Half \ufffd a smile."


async def test_a_turn_that_outlasts_the_end_is_told_so() -> None:
    at_work, cancelled = threading.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def wait(state: Any, runtime: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        at_work.set()
        try:
            await asyncio.sleep(PATIENCE_S)
        finally:
            cancelled.set()

    with serving(fake_agent("slow", wait), a2a_url="http://moma.example") as api:
        async with talking(api) as client:
            message = new_text_message("slow", role=Role.ROLE_USER)
            sent = client.send_message(SendMessageRequest(message=message))
            telling = asyncio.create_task(_last(sent))
            assert await asyncio.to_thread(at_work.wait, PATIENCE_S)
            loops[0].call_soon_threadsafe(api.resources.ending.set)
            status = (await telling).status_update.status
        assert cancelled.is_set()
        assert api.resources.services.admission.admitted == 0
    assert status.state == TaskState.TASK_STATE_FAILED
    assert "send the message again" in status.message.parts[0].text


async def _last(events: AsyncIterator[Any]) -> Any:
    return [event async for event in events][-1]


def test_it_is_none_unless_its_address_is_set() -> None:
    with serving(*AGENTS) as api:
        assert api.http().get("/a2a/.well-known/agent-card.json").status_code == 404


def test_a_host_of_another_name_is_refused_there_too() -> None:
    with serving(*AGENTS, a2a_url="http://moma.example") as api:
        assert (
            api.http(host="evil.example").get("/a2a/.well-known/agent-card.json").status_code == 421
        )


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_may_send_unasked_is_not_read(kind: str) -> None:
    asked = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "alpha"}]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": asked}}
    with serving(*AGENTS, a2a_url="http://moma.example") as api:
        http = api.http(a2a_version="1.0", content_type=kind)
        assert http.post("/a2a/rpc", content=json.dumps(body)).status_code == 415


@pytest.mark.parametrize("path", ["/a2a/rpc", "/a2a/elsewhere"])
def test_rubbish_is_refused_and_breaks_nothing(path: str) -> None:
    with serving(*AGENTS, a2a_url="http://moma.example") as api:
        for body in (b"", b"[]", b"{", b'{"jsonrpc": "2.0", "method": "nope", "id": 1}'):
            answer = api.http(content_type="application/json").post(path, content=body)
            assert answer.status_code < 500, (body, answer.text)


def test_what_the_sdk_cannot_read_is_told_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    deep, half = b"[" * 100_000, b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "GetTask"}'
    with serving(*AGENTS, a2a_url="http://moma.example") as api:
        http = api.http(content_type="application/json", a2a_version="1.0")
        for body in (deep, half, b'"\xff"', b"9" * 5_000, b""):
            answer = http.post("/a2a/rpc", content=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32700), body[:60]
        pieces = (b" " * 2**20 for _ in range(9))
        assert http.post("/a2a/rpc", content=pieces).status_code == 413
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
