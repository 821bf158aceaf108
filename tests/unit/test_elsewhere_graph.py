"""A graph that was not written for MoMA as an agent: what it is given, what becomes of its answers and questions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NotRequired

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from agents.approvals import answer_to, told, told_together
from agents.card import AgentCard
from agents.contract import AgentContext
from agents.elsewhere.answers import answer_of
from agents.elsewhere.graph import as_agent
from agents.errors import CatalogError
from agents.registry import AgentGraph, build_agent
from graphs import build_graph
from graphs.checkpoints import open_sqlite
from graphs.threads import MomaGraph
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    on,
    say,
    served_by,
)

SEEN: list[list[str]] = []


def plain_graph(reply: Any = None) -> AgentGraph:
    """Return a graph over mere messages that answers `reply`, or says how many messages it sees."""

    def work(state: MessagesState) -> dict[str, Any]:
        SEEN.append([m.text for m in state["messages"]])
        said = reply(state) if callable(reply) else reply
        return {"messages": said if isinstance(said, list) else [AIMessage(str(said))]}

    return StateGraph(MessagesState).add_node("work", work).add_edge(START, "work").compile()


def foreign(graph: AgentGraph, agent_id: str = "alpha") -> FakeAgent:
    return FakeAgent(AgentCard(id=agent_id, description=agent_id), as_agent(agent_id, graph))


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


async def test_its_last_message_is_the_answer() -> None:
    result = await say(fake_graph(foreign(plain_graph("Hello."))), "alpha")
    assert (answer(result), served_by(result)) == ("Hello.", ("agent", "alpha"))
    assert result["record"]["runs"][0]["event"] == "done"


async def test_it_keeps_its_messages_in_the_thread_and_apart_from_others() -> None:
    counts = [
        foreign(plain_graph(lambda s: len(s["messages"])), name) for name in ("alpha", "beta")
    ]
    graph = fake_graph(*counts, saver=InMemorySaver())
    said = [answer(await say(graph, text)) for text in ("alpha", "alpha", "beta", "alpha")]
    # It is told what was said before it came, and after that it has its own messages.
    assert said == ["1", "3", "5", "5"]
    assert answer(await say(graph, "alpha", thread="u")) == "1"


@asynccontextmanager
async def saver_of(kind: str, folder: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        async with open_sqlite(folder / "threads.sqlite") as saver:
            yield saver


async def heard_from(graph: MomaGraph, place: Any, text: str) -> tuple[list[str], Any]:
    """Return what the graph sees in a turn that goes on from `place`, and where the thread then stands."""
    await graph.ainvoke({"messages": [("user", text)]}, place)
    return SEEN[-1], (await graph.aget_state(on("t"))).config


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_turn_that_is_edited_goes_on_from_what_it_kept_before_it(
    kind: str, tmp_path: Path
) -> None:
    async with saver_of(kind, tmp_path) as saver:
        graph = fake_graph(foreign(plain_graph("x")), fake_agent("beta"), saver=saver)
        await say(graph, "beta")
        before_all = (await graph.aget_state(on("t"))).config
        _, first = await heard_from(graph, on("t"), "alpha 1")
        _, second = await heard_from(graph, on("t"), "alpha 2")
        seen, edited = await heard_from(graph, first, "alpha 3")
        assert seen == ["beta", "beta did it.", "alpha 1", "x", "alpha 3"]
        seen, _ = await heard_from(graph, on("t"), "alpha 4")
        assert seen[-3:] == ["alpha 3", "x", "alpha 4"]
        seen, _ = await heard_from(graph, second, "alpha 5")
        assert seen[2:] == ["alpha 1", "x", "alpha 2", "x", "alpha 5"]
        seen, _ = await heard_from(graph, before_all, "alpha 6")
        assert seen == ["beta", "beta did it.", "alpha 6"]
        seen, _ = await heard_from(graph, edited, "alpha 7")
        assert seen[2:] == ["alpha 1", "x", "alpha 3", "x", "alpha 7"]


async def test_a_dialogue_that_goes_on_reads_no_checkpoint_to_know_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def read(line: Any, checkpoint_id: str) -> bool:
        raise AssertionError

    monkeypatch.setattr("agents.elsewhere.branches._Line.has", read)
    graph = fake_graph(foreign(plain_graph("x")), fake_agent("beta"), saver=InMemorySaver())
    for text in ("alpha 1", "beta", "alpha 2"):
        await say(graph, text)
    assert SEEN[-1] == ["alpha 1", "x", "alpha 2"]


async def test_an_approval_in_a_turn_that_was_edited_is_resumed_there() -> None:
    def reply(state: MessagesState) -> str:
        asks = "ask" in state["messages"][-1].text
        return f"You said {interrupt('Shall I?')}." if asks else "x"

    graph = fake_graph(foreign(plain_graph(reply)), saver=InMemorySaver())
    _, first = await heard_from(graph, on("t"), "alpha 1")
    await heard_from(graph, on("t"), "alpha 2")
    await heard_from(graph, first, "alpha ask")
    assert answer(await say(graph, "yes")) == "You said yes."
    assert SEEN[-1] == ["alpha 1", "x", "alpha ask"]


async def test_without_a_saver_it_is_given_the_visible_messages() -> None:
    graph = fake_graph(foreign(plain_graph("x")))
    await graph.ainvoke(
        {"messages": [("user", "alpha 1"), ("assistant", "a"), ("user", "alpha 2")]}
    )
    assert SEEN == [["alpha 1", "a", "alpha 2"]]


async def test_a_state_that_is_replaced_gets_the_visible_messages_each_time() -> None:
    class Replaced(TypedDict):
        messages: list[AnyMessage]

    def work(state: Replaced) -> dict[str, Any]:
        SEEN.append([m.text for m in state["messages"]])
        return {"messages": [*state["messages"], AIMessage("x")]}

    inner = StateGraph(Replaced).add_node("work", work).add_edge(START, "work").compile()
    graph = fake_graph(foreign(inner), saver=InMemorySaver())
    await say(graph, "alpha 1")
    await say(graph, "alpha 2")
    assert SEEN[-1] == ["alpha 1", "x", "alpha 2"]


async def test_a_state_that_is_kept_as_what_was_added_gets_each_message_once() -> None:
    class Added(TypedDict):
        messages: Annotated[list[AnyMessage], DeltaChannel(lambda held, new: sum(new, held))]

    def work(state: Added) -> dict[str, Any]:
        SEEN.append([m.text for m in state["messages"]])
        return {"messages": [AIMessage("x")]}

    inner = StateGraph(Added).add_node("work", work).add_edge(START, "work").compile()
    graph = fake_graph(foreign(inner), saver=InMemorySaver())
    await say(graph, "alpha 1")
    await say(graph, "alpha 2")
    assert SEEN[-1] == ["alpha 1", "x", "alpha 2"]


async def test_its_interrupt_is_an_approval_that_the_next_message_resumes() -> None:
    runs: list[str] = []

    def reply(state: MessagesState) -> str:
        said = interrupt("Shall I?")
        runs.append(said)
        return f"You said {said}."

    graph = fake_graph(foreign(plain_graph(reply)), saver=InMemorySaver())
    asked = await say(graph, "alpha")
    assert (asked["phase"], asked["__interrupt__"][0].value) == ("awaiting_approval", "Shall I?")
    assert answer(await say(graph, "yes")) == "You said yes."
    assert runs == ["yes"]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_question_that_no_store_takes_is_a_failed_agent(kept: bool) -> None:
    asks = foreign(plain_graph(lambda s: interrupt({"question": "Go?", "by": object()})))
    graph = fake_graph(asks, fake_agent("beta"), saver=InMemorySaver() if kept else None)
    result = await say(graph, "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")
    assert "a value that cannot be kept" in result["record"]["runs"][0]["reason"]


async def test_langchains_middleware_gets_its_decisions_from_a_yes_and_a_no() -> None:
    request = {
        "action_requests": [{"name": "send", "args": {"to": "ann"}, "description": "..."}],
        "review_configs": [{"action_name": "send", "allowed_decisions": ["approve", "reject"]}],
    }
    graph = fake_graph(
        foreign(plain_graph(lambda s: str(interrupt(request)["decisions"][0]["type"]))),
        saver=InMemorySaver(),
    )
    assert told(request)["details"] == ['send(to: "ann")']
    for said, decision in (("yes", "approve"), ("no", "reject"), ("perhaps later", "reject")):
        await say(graph, "alpha", thread=said)
        assert answer(await say(graph, said, thread=said)) == decision
    assert answer_to(request, "to bob")["decisions"] == [{"type": "reject", "message": "to bob"}]


@pytest.mark.parametrize(
    ("value", "question", "details"),
    [
        ("Shall I?", "Shall I?", None),
        ("\x1b[2JShall\x07 I?", "[2JShall I?", None),
        ("", "Is that all right?", None),
        ({"question": "Delete?", "details": ["a", 3]}, "Delete?", ["a", "3"]),
        ({"question": "x\x9b", "details": ["\x1b]0;a"]}, "x", ["]0;a"]),
        ({"message": "Go?", "n": 1}, "Go?", None),
        ({"n": 1}, '{"n": 1}', None),
        ({}, "Is that all right?", None),
        ({"action_requests": "x", "question": "Go?"}, "Go?", None),
    ],
)
def test_whatever_is_asked_is_shown_and_nothing_that_a_terminal_obeys(
    value: Any, question: str, details: Any
) -> None:
    shown = told(value)
    assert (shown["question"], shown.get("details")) == (question, details)
    assert answer_to(value, "yes") == "yes"


async def test_one_that_ends_without_an_answer_has_failed() -> None:
    silent = foreign(plain_graph([ToolMessage("x", tool_call_id="1")]))
    result = await say(fake_graph(silent, fake_agent("beta")), "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")
    assert result["record"]["runs"][0]["reason"] == "it ended without an answer"


def calls(name: str, text: str = "", /, **args: Any) -> AIMessage:
    return AIMessage(text, tool_calls=[{"name": name, "args": args, "id": "c1"}])


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([AIMessage("Rome."), HumanMessage("(end)", name="supervisor")], "Rome."),
        ([{"role": "assistant", "content": "Rome."}], "Rome."),
        ([calls("look", "I look."), ToolMessage("Sunny.", tool_call_id="c1")], "Sunny."),
        ([AIMessage("Rome."), calls("leave"), ToolMessage("", tool_call_id="c1")], "Rome."),
        ([calls("look", "I look.")], "I look."),
        ([calls("look", "I look."), ToolMessage("x", tool_call_id="c1", status="error")], ""),
        ([HumanMessage("Rome.")], ""),
        (["Rome.", {"role": "nobody", "content": "Rome."}, 5], ""),
        ("Rome.", ""),
    ],
)
def test_the_answer_is_the_last_ai_message_or_what_the_tools_returned(
    messages: Any, text: str
) -> None:
    before = [AIMessage("Of an earlier turn."), HumanMessage("Where?", id="q")]
    found = {"messages": [*before, *messages] if isinstance(messages, list) else messages}
    assert answer_of(found, after="q") == text


async def test_tools_that_return_directly_and_structured_responses_are_answers() -> None:
    class Place(TypedDict):
        name: str

    def look(city: str) -> str:
        """Look."""
        return f"Sunny in {city}."

    direct = create_agent(
        Calling(responses=[calls("look", city="Rome")]), [tool(look, return_direct=True)]
    )
    formed = create_agent(
        Calling(responses=[calls("Place", name="Rome")]), response_format=ToolStrategy(Place)
    )
    graph = fake_graph(foreign(direct), foreign(formed, "beta"), saver=InMemorySaver())
    assert answer(await say(graph, "alpha")) == "Sunny in Rome."
    assert answer(await say(graph, "beta")) == '{"name":"Rome"}'


async def test_an_answer_of_an_earlier_turn_is_not_given_again() -> None:
    replies = iter([[AIMessage("Rome.")], []])
    graph = fake_graph(
        foreign(plain_graph(lambda s: next(replies))), fake_agent("beta"), saver=InMemorySaver()
    )
    assert answer(await say(graph, "alpha")) == "Rome."
    result = await say(graph, "alpha alpha beta")
    assert result["record"]["runs"][0]["reason"] == "it ended without an answer"


async def test_a_turn_that_broke_leaves_no_call_open_for_the_next() -> None:
    call = {"name": "look", "args": {}, "id": "c1"}

    def reply(state: MessagesState) -> list[AIMessage]:
        return (
            [AIMessage("", tool_calls=[call])] if len(state["messages"]) == 1 else [AIMessage("x")]
        )

    def breaks(state: MessagesState) -> dict[str, Any]:
        if state["messages"][-1].text == "":
            raise ValueError
        return {}

    def work(state: MessagesState) -> dict[str, Any]:
        return {"messages": reply(state)}

    builder = StateGraph(MessagesState).add_node("work", work).add_node("breaks", breaks)
    inner = builder.add_edge(START, "work").add_edge("work", "breaks").compile()
    saver = InMemorySaver()
    graph = fake_graph(foreign(inner), fake_agent("beta"), saver=saver)
    await say(graph, "alpha alpha beta")
    await say(graph, "alpha")
    place = {"thread_id": "t", "checkpoint_ns": "alpha|alpha"}
    saved = await saver.aget_tuple({"configurable": place})
    assert saved is not None
    kept = saved.checkpoint["channel_values"]["messages"]
    assert [m.type for m in kept] == ["human", "ai", "tool", "human", "ai"]


async def test_one_that_is_registered_later_is_adapted_too() -> None:
    services = fake_services(fake_agent("beta"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    for name in ("alpha", "gamma"):
        services.registry.register(
            AgentCard(id=name, description=name), plain_graph(lambda s: len(s["messages"]))
        )
    assert [answer(await say(graph, text)) for text in ("alpha", "gamma", "alpha")] == [
        "1",
        "3",
        "3",
    ]
    services.registry.enable("alpha", False)
    services.registry.enable("alpha", True)
    assert answer(await say(graph, "alpha")) == "5"


async def test_one_that_wants_to_move_on_asks_for_a_hand_over() -> None:
    def go(state: MessagesState) -> Command[Any]:
        return Command(graph=Command.PARENT, goto="beta")

    inner = StateGraph(MessagesState).add_node("go", go).add_edge(START, "go").compile()
    graph = fake_graph(foreign(inner), fake_agent("beta"), saver=InMemorySaver())
    result = await say(graph, "alpha")
    runs = [(run["agent"], run["event"]) for run in result["record"]["runs"]]
    assert runs == [("alpha", "hand_over"), ("beta", "done")]


class Calling(FakeMessagesListChatModel):
    """A model that calls the tools that it was bound to, as its list says."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@pytest.mark.parametrize("mode", ["batched", "per_call"])
