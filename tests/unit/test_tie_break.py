"""A model that may say which agent is meant: offered what the masks let through, and believed for nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.card import Skill
from graphs import Context, build_graph
from graphs.gateway.models import Model
from graphs.nodes.tie_break import UNSURE, schema_of
from graphs.routing.decision import Costs
from graphs.threads import MomaGraph
from tests.support.agents import fake_agent, fake_services, model_at, on, say, served_by
from tests.support.provider import FakeProvider, Reply, ok, status


def house(*models: Model) -> MomaGraph:
    """Return three agents and models, where a question costs nothing, so that the router would often ask."""
    agents = [fake_agent(i) for i in ("alpha", "beta", "gamma")]
    services = fake_services(*agents, models=models, tie_break=True)
    services.catalog = replace(services.catalog, costs=Costs(question=0))
    return build_graph(services=services, checkpointer=InMemorySaver())


def named(agent: str) -> Reply:
    return ok(json.dumps({"agent": agent}))


async def test_the_agent_that_the_model_names_serves_the_turn() -> None:
    with FakeProvider(named("beta")) as provider:
        result = await say(house(model_at(provider.base_url)), "alpha beta")
    assert served_by(result) == ("agent", "beta")
    assert result["record"]["calls"][0]["model"] == "m"
    assert result["record"]["cost_usd"] > 0


async def test_the_record_names_the_model_that_answered() -> None:
    with FakeProvider(status(500)) as dead, FakeProvider(named("beta")) as live:
        models = [
            model_at(dead.base_url, "dead", quality={"writing": 0.9}),
            model_at(live.base_url, "live"),
        ]
        result = await say(house(*models), "alpha beta")
    assert result["record"]["agents"]["reason"].endswith("asked, live said beta")


async def test_what_the_model_may_name_is_an_enum_of_what_every_mask_let_through() -> None:
    with FakeProvider(named("beta")) as provider:
        context = Context(exclude=["gamma"])
        await say(house(model_at(provider.base_url)), "alpha beta gamma", context=context)
        (seen,) = provider.requests
    schema = seen.body["response_format"]["json_schema"]["schema"]
    offered = schema["properties"]["agent"]["enum"]
    assert set(offered) == {"alpha", "beta", UNSURE}
    assert "gamma" not in json.dumps(seen.body["messages"][0])
    assert schema == schema_of(offered[:-1])


@pytest.mark.parametrize(
    "reply",
    [named("gamma"), named(UNSURE), named("nobody"), ok("beta"), ok('{"agent": 3}'), status(500)],
)
async def test_any_other_answer_leaves_the_question_to_the_user(reply: Reply) -> None:
    with FakeProvider(reply) as provider:
        provider_says: dict[str, Any] = await say(
            house(model_at(provider.base_url)), "alpha beta", context=Context(exclude=["gamma"])
        )
    assert served_by(provider_says) == ("router", "clarify")
    assert provider_says["phase"] == "awaiting_choice"


async def test_a_request_that_names_two_agents_is_no_tie() -> None:
    agents = [
        fake_agent(i, skills=(Skill(id="s", examples=(f"find {i} {i}", f"find {i} {i} now")),))
        for i in ("alpha", "beta")
    ]
    with FakeProvider(named("beta")) as provider:
        models = [model_at(provider.base_url)]
        services = fake_services(*agents, models=models, tie_break=True)
        graph = build_graph(services=services, checkpointer=InMemorySaver())
        result = await say(graph, "find alpha alpha and find beta beta")
    assert [run["agent"] for run in result["record"]["runs"]] == ["alpha", "beta"]
    assert result["record"]["calls"] == []


async def test_what_breaks_a_tie_is_not_said_to_the_user() -> None:
    with FakeProvider(ok(json.dumps({"agent": "beta"}))) as provider:
        graph = house(model_at(provider.base_url))
        turn = {"messages": [{"role": "user", "content": "alpha beta"}]}
        said = [part.text async for part, _ in graph.astream(turn, on("t"), stream_mode="messages")]
    assert "".join(said) == "beta did it."
