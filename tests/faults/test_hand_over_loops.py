"""Agents that hand over in circles, each calling its model first: the turn ends with an answer after few calls."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, Send
from pydantic import ValidationError

from agents.contract import declined, failed, hand_over
from app.settings import Settings
from graphs.options import Options
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    model_at,
    on,
    say,
    served_by,
)
from tests.support.bars import bar
from tests.support.provider import FakeProvider, ok

MOST_CALLS = 8
MOST_HOPS = 30
SHAPES = {
    "self-loop": ["alpha"],
    "ping-pong": ["alpha", "beta"],
    "ring of 10": [f"alpha{n}" for n in range(10)],
    "ring of 30": [f"alpha{n}" for n in range(30)],
}
WAYS: dict[str, Callable[[str], Any]] = {
    "hand_over": lambda other: hand_over(other, reason="theirs"),
    "a command": lambda other: Command(graph=Command.PARENT, goto=other),
    "a command with lies": lambda other: Command(
        graph=Command.PARENT, goto=[Send(other, {"hops": -99})], update={"hops": -99, "tried": []}
    ),
    "declined": lambda other: declined(f"ask {other}"),
    "failed": lambda other: failed(f"ask {other}"),
}


def circle(names: Sequence[str], way: Callable[[str], Any]) -> list[FakeAgent]:
    """Return agents that each call their model and pass the turn on."""

    def passing(other: str) -> Any:
        async def work(_: Any, runtime: Any) -> Any:
            await runtime.context.model.ainvoke("Whose is this?")
            return way(other)

        return work

    return [
        fake_agent(name, passing(other), description=f"{name} alpha")
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
    ]


async def turns(shape: str, way: str, count: int) -> Counter[str]:
    """Send turns to a circle, and return how many ended well and the most calls and steps that one took."""
    agents = circle(SHAPES[shape], WAYS[way])
    seen: Counter[str] = Counter()
    with FakeProvider(ok("A model's answer.")) as provider:
        graph = fake_graph(*agents, models=[model_at(provider.base_url)], saver=InMemorySaver())
        for turn in range(count):
            before, ran = len(provider.requests), sum(agent.runs for agent in agents)
            result = await say(graph, f"{SHAPES[shape][0]} {turn}", thread="t")
            assert served_by(result) == ("model", "m")
            assert answer(result) == "A model's answer."
            assert result["phase"] == "idle"
            state = await graph.aget_state(on("t"))
            assert state.values["hops"] <= Options().max_hops + 1
            runs = sum(agent.runs for agent in agents) - ran
            assert 1 <= runs <= min(len(agents), Options().max_hops + 1)
            seen["calls"] = max(seen["calls"], len(provider.requests) - before)
            seen["runs"] = max(seen["runs"], runs)
            seen["turns"] += 1
    assert seen["calls"] <= MOST_CALLS
    return seen


@pytest.mark.parametrize(("shape", "way"), [*zip(SHAPES, WAYS, strict=False)])
async def test_a_circle_of_agents_that_call_models_ends_after_eight_calls(
    shape: str, way: str
) -> None:
    assert (await turns(shape, way, 2))["turns"] == 2


async def test_the_most_hand_overs_that_can_be_set_end_before_langgraphs_own_limit() -> None:
    with pytest.raises(ValidationError):
        Settings(max_hops=MOST_HOPS + 1)
    names = ["start", *(f"a{n}" for n in range(MOST_HOPS + 4))]
    following = itertools.pairwise(names)
    agents = [fake_agent(a, lambda *_, b=b: hand_over(b, reason="theirs")) for a, b in following]
    with FakeProvider(ok("A model's answer.")) as provider:
        models = [model_at(provider.base_url)]
        hops = Settings(max_hops=MOST_HOPS).max_hops
        result = await say(fake_graph(*agents, models=models, max_hops=hops), "start")
    assert answer(result) == "A model's answer."
    assert sum(agent.runs for agent in agents) == MOST_HOPS + 1


@pytest.mark.faults
async def test_hand_over_loops() -> None:
    every = [await turns(shape, way, 5) for shape in SHAPES for way in WAYS]
    count = sum(seen["turns"] for seen in every)
    calls, runs = (max(seen[what] for seen in every) for what in ("calls", "runs"))
    result = f"all ended with a model's answer; {runs} agents and {calls} LLM calls a turn at most"
    bar(22, "hand-over loops", count, result, "a normal answer, 8 calls or fewer")