@pytest.mark.parametrize(("reply", "expected"), [("yes", ["ann", "bob"]), ("no", [])])
async def test_an_agent_of_langchains_waits_for_its_approval(
    tmp_path: Path, mode: Any, reply: str, expected: list[str]
) -> None:
    """The real middleware, over the saver that the commands use."""
    sent: list[str] = []

    def send(to: str) -> str:
        """Send it."""
        sent.append(to)
        return "sent"

    calls = [{"name": "send", "args": {"to": to}, "id": to} for to in ("ann", "bob")]
    said: list[Any] = [AIMessage("", tool_calls=calls), AIMessage("I see.")]
    asks = HumanInTheLoopMiddleware(interrupt_on={"send": True}, interrupt_mode=mode)
    made = create_agent(Calling(responses=said), [send], middleware=[asks])
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(foreign(made), saver=saver)
        asked = await say(graph, "alpha")
        assert (asked["phase"], sent) == ("awaiting_approval", [])
        shown = told_together([pending.value for pending in asked["__interrupt__"]])
        assert sorted(shown["details"]) == ['send(to: "ann")', 'send(to: "bob")']
        assert answer(await say(graph, reply)) == "I see."
    assert sorted(sent) == expected


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        (["approve", "edit"], "It was not run."),
        (["approve", "respond"], "I see."),
        (["approve", "reject"], "I see."),
    ],
)
async def test_a_no_runs_nothing_and_is_answered_whatever_decisions_the_middleware_takes(
    allowed: Any, text: str
) -> None:
    sent: list[str] = []

    def send(to: str) -> str:
        """Send it."""
        sent.append(to)
        return "sent"

    asks = HumanInTheLoopMiddleware(interrupt_on={"send": {"allowed_decisions": allowed}})
    said: list[Any] = [calls("send", to="ann"), AIMessage("I see.")]
    made = create_agent(Calling(responses=said), [send], middleware=[asks])
    graph = fake_graph(foreign(made), saver=InMemorySaver())
    await say(graph, "alpha")
    result = await say(graph, "no")
    assert (answer(result), served_by(result), sent) == (text, ("agent", "alpha"), [])


