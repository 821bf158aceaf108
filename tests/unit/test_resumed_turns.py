"""A turn that was cut short goes on under what holds then: who may answer, what there is, how long it may take."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from graphs import Context, build_graph
from graphs.services import Services
from graphs.threads import MomaGraph
from tests.support.agents import answer, fake_agent, fake_services, model_at, on, served_by
from tests.support.provider import FakeProvider, hang, ok
from tests.support.waiting import until


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    """It does not answer the first call, in which the turn is cut short."""
    with FakeProvider(hang(), ok("Paris.")) as provider:
        yield provider


@pytest.fixture
def services(provider: FakeProvider) -> Services:
    return house(provider, "m", "n")


def house(provider: FakeProvider, *models: str) -> Services:
    made = [model_at(provider.base_url, model) for model in models]
    services = fake_services(fake_agent("alpha"), models=made)
    services.router()
    return services


async def take(graph: MomaGraph, context: Context | None = None) -> Any:
    message = HumanMessage("write a poem", id="one")
    return await graph.ainvoke({"messages": [message]}, on("t"), context=context or Context())


async def cut_short(services: Services, provider: FakeProvider) -> InMemorySaver:
    """Return where the thread of a turn is kept that ended while it waited for its model."""
    saver = InMemorySaver()
    turn = asyncio.create_task(take(build_graph(services=services, checkpointer=saver)))
    await until(lambda: bool(provider.requests))
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn
    return saver


async def test_it_goes_on(services: Services, provider: FakeProvider) -> None:
    saver = await cut_short(services, provider)
    result = await take(build_graph(services=services, checkpointer=saver))
    assert answer(result) == "Paris."
    assert [seen.body["model"] for seen in provider.requests] == ["m", "m"]


@pytest.mark.parametrize("context", [{"exclude": ("m", "n")}, {"include": ("alpha",)}])
async def test_a_model_that_may_not_answer_any_more_is_not_called(
    services: Services, provider: FakeProvider, context: Any
) -> None:
    saver = await cut_short(services, provider)
    graph = build_graph(services=services, checkpointer=saver)
    result = await take(graph, Context(**context))
    assert "no model may answer" in answer(result)
    assert len(provider.requests) == 1


async def test_another_model_answers_for_one_that_is_excluded(
    services: Services, provider: FakeProvider
) -> None:
    saver = await cut_short(services, provider)
    graph = build_graph(services=services, checkpointer=saver)
    assert served_by(await take(graph, Context(exclude=("m",)))) == ("model", "n")


async def test_another_model_answers_for_one_that_has_left_the_catalogue(
    services: Services, provider: FakeProvider
) -> None:
    saver = await cut_short(services, provider)
    graph = build_graph(services=house(provider, "n"), checkpointer=saver)
    assert served_by(await take(graph)) == ("model", "n")


async def test_it_has_its_time_anew(services: Services, provider: FakeProvider) -> None:
    saver = await cut_short(services, provider)
    for turn in services._deadlines:
        services._deadlines[turn] = 0.0  # long ago
    graph = build_graph(services=services, checkpointer=saver)
    assert answer(await take(graph)) == "Paris."
