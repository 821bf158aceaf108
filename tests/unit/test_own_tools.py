"""Requests that bring tools, instructions and sampling of their own: who serves them, and what the model is asked."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from agents.contract import needs_input
from agents.errors import InputError
from graphs import Context
from tests.support.agents import answer, fake_agent, fake_graph, model_at, on, served_by
from tests.support.provider import FakeProvider, hang, ok, status, tool_call
from tests.support.waiting import until

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
WITH_TOOLS = Context(call={"tools": [WEATHER], "tool_choice": "auto"})
OFFERED = Context(call={**WITH_TOOLS.call, "tools_optional": True})


async def send(graph: Any, *messages: Any, context: Context | None = None) -> dict[str, Any]:
    result: dict[str, Any] = await graph.ainvoke(
        {"messages": list(messages)}, on("t"), context=context
    )
    return result


def able(base_url: str, model_id: str = "m", **rest: Any) -> Any:
    return model_at(base_url, model_id, abilities=frozenset({"tools"}), **rest)


async def test_tools_of_the_caller_go_to_a_model_and_their_results_back_to_the_same() -> None:
    alpha = fake_agent("alpha")
    with (
        FakeProvider(tool_call("weather", '{"city": "Oslo"}'), ok("Rain.")) as provider,
        FakeProvider(ok("never")) as other,
    ):
        # The other model is dearer now, and better: a new choice with this preference would take it.
        models = [
            able(provider.base_url, quality={"writing": 0.3}),
            able(other.base_url, "n", quality={"writing": 0.9}),
        ]
        graph = fake_graph(alpha, saver=InMemorySaver(), models=models)
        cheap = Context(call=WITH_TOOLS.call, include=["m", "alpha"])
        asked = await send(graph, HumanMessage("alpha weather"), context=cheap)
        (call,) = asked["messages"][-1].tool_calls
        best = Context(call=WITH_TOOLS.call, preference="performance")
        told = await send(graph, ToolMessage("rain", tool_call_id=call["id"]), context=best)
    masked = {m["candidate"]: m["reason"] for m in asked["record"]["agents"]["masked"]}
    assert masked == {"alpha": "the request brings its own tools"}
    assert (call["name"], call["args"]) == ("weather", {"city": "Oslo"})
    assert (served_by(told), answer(told)) == (("model", "m"), "Rain.")
    assert told["record"]["models"]["reason"] == "m asked for these tools and goes on"
    assert told["record"]["turn"] == asked["record"]["turn"] == 1
    assert not other.requests
    first, second = (seen.body for seen in provider.requests)
    assert first["tools"] == [WEATHER]
    assert first["tool_choice"] == "auto"
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "tool"]


async def test_who_stands_in_for_the_model_that_asked_is_not_chosen_anew() -> None:
    with (
        FakeProvider(tool_call("weather", "{}"), status(500)) as first,
        FakeProvider(ok("Sun.")) as second,
    ):
        models = [able(first.base_url), able(second.base_url, "n")]
        graph = fake_graph(saver=InMemorySaver(), models=models)
        asked = await send(graph, HumanMessage("weather"), context=WITH_TOOLS)
        assert asked["record"]["served_by"]["id"] == "m"
        result = ToolMessage("sun", tool_call_id=asked["messages"][-1].tool_calls[0]["id"])
        told = await send(graph, result, context=Context(call=WITH_TOOLS.call, exclude=["m"]))
    assert (served_by(told), answer(told)) == (("model", "n"), "Sun.")
    assert "m asked for these tools and may not go on" in told["record"]["models"]["reason"]


async def test_a_model_that_calls_no_tools_is_masked_only_where_there_are_some() -> None:
    with FakeProvider(ok("Hello.")) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)])
        assert answer(await send(graph, HumanMessage("hello"))) == "Hello."
        refused = await send(graph, HumanMessage("hello"), context=WITH_TOOLS)
    assert served_by(refused) == ("router", "refuse")
    assert "`m`: it calls no tools" in answer(refused)


async def test_tools_that_are_only_offered_keep_no_agent_from_the_turn() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    with FakeProvider(tool_call("weather", "{}"), ok("Rain.")) as provider:
        graph = fake_graph(alpha, saver=InMemorySaver(), models=[able(provider.base_url)])
        begun = await send(graph, HumanMessage("alpha"), context=OFFERED)
        goes_on = await send(graph, HumanMessage("tomorrow"), context=OFFERED)
        assert served_by(begun) == served_by(goes_on) == ("agent", "alpha")
        assert not provider.requests
    with FakeProvider(tool_call("weather", "{}"), ok("Rain.")) as provider:
        graph = fake_graph(alpha, saver=InMemorySaver(), models=[able(provider.base_url)])
        asked = await send(graph, HumanMessage("will it rain?"), context=OFFERED)
        (call,) = asked["messages"][-1].tool_calls
        told = await send(graph, ToolMessage("rain", tool_call_id=call["id"]), context=WITH_TOOLS)
    assert (served_by(told), answer(told)) == (("model", "m"), "Rain.")
    first = provider.requests[0].body
    assert (first["tools"], first["tool_choice"]) == ([WEATHER], "auto")
    assert "tools_optional" not in first


async def test_where_no_model_calls_tools_one_does_without_those_that_are_only_offered() -> None:
    with FakeProvider(ok("Hello.")) as plain, FakeProvider(ok("Hi.")) as other:
        cheap, dear = model_at(plain.base_url), able(other.base_url, "n")
        both = fake_graph(models=[cheap, dear])
        assert answer(await send(both, HumanMessage("hello"), context=OFFERED)) == "Hi."
        alone = fake_graph(models=[cheap])
        done = await send(alone, HumanMessage("hello"), context=OFFERED)
    assert (served_by(done), answer(done)) == (("model", "m"), "Hello.")
    assert not {"tools", "tool_choice"} & set(plain.requests[0].body)


async def test_a_caller_with_tools_leaves_the_holder_its_question() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(alpha, saver=InMemorySaver(), models=[able(provider.base_url)])
        await send(graph, HumanMessage("alpha"))
        between = await send(graph, HumanMessage("tomorrow"), context=WITH_TOOLS)
    assert served_by(between) == ("model", "m")
    assert (between["phase"], between["active_agent"]) == ("awaiting_input", "alpha")
    assert alpha.runs == 1


CALLED = AIMessage("", tool_calls=[{"id": "c1", "name": "weather", "args": {}}])


@pytest.mark.parametrize(
    "messages",
    [
        [ToolMessage("x", tool_call_id="c1")],
        [HumanMessage("hi"), ToolMessage("x", tool_call_id="c1")],
        [HumanMessage("hi"), CALLED, ToolMessage("x", tool_call_id="other")],
        [HumanMessage("hi"), CALLED, HumanMessage("no"), ToolMessage("x", tool_call_id="c1")],
    ],
)
@pytest.mark.parametrize("saver", [None, InMemorySaver()])
async def test_a_result_that_answers_no_open_call_is_refused(messages: Any, saver: Any) -> None:
    graph = fake_graph(saver=saver, models=[able("http://127.0.0.1:9")])
    with pytest.raises(InputError, match="no call that is open"):
        await send(graph, *messages, context=WITH_TOOLS)


async def test_a_dialogue_that_begins_with_results_is_taken_up() -> None:
    with FakeProvider(ok("Rain.")) as provider:
        graph = fake_graph(fake_agent("alpha"), models=[able(provider.base_url)])
        result = ToolMessage("rain", tool_call_id="c1")
        told = await send(graph, HumanMessage("alpha"), CALLED, result, context=WITH_TOOLS)
    assert (served_by(told), answer(told)) == (("model", "m"), "Rain.")


async def test_what_the_request_asks_reaches_the_model_and_is_not_kept() -> None:
    asked = {
        "instructions": "Speak like a pirate.",
        "temperature": 0.5,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["END"],
        "seed": 4,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "user": "ann",
    }
    with FakeProvider(ok("Arr.")) as provider:
        graph = fake_graph(saver=InMemorySaver(), models=[model_at(provider.base_url)])
        await send(graph, HumanMessage("hello"), context=Context(call=asked))
        await send(graph, HumanMessage("again"))
    first, second = (seen.body for seen in provider.requests)
    assert first["messages"][0] == {"role": "system", "content": "Speak like a pirate."}
    # LiteLLM keeps an end user's name from models that it does not know.
    plain = {k: v for k, v in asked.items() if k not in ("instructions", "user")}
    assert {k: first[k] for k in plain} == plain
    assert "pirate" not in str(second)
    assert not {"temperature", "stop", "seed"} & set(second)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"grants": ["pay"]}, "'grants', expected some of"),
        ({"tools": []}, "a list of"),
        ({"tools": [{"function": {}}]}, "a list of"),
        ({"tools": [WEATHER, WEATHER]}, "given twice"),
        ({"tool_choice": "auto"}, "tool_choice needs tools"),
        ({"tools_optional": True}, "tools_optional needs tools"),
        ({"tools": [WEATHER], "tools_optional": "yes"}, "expected true or false"),
        ({"temperature": float("nan")}, "JSON-plain"),
        ({"stop": {"a"}}, "JSON-plain"),
        ({"user": "x" * 600_000}, "at most 500,000"),
        ({"instructions": 5}, "a text"),
        ({"max_tokens": -1_000}, "whole number from 1 on"),
        ({"max_tokens": "ten"}, "whole number from 1 on"),
        ({"max_tokens": True}, "whole number from 1 on"),
        ({"response_format": "json"}, "one of text, json_object, json_schema"),
        ({"response_format": {"type": "json_schema"}}, "has no"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 5}}}},
            "the schema of response_format: no JSON schema",
        ),
    ],
)
def test_what_no_model_can_be_asked_is_refused(call: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        Context(call=call)


async def test_results_of_tools_whose_turn_was_cut_short_can_be_sent_again() -> None:
    with FakeProvider(tool_call("weather", "{}"), hang(), ok("Sunny.")) as provider:
        model = model_at(provider.base_url, abilities=frozenset({"tools"}))
        graph = fake_graph(models=[model], saver=InMemorySaver())
        asked = await graph.ainvoke(
            {"messages": [HumanMessage("the weather?")]}, on("t"), context=WITH_TOOLS
        )
        call = asked["messages"][-1].tool_calls[0]["id"]
        turn = {"messages": [ToolMessage("21 degrees", tool_call_id=call, id="result")]}
        cut = asyncio.create_task(graph.ainvoke(turn, on("t"), context=WITH_TOOLS))
        await until(lambda: len(provider.requests) == 2)
        cut.cancel()
        await asyncio.wait([cut])
        assert answer(await graph.ainvoke(turn, on("t"), context=WITH_TOOLS)) == "Sunny."