GRAPH = plain_graph("By import.")


@pytest.mark.parametrize("name", ["GRAPH", "plain_graph"])
async def test_a_line_of_the_catalogue_names_a_graph_or_what_builds_it(name: str) -> None:
    agent = build_agent(AgentCard(id="alpha", description="alpha", run=f"{__name__}:{name}"))
    assert agent.graph is not None
    result = await say(fake_graph(FakeAgent(agent.card, agent.graph)), "alpha")
    assert served_by(result) == ("agent", "alpha")


def test_a_graph_without_messages_is_refused_with_what_it_has() -> None:
    class Other(TypedDict):
        number: Annotated[int, "any"]

    other = StateGraph(Other).add_node("work", lambda s: s).add_edge(START, "work").compile()
    with pytest.raises(CatalogError, match="the fields number; expected AgentState, or any state"):
        as_agent("alpha", other)
    with pytest.raises(CatalogError, match="is a graph and takes none"):
        build_agent(AgentCard(id="a", description="a", run=f"{__name__}:GRAPH", options={"x": 1}))


async def test_the_answer_is_in_its_messages_whatever_it_calls_its_output() -> None:
    class Other(TypedDict):
        n: int

    class Both(MessagesState):
        n: int

    def work(state: Both) -> dict[str, Any]:
        return {"messages": [AIMessage("Rome.")], "n": 1}

    builder = StateGraph(Both, output_schema=Other).add_node("work", work)
    graph = fake_graph(foreign(builder.add_edge(START, "work").compile()))
    assert answer(await say(graph, "alpha")) == "Rome."


