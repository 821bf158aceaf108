"""A caller's context is checked where it is made, and a paused turn returns its own state."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from agents.contract import done
from agents.errors import InputError
from graphs import Context
from graphs.record import troubles
from graphs.turn import clean_text
from tests.support.agents import fake_agent, fake_graph, on, say


async def turn(context: Any) -> Any:
    said = {"messages": [{"role": "user", "content": "alpha"}]}
    return await fake_graph(fake_agent("alpha")).ainvoke(said, context=context)


WRONG: dict[str, list[Any]] = {
    "user": [5, None, ""],
    "grants": ["pay", ["pay", 7], None, {"pay": True}],
    "include": ["pay", 3],
    "exclude": [b"pay"],
    "preference": ["best", 1.5, math.nan],
    "budget_usd": [-1, math.nan, "0.01", True],
}


@pytest.mark.parametrize(
    ("field", "given"), [(f, v) for f, values in WRONG.items() for v in values]
)
async def test_a_context_with_a_wrong_field_opens_nothing(field: str, given: Any) -> None:
    with pytest.raises(InputError, match=field.partition("_")[0]):
        Context(**{field: given})
    with pytest.raises(InputError, match=field.partition("_")[0]):
        await turn({field: given})


@pytest.mark.parametrize(
    ("given", "told"),
    [({"bogus": 1}, "unknown field 'bogus'; known: user, grants"), ("ann", "a str"), (5, "a int")],
)
async def test_a_context_of_another_form_is_one_line(given: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        await turn(given)


def test_the_schemas_of_the_graph_and_of_an_agent_say_what_goes_in_and_out() -> None:
    agent = fake_agent("alpha")
    graph = fake_graph(agent)
    assert graph.get_input_jsonschema()["required"] == ["messages"]
    assert {"phase", "record"} <= graph.get_output_jsonschema()["properties"].keys()
    assert {"request", "memory"} <= agent.graph.get_input_jsonschema()["properties"].keys()


@dataclass
class TheirContext:
    tenant: str = "acme"


@pytest.mark.parametrize(
    ("outer", "served"),
    [(TheirContext(), "beta"), (Context(grants=["alpha"]), "alpha"), (None, "beta")],
)
async def test_inside_another_graph_its_context_counts_if_it_is_ours(
    outer: Any, served: str
) -> None:
    """A context of their own grants nothing here and breaks nothing."""
    inner = fake_graph(fake_agent("alpha", grants=frozenset({"alpha"})), fake_agent("beta"))
    builder = StateGraph(MessagesState, context_schema=type(outer) if outer else None)
    builder.add_node("moma", inner)
    builder.add_edge(START, "moma")
    graph: Any = builder.compile()
    said = {"messages": [{"role": "user", "content": "alpha, alpha or beta"}]}
    result = await graph.ainvoke(said, context=outer)
    assert result["messages"][-1].text == f"{served} did it."


@pytest.mark.parametrize("outer", [None, InMemorySaver()])
async def test_a_thread_that_is_named_within_another_graph_is_the_callers_own(outer: Any) -> None:
    inner = fake_graph(fake_agent("alpha"), saver=InMemorySaver())

    async def call(state: MessagesState) -> dict[str, Any]:
        return {"messages": (await say(inner, "alpha", thread="own"))["messages"][-1:]}

    builder = StateGraph(MessagesState)
    builder.add_node("call", call)
    builder.add_edge(START, "call")
    graph: Any = builder.compile(checkpointer=outer)
    for turns in (1, 2):
        await graph.ainvoke({"messages": [{"role": "user", "content": "go"}]}, on("outer"))
        assert (await inner.aget_state(on("own"))).values["turn"] == turns
    assert not (await inner.aget_state(on("outer"))).values


async def test_one_with_a_saver_of_its_own_is_a_node_of_a_graph_without_any() -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("moma", fake_graph(fake_agent("alpha"), saver=InMemorySaver()))
    builder.add_edge(START, "moma")
    graph: Any = builder.compile()
    said = {"messages": [{"role": "user", "content": "alpha"}]}
    assert (await graph.ainvoke(said))["messages"][-1].text == "alpha did it."


def paying() -> Any:
    return fake_agent("pay", lambda *_: done(f"answered {interrupt({'question': 'pay?'})}"))


async def test_a_turn_that_waits_for_an_approval_returns_its_own_record() -> None:
    graph = fake_graph(fake_agent("alpha"), paying(), saver=InMemorySaver())
    await say(graph, "alpha please")
    paused = await say(graph, "pay please")
    assert "__interrupt__" in paused
    assert (paused["phase"], paused["active_agent"]) == ("awaiting_approval", "pay")
    assert (paused["record"]["turn"], paused["record"]["served_by"]["id"]) == (2, "pay")


def test_so_does_one_from_synchronous_code() -> None:
    graph = fake_graph(paying(), saver=InMemorySaver())
    paused = graph.invoke({"messages": [{"role": "user", "content": "pay please"}]}, on("t"))
    assert (paused["phase"], paused["record"]["turn"]) == ("awaiting_approval", 1)


def test_a_terminals_escape_sequences_leave_nothing_behind() -> None:
    assert clean_text("2+2\x1b[2J \x1b]0;title\x07now") == "2+2 now"
    with pytest.raises(InputError, match="empty"):
        clean_text("\x01\x02\x1b[31m")


async def test_what_went_wrong_on_the_way_is_told() -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("boom")

    result = await say(fake_graph(fake_agent("alpha", broken)), "alpha please")
    assert troubles(result["record"]) == ["alpha failed: it broke (ValueError)"]
