"""What a LangGraph server that is none, is broken or says rubbish makes of a turn; test_studio.py has a real one."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.card import AgentCard
from agents.elsewhere.entries import RemoteEntry
from agents.registry import build_agent
from graphs.gateway.transport import Limits
from graphs.threads import MomaGraph
from tests.support.agents import FakeAgent, answer, fake_agent, fake_graph, on, say, served_by
from tests.support.provider import FakeProvider, Reply, Seen, Wire, body, cut, hang, status
from tests.support.waiting import until

THREAD = body(b'{"thread_id": "x"}')


def state(**values: Any) -> Reply:
    return body(json.dumps(values).encode())


def said(text: Any, kind: str = "ai") -> Reply:
    return state(messages=[{"type": "human", "content": "far"}, {"type": kind, "content": text}])


def house(url: str, *, headers_env: Any = None, **rest: Any) -> MomaGraph:
    entry = RemoteEntry(url=url, headers_env=headers_env or {})
    card = AgentCard(id="far", description="far", remote=entry)
    graph = build_agent(card).graph
    assert graph is not None
    return fake_graph(FakeAgent(card, graph), fake_agent("beta"), saver=InMemorySaver(), **rest)


async def test_only_the_request_is_sent_and_no_key_but_the_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2-not-for-you")
    monkeypatch.setenv("FAR_TOKEN", "abc-123")
    with FakeProvider(
        THREAD, said("Hello."), THREAD, said([{"type": "text", "text": "Again."}])
    ) as server:
        graph = house(server.base_url, headers_env={"Authorization": "FAR_TOKEN"})
        await say(graph, "beta")
        assert answer(await say(graph, "far one")) == "Hello."
        assert answer(await say(graph, "far two")) == "Again."
        first, run, second, _ = server.requests
    assert run.body["input"]["messages"][0]["content"] == "far one"
    assert len(run.body["input"]["messages"]) == 1
    assert run.body["assistant_id"] == "agent"
    assert not {"context", "config", "metadata"} & run.body.keys()
    assert first.body["thread_id"] == second.body["thread_id"]
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer abc-123"}
    assert "lsv2" not in str([seen.headers for seen in server.requests])


@pytest.mark.parametrize(
    "last",
    [
        [{"type": "ai", "content": "Sunny."}, {"type": "human", "content": "(end)"}],
        [
            {"type": "ai", "content": "", "tool_calls": [{"name": "look", "args": {}, "id": "c"}]},
            {"type": "tool", "content": "Sunny.", "tool_call_id": "c"},
        ],
    ],
)
async def test_its_answer_is_read_as_that_of_a_graph_here(last: list[Any]) -> None:
    with FakeProvider(THREAD, state(messages=last)) as server:
        assert answer(await say(house(server.base_url), "far")) == "Sunny."


async def test_an_answer_of_an_earlier_turn_over_there_is_not_given_again() -> None:
    async def silent(wire: Wire, seen: Seen) -> None:
        before = {"type": "ai", "content": "Sunny."}
        await state(messages=[before, *seen.body["input"]["messages"]])(wire, seen)

    with FakeProvider(THREAD, silent) as server:
        result = await say(house(server.base_url), "far far beta")
    assert result["record"]["runs"][0]["reason"] == "far ended without an answer"


async def test_an_interrupt_is_an_approval_and_its_answer_goes_back_once() -> None:
    request = {"action_requests": [{"name": "send", "args": {}}], "review_configs": []}
    pauses = state(messages=[], __interrupt__=[{"value": request, "id": "i"}])
    with FakeProvider(THREAD, pauses, said("Sent.")) as server:
        graph = house(server.base_url)
        asked = await say(graph, "far")
        assert asked["phase"] == "awaiting_approval"
        assert asked["__interrupt__"][0].value["details"] == ["send()"]
        assert answer(await say(graph, "yes")) == "Sent."
        assert len(server.requests) == 3
        assert server.requests[2].body["command"] == {
            "resume": {"decisions": [{"type": "approve"}]}
        }
        assert "input" not in server.requests[2].body


async def test_all_that_it_asks_at_once_is_shown_and_answered_by_its_id() -> None:
    asked = [{"value": f"Send {n} EUR?", "id": f"i{n}"} for n in (5, 9_999)]
    with FakeProvider(THREAD, state(messages=[], __interrupt__=asked), said("Sent.")) as server:
        graph = house(server.base_url)
        shown = (await say(graph, "far"))["__interrupt__"][0].value
        assert shown["details"] == ["Send 5 EUR?", "Send 9999 EUR?"]
        assert answer(await say(graph, "yes")) == "Sent."
        assert server.requests[2].body["command"] == {"resume": {"i5": "yes", "i9999": "yes"}}


async def test_what_came_of_a_yes_is_not_known_when_the_connection_is_lost() -> None:
    pauses = state(messages=[], __interrupt__=[{"value": "Send it?", "id": "i"}])
    with FakeProvider(THREAD, pauses, cut(reset=True)) as server:
        graph = house(server.base_url)
        await say(graph, "far")
        said_then = await say(graph, "yes")
    assert served_by(said_then) == ("agent", "far")
    assert answer(said_then).startswith("I cannot say whether what you agreed to was done: far ")


async def packed(wire: Wire, seen: Seen) -> None:
    """Answer with what unpacks to more than may be read, though nothing packed was asked for."""
    assert seen.headers["accept-encoding"] == "identity"
    sent = gzip.compress(b"x" * 9_000_000)
    headers = {"content-encoding": "gzip", "content-length": str(len(sent))}
    await wire.head(200, headers)
    await wire.send(sent)


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([status(500)], "far answers with the HTTP status 500"),
        ([status(401)], "far answers with the HTTP status 401"),
        ([THREAD, body(b"<html>")], "far answers what is no LangGraph server"),
        ([THREAD, body(b"[1]")], "far answers what is no LangGraph server (ValueError)"),
        (
            [THREAD, state(__error__={"error": "ValueError", "message": "secret"})],
            "far failed where",
        ),
        ([THREAD, state(messages=[])], "far ended without an answer"),
        ([THREAD, state(messages=["x"])], "far ended without an answer"),
        ([THREAD, state(messages={"a": 1})], "far ended without an answer"),
        ([THREAD, said(" ")], "far ended without an answer"),
        ([THREAD, said("far", "human")], "far ended without an answer"),
        ([THREAD, state(__interrupt__=[7])], "far answers what is no LangGraph server"),
        ([THREAD, state(__interrupt__=[{"value": "x" * 30_000}])], "far asks more than 20,000"),
        ([THREAD, body(b"x" * 9_000_000)], "far cannot be reached (ReadError)"),
        ([THREAD, packed], "far cannot be reached (ReadError)"),
        ([cut(reset=True)], "far "),
    ],
)
async def test_rubbish_is_a_failure_with_a_reason(replies: list[Reply], reason: str) -> None:
    with FakeProvider(*replies) as server:
        result = await say(house(server.base_url), "far far beta")
    assert served_by(result) == ("agent", "beta")
    run = result["record"]["runs"][0]
    assert run["event"] == "failed"
    assert run["reason"].startswith(reason)
    assert "secret" not in run["reason"]


async def test_an_answer_is_passed_on_once_though_the_turn_is_cut_short() -> None:
    pauses = state(messages=[], __interrupt__=[{"value": "Delete it?", "id": "i"}])
    with FakeProvider(THREAD, pauses, hang()) as server:
        graph = house(server.base_url)
        await say(graph, "far")
        turn = asyncio.create_task(say(graph, "yes"))
        await until(lambda: len(server.requests) == 3)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        result = await graph.ainvoke(None, on("t"))
        assert answer(result).startswith(
            "Your answer went to far, and I cannot say what came of it."
        )
        assert len(server.requests) == 3


async def test_one_that_hangs_is_left_when_its_time_is_over() -> None:
    with FakeProvider(THREAD, hang()) as server:
        result = await say(house(server.base_url, limits=Limits(turn=2)), "far far beta")
        assert result["record"]["runs"][0]["reason"] == "it took too long"
        assert server.requests[1].hung_up.wait(60), "the run over there is not left running"


async def test_a_long_answer_is_cut() -> None:
    with FakeProvider(THREAD, said("x" * 70_000)) as server:
        graph = house(server.base_url)
        assert len(answer(await say(graph, "far"))) == 40_000
        assert (await graph.aget_state(on("t"))).values["phase"] == "engaged"