@dataclass
class Tenant:
    name: str = "acme"


@dataclass
class NeedsTenant(Tenant):
    key: str = field(kw_only=True)


class NeedsRegion(BaseModel):
    region: str
    size: int = 3


class NeedsCity(TypedDict):
    city: str
    zip: NotRequired[str]


class NeedsTopic(BaseModel):
    messages: Annotated[list[AnyMessage], add_messages]
    topic: str


def in_context(schema: Any, state: Any = MessagesState) -> AgentGraph:
    """Return a graph that answers its context."""

    def work(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
        return {"messages": [AIMessage(repr(runtime.context))]}

    builder: Any = StateGraph(state, context_schema=schema).add_node("work", work)
    graph: AgentGraph = builder.add_edge(START, "work").compile()
    return graph


async def test_a_context_of_its_own_has_its_defaults_and_ours_is_ours() -> None:
    graph = fake_graph(
        foreign(in_context(Tenant)),
        foreign(in_context(AgentContext), "beta"),
        foreign(in_context(None), "gamma"),
    )
    assert answer(await say(graph, "alpha")) == "Tenant(name='acme')"
    for name in ("beta", "gamma"):
        assert answer(await say(graph, name)).startswith("AgentContext(user='local'")


@pytest.mark.parametrize(
    ("context", "state", "told"),
    [
        (NeedsTenant, MessagesState, "context_schema needs 'key'"),
        (NeedsRegion, MessagesState, "context_schema needs 'region'"),
        (NeedsCity, MessagesState, "context_schema needs 'city'"),
        (None, NeedsTopic, "state needs 'topic'"),
    ],
)
def test_a_graph_that_needs_what_no_agent_is_given_is_refused_when_it_is_loaded(
    context: Any, state: Any, told: str
) -> None:
    with pytest.raises(CatalogError, match=f"agent 'alpha': the graph's {told}"):
        as_agent("alpha", in_context(context, state))
