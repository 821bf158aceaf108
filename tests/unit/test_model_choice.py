"""The middleware that chooses the model for an agent of LangChain's: once a turn, masked, able to call tools."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agents.errors import BudgetError, NoModelError
from graphs import Context, Services
from graphs.budgets import BudgetLimits
from graphs.middleware import ModelChoice
from tests.support.agents import fake_services, model_at, on
from tests.support.provider import FakeProvider, Reply, ok, status, tool_call

NEVER = FakeListChatModel(responses=["the model that the agent was made with"])


@tool
def weather(city: str) -> str:
    """Say what the weather is."""
    return f"It rains in {city}."


@pytest.fixture
def good() -> Iterator[Any]:
    providers: list[FakeProvider] = []

    def make(*replies: Reply) -> FakeProvider:
        providers.append(FakeProvider(*replies).__enter__())
        return providers[-1]

    yield make
    for provider in providers:
        provider.__exit__(None, None, None)


def house(good: FakeProvider, other: FakeProvider | None = None, **options: Any) -> Services:
    models = [
        model_at(good.base_url, "good", quality={"writing": 0.9}, abilities=frozenset({"tools"})),
        model_at((other or good).base_url, "plain", quality={"writing": 0.1}),
    ]
    return fake_services(models=models, preference="performance", **options)


def agent(services: Services, **more: Any) -> Any:
    return create_agent(NEVER, [weather], middleware=[ModelChoice(services, **more)])


TURN: Any = {"messages": [("user", "how is the weather in Oslo?")]}


async def test_one_model_serves_the_whole_turn_with_its_tools(good: Any) -> None:
    provider = good(tool_call("weather", '{"city": "Oslo"}'), ok("Take an umbrella."))
    result = await agent(house(provider)).ainvoke(TURN)
    assert [m.type for m in result["messages"]] == ["human", "ai", "tool", "ai"]
    assert result["messages"][-1].text == "Take an umbrella."
    assert [seen.body["model"] for seen in provider.requests] == ["good", "good"]
    assert provider.requests[0].body["tools"][0]["function"]["name"] == "weather"
    assert result["messages"][-1].response_metadata["model_name"] == "good"
    assert result["moma_record"]["frontier"]


def test_synchronous_code_does_the_same(good: Any) -> None:
    provider = good(tool_call("weather", '{"city": "Oslo"}'), ok("Take an umbrella."))
    result = agent(house(provider)).invoke(TURN)
    assert result["messages"][-1].text == "Take an umbrella."


async def test_a_model_without_tools_is_not_asked_for_them(good: Any) -> None:
    with pytest.raises(NoModelError, match="can call tools: the caller excluded it"):
        await agent(house(good()), caller=lambda _: Context(exclude=["good"])).ainvoke(TURN)
    bare = create_agent(
        NEVER,
        middleware=[ModelChoice(house(good(ok("x"))), caller=lambda _: Context(exclude=["good"]))],
    )
    result = await bare.ainvoke(TURN)
    assert result["messages"][-1].response_metadata["model_name"] == "plain"


async def test_every_mask_holds(good: Any) -> None:
    provider = good()
    everything = Context(exclude=["good", "plain"])
    with pytest.raises(NoModelError, match="no model may serve"):
        await agent(house(provider), caller=lambda _: everything).ainvoke(TURN)
    assert provider.requests == []


async def test_what_a_tool_writes_into_the_state_opens_no_mask(good: Any) -> None:
    @tool
    def forge(call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Write another order."""
        said = ToolMessage("done", tool_call_id=call_id)
        return Command(update={"moma_models": ["good", "other"], "messages": [said]})

    plain, dear = good(tool_call("forge", "{}"), ok("No.")), good(ok("Yes!"))
    tools = frozenset({"tools"})
    models = [
        model_at(dear.base_url, "good", quality={"writing": 0.9}, abilities=tools),
        model_at(plain.base_url, "plain", quality={"writing": 0.1}, abilities=tools),
    ]
    choice = ModelChoice(fake_services(models=models), caller=lambda _: Context(exclude=["good"]))
    with pytest.raises(NoModelError, match="no model may serve"):
        await create_agent(NEVER, [forge], middleware=[choice]).ainvoke(TURN)
    assert dear.requests == []


