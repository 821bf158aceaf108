"""An A2A agent as one of ours, against a real one: how its tasks end, what it is sent, where its card may not lead."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.card import AgentCard
from agents.elsewhere.entries import A2aEntry
from agents.registry import build_agent
from graphs.gateway.transport import Limits
from graphs.threads import MomaGraph
from tests.support.a2a_server import Clerk, ClerkApp, rubbish
from tests.support.agents import FakeAgent, answer, fake_agent, fake_graph, on, say, served_by
from tests.support.served import served

CLERK = Clerk()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(ClerkApp(CLERK)) as url:
        yield url


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """One that does not stream."""
    with served(ClerkApp(CLERK, streaming=False)) as url:
        yield url


@pytest.fixture(autouse=True)
def forgets() -> None:
    CLERK.seen.clear()
    CLERK.headers.clear()
    CLERK.cancelled.clear()


def house(url: str, *, headers_env: Any = None, **rest: Any) -> MomaGraph:
    card = AgentCard(
        id="clerk", description="clerk", a2a=A2aEntry(url=url, headers_env=headers_env or {})
    )
    graph = build_agent(card).graph
    assert graph is not None
    return fake_graph(FakeAgent(card, graph), fake_agent("beta"), saver=InMemorySaver(), **rest)


async def why_failed(graph: MomaGraph, text: str = "clerk clerk beta") -> str:
    result = await say(graph, text)
    assert served_by(result) == ("agent", "beta")
    run = result["record"]["runs"][0]
    assert (run["agent"], run["event"]) == ("clerk", "failed")
    return str(run["reason"])


@pytest.mark.parametrize("fixture", ["address", "plain"])
async def test_a_task_that_ends_is_the_answer_and_its_context_goes_on(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    graph = house(request.getfixturevalue(fixture))
    result = await say(graph, "clerk do the post")
    assert answer(result) == "It is done: the post."
    assert served_by(result) == ("agent", "clerk")
    await say(graph, "clerk do more")
    first, second = CLERK.seen
    assert second.context_id == first.context_id != ""
    assert second.task_id != first.task_id
    await say(graph, "clerk do", thread="u")
    assert CLERK.seen[2].context_id != first.context_id
    assert [m.parts[0].text for m in CLERK.seen][:2] == ["clerk do the post", "clerk do more"]


async def test_a_message_is_an_answer_too(address: str) -> None:
    assert answer(await say(house(address), "clerk message Hello there")) == "Hello there"


async def test_what_it_asks_keeps_the_floor_and_the_answer_goes_to_its_task(address: str) -> None:
    graph = house(address)
    asked = await say(graph, "clerk ask Which one?")
    assert (asked["phase"], answer(asked)) == ("awaiting_input", "Which one?")
    result = await say(graph, "do blue")
    assert (result["phase"], answer(result)) == ("engaged", "It is done: blue.")
    assert CLERK.seen[1].task_id == CLERK.seen[0].task_id != ""
    assert (await graph.aget_state(on("t"))).values["memories"]["clerk"].keys() == {"context"}


async def test_never_mind_cancels_what_it_works_on(address: str) -> None:
    graph = house(address)
    await say(graph, "clerk ask Which one?")
    assert answer(await say(graph, "never mind")) == "Cancelled."
    assert len(CLERK.cancelled) == 1


@pytest.mark.parametrize(
    ("word", "event", "reason"),
    [
        ("fail no ink", "failed", "clerk failed: no ink"),
        ("reject not my job", "declined", "clerk does not take it: not my job"),
        (
            "login",
            "failed",
            "clerk asks for another authorization; see headers_env in the catalogue",
        ),
        ("silent", "failed", "clerk ended without an answer"),
        ("crash", "failed", "clerk answers with the error -32603 (InternalError)"),
    ],
)
async def test_other_ends_give_the_turn_back(
    address: str, word: str, event: str, reason: str
) -> None:
    result = await say(house(address), f"clerk {word}")
    run = result["record"]["runs"][0]
    assert (run["event"], run["reason"]) == (event, reason)
    assert served_by(result)[1] != "clerk"


async def test_a_header_comes_from_the_environment(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = house(address, headers_env={"Authorization": "CLERK_TOKEN"})
    assert await why_failed(graph) == "CLERK_TOKEN is not set; set it to reach this agent"
    assert CLERK.headers == []
    monkeypatch.setenv("CLERK_TOKEN", "abc-123")
    await say(graph, "clerk do", thread="u")
    assert {h["authorization"] for h in CLERK.headers} == {"Bearer abc-123"}


async def test_a_card_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("CLERK_TOKEN", "abc-123")
    with served(ClerkApp(Clerk(), leads_to=f"{address}/rpc")) as lure:
        graph = house(lure, headers_env={"Authorization": "CLERK_TOKEN"})
        reason = await why_failed(graph)
    assert reason == (
        "the agent card of clerk names no JSON-RPC interface at the address of the catalogue, "
        f"only JSONRPC at {address}"
    )
    assert CLERK.headers == [], "nobody else has seen the token"


@pytest.fixture(scope="module")
def heap() -> Iterator[str]:
    with served(rubbish) as url:
        yield url


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html", "clerk answers what is not A2A (AgentCardResolutionError)"),
        ("list", "clerk answers what is not A2A (AgentCardResolutionError)"),
        ("deep", "clerk answers what is not A2A (RecursionError)"),
        ("huge", "clerk cannot be reached (ReadError)"),
        ("500", "clerk answers with the HTTP status 500"),
        ("moved", "clerk answers with the HTTP status 302"),
        ("empty", "the agent card of clerk names no JSON-RPC interface at the address of"),
    ],
)
async def test_what_is_no_agent_card_is_a_failure_with_a_reason(
    heap: str, kind: str, reason: str
) -> None:
    assert (await why_failed(house(f"{heap}/{kind}"))).startswith(reason)


async def test_an_answer_that_is_neither_a_result_nor_an_error_is_told() -> None:
    async def null(scope: Any, receive: Any, send: Any) -> None:
        url = f"http://127.0.0.1:{scope['server'][1]}/rpc"
        interface = {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        said = {"jsonrpc": "2.0", "id": None, "result": None, "error": None}
        card = {"name": "x", "version": "1", "capabilities": {}, "supportedInterfaces": [interface]}
        body = json.dumps(card if scope["method"] == "GET" else said).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with served(null) as url:
        assert await why_failed(house(url)) == "clerk answers what is not A2A (TypeError)"


async def test_one_that_is_not_there_or_hangs_is_a_failure(address: str) -> None:
    assert await why_failed(house("http://127.0.0.1:9")) == "clerk cannot be reached (ConnectError)"
    hanging = house(address, limits=Limits(turn=2))
    result = await say(hanging, "clerk hang")
    assert [run["reason"] for run in result["record"]["runs"]] == ["it took too long"]
