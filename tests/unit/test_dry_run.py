"""A route is computed without running it: the record says who would serve, and nothing is served."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.errors import InputError
from graphs import Context
from graphs.dry_run import dry_run
from graphs.gateway.models import Price
from tests.support.agents import fake_agent, fake_graph, fake_services, model_at, on, say

NOWHERE = "http://127.0.0.1:9/v1"


async def test_a_new_request_names_the_agent_that_would_take_it_and_runs_none() -> None:
    alpha = fake_agent("alpha")
    record = await dry_run("alpha please", fake_services(alpha))
    assert (record["agents"]["decision"], record["agents"]["agent"]) == ("start", "alpha")
    assert record["dry_run"] is True
    assert alpha.runs == 0


async def test_a_masked_agent_is_not_named_and_the_reason_is() -> None:
    services = fake_services(fake_agent("alpha", grants=frozenset({"pay"})))
    refused = await dry_run("alpha please", services)
    assert refused["agents"]["agent"] is None
    assert refused["agents"]["masked"][0]["code"] == "grants"
    allowed = await dry_run("alpha please", services, context=Context(grants=["pay"]))
    assert allowed["agents"]["agent"] == "alpha"


async def test_the_state_of_the_thread_counts() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha please")
    values = (await graph.aget_state(on("t"))).values
    record = await dry_run("and another", fake_services(fake_agent("alpha")), values=values)
    assert (record["event"], record["agents"]["agent"]) == ("continue", "alpha")


async def test_the_models_are_ordered_along_the_frontier_and_the_dominated_come_last() -> None:
    cheap = model_at(NOWHERE, "cheap", price=Price(input=0.1, output=0.1), quality={"writing": 0.6})
    worse = model_at(NOWHERE, "worse", price=Price(input=9.0, output=9.0), quality={"writing": 0.5})
    best = model_at(NOWHERE, "best", price=Price(input=2.0, output=2.0), quality={"writing": 0.9})
    unpriced = model_at(NOWHERE, "unpriced", price=None, quality={"writing": 0.9})
    services = fake_services(models=[worse, best, unpriced, cheap])
    record = await dry_run("write a poem", services, context=Context(preference="cost"))
    assert record["models"]["order"] == ["cheap", "best", "worse", "unpriced"]
    assert [row["id"] for row in record["models"]["frontier"]] == ["cheap", "best"]


async def test_a_text_that_cannot_be_a_turn_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        await dry_run("   ", fake_services())