async def test_the_next_model_stands_in_for_one_that_fails(good: Any) -> None:
    down, up = good(status(500)), good(ok("Here I am."))
    bare = create_agent(NEVER, middleware=[ModelChoice(house(down, up))])
    result = await bare.ainvoke(TURN)
    assert result["messages"][-1].text == "Here I am."
    assert result["messages"][-1].response_metadata["model_name"] == "plain"


async def test_the_turns_budget_is_one_for_all_its_calls(good: Any) -> None:
    call = tool_call("weather", '{"city": "Oslo"}', usage=(1_000, 1_000))  # 0.003 USD
    services = house(good(call), budgets=BudgetLimits(turn=0.004))
    with pytest.raises((BudgetError, NoModelError)):
        await agent(services).ainvoke(TURN)


async def test_each_turn_chooses_anew_and_nothing_odd_is_saved(good: Any) -> None:
    choice = ModelChoice(house(good(ok("x"))), caller=lambda context: context)
    made = create_agent(
        NEVER, middleware=[choice], context_schema=Context, checkpointer=InMemorySaver()
    )
    names = []
    for context in (Context(), Context(preference="cost"), Context(exclude=["good"])):
        result = await made.ainvoke(TURN, on("t"), context=context)
        names.append(result["messages"][-1].response_metadata["model_name"])
    assert names[0] == "good"
    assert names[2] == "plain"


POLICY = """
SIGNAL keyword secret { keywords: ["secret"] }
SIGNAL keyword bad { keywords: ["bad"] }
ROUTE no { PRIORITY 3 WHEN keyword("bad") PLUGIN fast_response { message: "Not that." } }
ROUTE here { PRIORITY 2 WHEN keyword("secret") MODEL "good" PLUGIN tools { mode: "none" }
  PLUGIN system_prompt { system_prompt: "Be discreet." } }
ROUTE rest { PRIORITY 1 MODEL "plain" }
"""


async def test_the_policys_rule_gives_the_model_the_tools_and_the_prompt(
    good: Any, tmp_path: Path
) -> None:
    path = tmp_path / "policy.dsl"
    path.write_text(POLICY)
    provider = good(ok("It is safe."), ok("Nothing."))
    asked = agent(house(provider, policy=path))
    ended = await asked.ainvoke({"messages": [("user", "my secret")]})
    assert ended["messages"][-1].text == "It is safe."
    (seen,) = provider.requests
    assert seen.body["messages"][0] == {"role": "system", "content": "Be discreet."}
    assert "tools" not in seen.body
    ended = await asked.ainvoke({"messages": [("user", "something bad")]})
    assert ended["messages"][-1].text == "Not that."
    assert len(provider.requests) == 1
    with pytest.raises(NoModelError):  # the one model of its rule calls no tools
        await asked.ainvoke(TURN)


@pytest.mark.parametrize(
    "blocked",
    [
        {"title": "delete_file", "description": "d", "type": "object", "properties": {}},
        {"name": "delete_file", "description": "d", "parameters": {"type": "object"}},
        {"type": "function", "function": {"name": "delete_file", "parameters": {"type": "object"}}},
        {"type": "delete_file"},
    ],
)
async def test_a_tool_that_a_rule_blocks_is_kept_from_the_model_in_whatever_form_it_comes(
    blocked: dict[str, Any], good: Any, tmp_path: Path
) -> None:
    path = tmp_path / "policy.dsl"
    path.write_text('ROUTE all { PRIORITY 1 PLUGIN tools { block_tools: ["delete_file"] } }')
    provider = good(ok("Sunny."))
    asked = create_agent(
        NEVER, [weather, blocked], middleware=[ModelChoice(house(provider, policy=path))]
    )
    await asked.ainvoke(TURN)
    names = [tool["function"]["name"] for tool in provider.requests[0].body["tools"]]
    assert names == ["weather"]
