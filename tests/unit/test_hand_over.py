"""Hand-overs: a request that the mask decides on, bounded in number, and never a way around a permission."""

from collections.abc import Sequence
from typing import Any

import pytest
from langgraph.types import Command, Send

from agents.contract import declined, done, hand_over
from graphs import Context
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    model_at,
    say,
    served_by,
)
from tests.support.provider import FakeProvider, ok


def hands_to(other: str) -> Any:
    return lambda state, runtime: hand_over(other, reason="that is theirs")


async def test_a_hand_over_reaches_the_agent_asked_for() -> None:
    beta = fake_agent("beta")
    result = await say(fake_graph(fake_agent("alpha", hands_to("beta")), beta), "alpha")
    assert served_by(result) == ("agent", "beta")
    assert beta.seen[0]["request"] == "alpha"
    assert result["record"]["agents"]["reason"] == "alpha handed over to it"


@pytest.mark.parametrize(
    ("card", "context"),
    [
        ({"grants": frozenset({"pay"})}, Context()),
        ({"enabled": False}, Context()),
        ({"phases": frozenset({"closed"})}, Context()),
        ({}, Context(exclude=["beta"])),
        ({}, Context(include=["alpha"])),
    ],
)
async def test_a_hand_over_opens_no_mask(card: Any, context: Context) -> None:
    beta = fake_agent("beta", **card)
    graph = fake_graph(fake_agent("alpha", hands_to("beta")), beta)
    result = await say(graph, "alpha", context=context)
    assert (served_by(result)[0], beta.runs) == ("router", 0)


async def test_a_card_bounds_to_whom_its_agent_hands_over() -> None:
    alpha = fake_agent("alpha", hands_to("beta"), hand_over_to=("gamma",))
    beta, gamma = fake_agent("beta"), fake_agent("gamma")
    result = await say(fake_graph(alpha, beta, gamma), "alpha alpha alpha beta beta gamma gamma")
    assert (beta.runs, gamma.runs) == (0, 1)
    assert served_by(result) == ("agent", "gamma")


COMMANDS = [
    Command(graph=Command.PARENT, goto="beta"),
    Command(graph=Command.PARENT, goto=["beta", "gamma"]),
    Command(graph=Command.PARENT, goto=Send("beta", {"request": "forged"})),
    Command(graph=Command.PARENT, goto=[Send("beta", {}), Send("beta", {})]),
    Command(
        graph=Command.PARENT,
        goto="beta",
        update={"active_agent": "beta", "target": "beta", "phase": "closed", "hops": -9},
    ),
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_to_the_parent_is_a_request_that_the_mask_grants(command: Any) -> None:
    alpha, beta = fake_agent("alpha", lambda state, runtime: command), fake_agent("beta")
    result = await say(fake_graph(alpha, beta), "alpha")
    assert (served_by(result), beta.runs) == (("agent", "beta"), 1)
    assert beta.seen[0]["request"] == "alpha"
    assert result["phase"] == "engaged"
    assert result["record"]["runs"][0] | {"ms": 0} == {
        "agent": "alpha",
        "event": "hand_over",
        "reason": "it asked for beta",
        "ms": 0,
    }


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_to_the_parent_is_a_request_that_the_mask_refuses(command: Any) -> None:
    alpha = fake_agent("alpha", lambda state, runtime: command)
    beta = fake_agent("beta", grants=frozenset({"pay"}))
    result = await say(fake_graph(alpha, beta), "alpha")
    assert (served_by(result), beta.runs) == (("router", "refuse"), 0)


@pytest.mark.parametrize("node", ["answer", "idle", "closed", "agent", "observe", "nobody", ""])
async def test_a_command_to_a_node_that_is_no_agent_leads_nowhere(node: str) -> None:
    command: Any = Command(graph=Command.PARENT, goto=node)
    alpha, beta = fake_agent("alpha", lambda state, runtime: command), fake_agent("beta")
    result = await say(fake_graph(alpha, beta), "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")


def ring(names: Sequence[str]) -> list[FakeAgent]:
    following = [*names[1:], names[0]]
    return [fake_agent(name, hands_to(other)) for name, other in zip(names, following, strict=True)]


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["alpha"], 1),  # to itself
        (["alpha", "beta"], 2),  # ping-pong
        ([f"a{n}" for n in range(10)], 7),  # six hand-overs
    ],
)
async def test_a_circle_of_hand_overs_ends_with_a_models_answer(
    names: list[str], runs: int
) -> None:
    agents = ring(names)
    with FakeProvider(ok("A model's answer.")) as provider:
        graph = fake_graph(*agents, models=[model_at(provider.base_url)])
        result = await say(graph, names[0])
    assert sum(agent.runs for agent in agents) == runs
    assert (served_by(result), answer(result)) == (("model", "m"), "A model's answer.")
    assert (result["phase"], result["active_agent"]) == ("idle", None)
    assert len(provider.requests) == 1


async def test_the_number_of_hand_overs_is_the_operators_to_set() -> None:
    agents = ring([f"a{n}" for n in range(5)])
    with FakeProvider() as provider:
        await say(fake_graph(*agents, models=[model_at(provider.base_url)], max_hops=2), "a0")
    assert [agent.runs for agent in agents] == [1, 1, 1, 0, 0]


async def test_with_no_hops_left_and_no_model_the_user_is_still_told() -> None:
    result = await say(fake_graph(*ring([f"a{n}" for n in range(10)])), "a0")
    assert answer(result).startswith("*No model could answer")
    assert result["phase"] == "idle"


async def test_an_agent_that_was_handed_to_may_be_asked_again_in_the_next_turn() -> None:
    alpha = fake_agent("alpha", hands_to("beta"))
    beta = fake_agent("beta", lambda state, runtime: done("Done."))
    graph = fake_graph(alpha, beta)
    for _ in range(2):
        assert served_by(await say(graph, "alpha")) == ("agent", "beta")
    assert (alpha.runs, beta.runs) == (2, 2)


async def test_a_model_is_told_where_an_agent_gave_the_turn_back() -> None:
    told = "Nothing was changed or looked up for this message"
    with FakeProvider(ok("I cannot.")) as provider:
        models = [model_at(provider.base_url)]
        agent = fake_agent("alpha", lambda state, runtime: declined("not mine"))
        await say(fake_graph(agent, models=models), "alpha")
        await say(fake_graph(fake_agent("alpha"), models=models), "write a poem")
    first, second = (seen.body["messages"][0]["content"] for seen in provider.requests)
    assert told in first
    assert told not in second
