"""Answers that were paid for are kept: a turn that was cut short goes on without asking the model again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from agents.card import AgentCard
from agents.contract import AgentContext, AgentState, done
from agents.errors import InputError
from graphs.checkpoints import open_sqlite
from graphs.gateway import fallback
from graphs.results import CHANNEL
from graphs.threads import MomaGraph
from tests.support.agents import FakeAgent, answer, fake_agent, fake_graph, model_at, on
from tests.support.provider import FakeProvider, ok, status

Fails = Callable[[str, Any], bool]
"""Whether a write is the one that fails: its kind, `checkpoint` or `writes`, and what is written."""


class Cut(Exception):
    """What stands for the end of the process in these tests."""


@pytest.fixture(params=["memory", "sqlite"])
async def saver(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        async with open_sqlite(tmp_path / "threads.sqlite") as opened:
            yield opened


def cut_at(graph: MomaGraph, monkeypatch: pytest.MonkeyPatch, fails: Fails) -> None:
    """Let the next write that `fails` be the last thing that happens."""
    saver: Any = graph.checkpointer
    put, put_writes = saver.aput, saver.aput_writes
    over = False

    def check(kind: str, written: Any) -> None:
        nonlocal over
        over = over or fails(kind, written)
        if over:
            raise Cut

    async def aput(config: Any, checkpoint: Any, *rest: Any) -> Any:
        check("checkpoint", checkpoint["channel_values"])
        return await put(config, checkpoint, *rest)

    async def aput_writes(config: Any, writes: Any, *rest: Any) -> None:
        check("writes", writes)
        await put_writes(config, writes, *rest)

    monkeypatch.setattr(saver, "aput", aput)
    monkeypatch.setattr(saver, "aput_writes", aput_writes)


async def take(graph: MomaGraph, text: str = "hello", message_id: str | None = "one") -> Any:
    return await graph.ainvoke({"messages": [HumanMessage(text, id=message_id)]}, on("t"))


async def cut_short(graph: MomaGraph, fails: Fails, text: str = "hello") -> None:
    with pytest.MonkeyPatch.context() as patch:
        cut_at(graph, patch, fails)
        with pytest.raises(Cut):
            await take(graph, text)


def keys(provider: FakeProvider) -> list[str]:
    return [seen.headers["idempotency-key"] for seen in provider.requests]


def node_ended(kind: str, written: Any) -> bool:
    return kind == "writes" and any(
        channel == "decision" and value["calls"] for channel, value in written
    )


def result_kept(kind: str, written: Any) -> bool:
    return kind == "writes" and written[0][0] == CHANNEL


async def test_a_kept_answer_is_not_paid_for_again(saver: BaseCheckpointSaver[Any]) -> None:
    with FakeProvider(ok("Yes, of course."), ok("Another.")) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)], saver=saver)
        await cut_short(graph, node_ended)
        assert (await graph.aget_state(on("t"))).next == ("answer",)
        result = await take(graph)
        assert len(provider.requests) == 1
    assert [m.text for m in result["messages"]] == ["hello", "Yes, of course."]
    (call,) = result["record"]["calls"]
    assert (call["input_tokens"], call["output_tokens"], call["cost_usd"]) == (11, 7, 25e-6)
    assert result["record"]["cost_usd"] == 25e-6
    assert result["record"]["turn"] == 1


async def test_an_answer_that_was_not_kept_is_asked_for_with_the_same_key(
    saver: BaseCheckpointSaver[Any],
) -> None:
    with FakeProvider(ok("Yes."), ok("No.")) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)], saver=saver)
        await cut_short(graph, result_kept)
        assert answer(await graph.ainvoke(None, on("t"))) == "No."
        first, second = keys(provider)
    assert first == second


async def test_other_turns_and_other_attempts_have_other_keys(
    saver: BaseCheckpointSaver[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.001)
    with FakeProvider(ok("Yes."), ok("Yes."), status(500), ok("Yes.")) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)], saver=saver)
        await cut_short(graph, node_ended)
        for message_id in ("two", "three"):  # the turn that was cut short stays unanswered
            result = await take(graph, message_id=message_id)
        sent = keys(provider)
    assert [m.type for m in result["messages"]] == ["human", "human", "ai", "human", "ai"]
    assert len(sent) == len(set(sent)) == 4
    assert all(len(key) == 32 for key in sent)


def two_steps(*, synchronous: bool) -> FakeAgent:
    """Return an agent that asks the model the same in each of two steps, and says both answers."""

    async def first(state: AgentState, runtime: Any) -> dict[str, Any]:
        model = runtime.context.model
        call = asyncio.to_thread(model.invoke, "Well?") if synchronous else model.ainvoke("Well?")
        return {"memory": {"said": (await call).text}}

    async def second(state: AgentState, runtime: Any) -> Any:
        said = await runtime.context.model.ainvoke("Well?")
        return done(f"{state['memory']['said']} {said.text}")

    builder = StateGraph(AgentState, context_schema=AgentContext)
    builder.add_node("first", first)
    builder.add_node("second", second)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    builder.add_edge("second", END)
    return FakeAgent(AgentCard(id="alpha", description="alpha"), builder.compile())


@pytest.mark.parametrize("synchronous", [False, True])
async def test_an_agents_calls_are_kept_step_by_step(
    synchronous: bool, saver: BaseCheckpointSaver[Any]
) -> None:
    def second_step_ended(kind: str, written: Any) -> bool:
        return kind == "writes" and any(channel == "outcome" for channel, _ in written)

    with FakeProvider(ok("One."), ok("Two."), ok("Three.")) as provider:
        graph = fake_graph(
            two_steps(synchronous=synchronous), models=[model_at(provider.base_url)], saver=saver
        )
        await cut_short(graph, second_step_ended, "alpha")
        result = await take(graph, "alpha")
        assert len(provider.requests) == len(set(keys(provider))) == 2
    assert answer(result) == "One. Two."


async def test_a_turn_that_had_ended_is_not_taken_twice(saver: BaseCheckpointSaver[Any]) -> None:
    agent = fake_agent("alpha")
    graph = fake_graph(agent, saver=saver)
    first, again = await take(graph, "alpha"), await take(graph, "alpha")
    assert (agent.runs, again) == (1, first)
    assert (await take(graph, "alpha", "two"))["record"]["turn"] == 2
    late = await take(graph, "alpha")  # the first message once more, after the second turn
    assert (agent.runs, late["record"]["turn"]) == (2, 2)
    edited = await take(graph, "alpha again", "two")
    assert [m.text for m in edited["messages"] if m.type == "human"] == ["alpha", "alpha again"]


async def test_a_thread_without_a_turn_has_none_to_go_on_with(
    saver: BaseCheckpointSaver[Any],
) -> None:
    with pytest.raises(InputError, match="no turn to go on with; send a message"):
        await fake_graph(fake_agent("alpha"), saver=saver).ainvoke(None, on("t"))
