"""MoMA as a LangChain chat model: threads by config, pieces as they come, sync and async, inside another graph."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from agents.contract import done
from agents.errors import InputError
from graphs import Context, MomaChatModel
from tests.support.agents import FakeAgent, fake_agent, fake_graph, model_at, on
from tests.support.provider import FakeProvider, ok


def model(*agents: FakeAgent, context: Context | None = None, **rest: Any) -> MomaChatModel:
    graph = fake_graph(*agents, saver=InMemorySaver(), **rest)
    return MomaChatModel(graph=graph, context=context)


async def test_a_thread_in_the_config_goes_on_and_its_messages_are_sent_once() -> None:
    alpha = fake_agent("alpha")
    moma = model(alpha)
    first = await moma.ainvoke("alpha", on("42"))
    assert first.text == "alpha did it."
    assert first.response_metadata["served_by"] == {"kind": "agent", "id": "alpha"}
    assert (first.response_metadata["phase"], first.response_metadata["cost_usd"]) == ("engaged", 0)
    said = [SystemMessage("Be brief."), HumanMessage("alpha"), first, HumanMessage("alpha")]
    await moma.ainvoke(said, on("42"))
    await moma.ainvoke("alpha", on("43"))
    assert [len(seen["history"]) for seen in alpha.seen] == [0, 2, 0]


def test_synchronous_code_does_the_same() -> None:
    alpha = fake_agent("alpha")
    moma = model(alpha)
    assert moma.invoke("alpha", on("42")).text == "alpha did it."
    assert "".join(chunk.text for chunk in moma.stream("alpha", on("42"))) == "alpha did it."
    assert [len(seen["history"]) for seen in alpha.seen] == [0, 2]


async def test_without_a_thread_all_is_sent_and_nothing_kept() -> None:
    alpha = fake_agent("alpha")
    moma = model(alpha)
    await moma.ainvoke([HumanMessage("alpha"), AIMessage("Hm."), HumanMessage("alpha")])
    await moma.ainvoke("alpha")
    assert [len(seen["history"]) for seen in alpha.seen] == [2, 0]
    assert not moma.graph.checkpointer.storage  # type: ignore[union-attr]


async def test_a_models_answer_comes_in_pieces_with_usage_and_who_it_was() -> None:
    with FakeProvider(ok("one two three", usage=(11, 7), every=0.3)) as provider:
        moma = model(models=[model_at(provider.base_url)])
        chunks = [chunk async for chunk in moma.astream("a poem", on("1"))]
        texts = [c.text for c in chunks if c.text]
        assert "".join(texts) == "one two three"
        assert len(texts) > 1
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        assert whole.usage_metadata == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
        assert whole.response_metadata["model_name"] == "m"
        assert (await moma.ainvoke("a poem", on("1"))).text == "one two three"


async def test_an_approval_is_an_answer_and_the_next_message_replies_to_it() -> None:
    def work(state: Any, runtime: Any) -> Any:
        return done(f"You said {interrupt({'question': 'Delete it?', 'details': ['a']})}.")

    moma = model(fake_agent("alpha", work))
    asked = await moma.ainvoke("alpha", on("1"))
    assert asked.text == "Delete it?\n\n- a"
    assert asked.response_metadata["phase"] == "awaiting_approval"
    assert (await moma.ainvoke("yes", on("1"))).text == "You said yes."


async def test_the_caller_is_the_contexts() -> None:
    staff = fake_agent("alpha", grants={"staff"})
    assert (await model(staff).ainvoke("alpha")).response_metadata["served_by"]["kind"] == "router"
    allowed = model(staff, context=Context(grants=["staff"]))
    assert (await allowed.ainvoke("alpha")).text == "alpha did it."


@pytest.mark.parametrize("synchronous", [True, False])
async def test_in_a_node_of_another_graph_it_keeps_a_thread_of_its_own(synchronous: bool) -> None:
    alpha = fake_agent("alpha")
    moma = model(alpha)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [moma.invoke(state["messages"])]}

    async def ask_async(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await moma.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask if synchronous else ask_async)
    outer: Any = builder.add_edge(START, "ask").compile(checkpointer=InMemorySaver())
    for _ in range(2):
        result = await outer.ainvoke({"messages": [("user", "alpha")]}, on("t"))
    assert [m.text for m in result["messages"]] == ["alpha", "alpha did it."] * 2
    assert [len(seen["history"]) for seen in alpha.seen] == [0, 2]
    assert (await moma.graph.aget_state(on("t"))).values["turn"] == 2


async def test_what_cannot_be_a_turn_is_an_error_of_the_tree() -> None:
    with pytest.raises(InputError, match="no message of the user"):
        await model(fake_agent("alpha")).ainvoke([SystemMessage("x")], on("1"))


async def test_leaving_a_stream_early_leaves_the_thread_usable() -> None:
    with FakeProvider(ok("one two three", every=0.3)) as provider:
        moma = model(models=[model_at(provider.base_url)])
        stream = moma.astream("a poem", on("1"))
        assert (await anext(stream)).text.startswith("one ")
        await stream.aclose()  # type: ignore[attr-defined]
        assert (await moma.ainvoke("another poem", on("1"))).text == "one two three"


@pytest.mark.parametrize("config", [on("1"), None], ids=["thread", "no thread"])
async def test_system_messages_and_options_reach_the_model(config: Any) -> None:
    with FakeProvider() as provider:
        context = Context(call={"instructions": "Be kind.", "seed": 7})
        moma = model(models=[model_at(provider.base_url)], context=context)
        said = [SystemMessage("Be a pirate."), HumanMessage("a poem")]
        await moma.bind(temperature=0.5, max_tokens=9).ainvoke(said, config, stop=["!"])
    asked = provider.requests[0].body
    assert [(m["role"], m["content"]) for m in asked["messages"]] == [
        ("system", "Be kind.\n\nBe a pirate."),
        ("user", "a poem"),
    ]
    assert (asked["temperature"], asked["seed"], asked["stop"]) == (0.5, 7, ["!"])
    assert 9 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))


async def test_what_cannot_be_had_is_refused_and_named() -> None:
    moma = model(fake_agent("alpha"))
    with pytest.raises(NotImplementedError, match="ModelChoice"):
        moma.bind_tools([])
    with pytest.raises(NotImplementedError, match="ModelChoice"):
        moma.with_structured_output({"title": "Poem", "type": "object", "properties": {}})
    with pytest.raises(InputError, match="ModelChoice"):
        await moma.bind(tools=[]).ainvoke("alpha")
    with pytest.raises(InputError, match="'top_k', expected some of"):
        await moma.bind(top_k=3).ainvoke("alpha")
