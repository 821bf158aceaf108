"""Approvals: an agent's interrupt ends the turn, and the next message goes on inside that agent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from agents.card import AgentCard
from agents.contract import AgentContext, AgentState, declined, done, failed, hand_over
from agents.errors import InputError
from agents.replies import approved
from graphs import Context, build_graph
from graphs.checkpoints import open_sqlite
from graphs.gateway.transport import Limits
from graphs.spoken import Ended, run_turn
from graphs.threads import MomaGraph
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    model_at,
    on,
    say,
    served_by,
)
from tests.support.plain import assert_plain
from tests.support.provider import FakeProvider, ok

QUESTION = {"kind": "approval", "question": "Delete it?", "agent": "alpha"}


class FakeShredder:
    """An agent that deletes after a yes, and counts."""

    def __init__(self, **card: Any) -> None:
        self.deleted = 0
        self.agent: FakeAgent = fake_agent("alpha", self._work, **card)

    def _work(self, state: Any, runtime: Any) -> Any:
        verdict = approved(interrupt(QUESTION))
        if verdict is None:
            return declined("that is not a yes or a no")
        self.deleted += verdict
        return done("Deleted." if verdict else "Kept.")


def house(
    shredder: FakeShredder, saver: BaseCheckpointSaver[Any] | None = None
) -> tuple[MomaGraph, FakeAgent]:
    beta = fake_agent("beta")
    return fake_graph(shredder.agent, beta, saver=saver or InMemorySaver()), beta


async def test_while_an_approval_is_pending_the_phase_says_so() -> None:
    shredder = FakeShredder()
    graph, _ = house(shredder)
    asked = await say(graph, "alpha")
    assert asked["__interrupt__"][0].value == QUESTION
    state = await graph.aget_state(on("t"))
    assert (state.values["phase"], state.values["active_agent"]) == ("awaiting_approval", "alpha")
    assert state.values["record"]["phase_to"] == "awaiting_approval"
    assert shredder.deleted == 0


@pytest.mark.parametrize(
    ("reply", "said", "deleted", "event"),
    [
        ("yes", "Deleted.", 1, "affirm"),
        ("no", "Kept.", 0, "deny"),
        ("never mind", "Kept.", 0, "cancel"),
    ],
)
async def test_the_next_message_goes_on_without_routing(
    reply: str, said: str, deleted: int, event: str
) -> None:
    shredder = FakeShredder()
    graph, _ = house(shredder)
    await say(graph, "alpha")
    steps = [
        step
        async for update in graph.astream(
            {"messages": [("user", reply)]}, on("t"), stream_mode="updates"
        )
        for step in update
    ]
    state = (await graph.aget_state(on("t"))).values
    assert steps == ["alpha", "engaged"]
    assert (state["messages"][-1].text, shredder.deleted) == (said, deleted)
    assert [m.text for m in state["messages"]] == ["alpha", reply, said]
    record = state["record"]
    assert (record["phase_from"], record["event"]) == ("awaiting_approval", event)
    assert (record["phase_to"], record["turn"], state["turn"]) == ("engaged", 2, 2)


@pytest.mark.parametrize(
    ("resume", "said", "event"),
    [
        ("yes", "Deleted.", "affirm"),
        (True, "Deleted.", "affirm"),
        ({"approved": True}, "Deleted.", "affirm"),
        (False, "Kept.", "deny"),
    ],
)
async def test_a_command_resumes_too_and_gets_a_record_of_its_own(
    resume: Any, said: str, event: str
) -> None:
    graph, _ = house(FakeShredder())
    first = await say(graph, "alpha")
    paused = (await graph.aget_state(on("t"))).values["record"]["id"]
    result = await graph.ainvoke(Command(resume=resume), on("t"))
    assert first["__interrupt__"]
    assert answer(result) == said
    record = result["record"]
    assert (record["phase_from"], record["event"], record["turn"]) == (
        "awaiting_approval",
        event,
        2,
    )
    assert record["id"] != paused
    assert served_by(result) == ("agent", "alpha")


async def test_another_request_deletes_nothing_and_is_routed() -> None:
    shredder = FakeShredder()
    graph, beta = house(shredder)
    await say(graph, "alpha")
    result = await say(graph, "what about beta?")
    assert (served_by(result), shredder.deleted) == (("agent", "beta"), 0)
    assert beta.seen[0]["request"] == "what about beta?"
    # The approval has lapsed: a later yes finds nothing to approve.
    await say(graph, "yes")
    assert shredder.deleted == 0


async def test_who_declined_before_the_approval_may_serve_the_request_after_it() -> None:
    shredder = FakeShredder()
    answers = iter([declined("not mine"), done("Mine now.")])
    beta = fake_agent("beta", lambda state, runtime: next(answers))
    graph = fake_graph(shredder.agent, beta, saver=InMemorySaver())
    asked = await say(graph, "beta beta alpha")
    assert asked["__interrupt__"]
    assert answer(await say(graph, "what about beta?")) == "Mine now."


async def test_a_caller_without_the_grant_does_not_resume() -> None:
    shredder = FakeShredder(grants=frozenset({"shred"}))
    graph, _ = house(shredder)
    await say(graph, "alpha", context=Context(grants=["shred"]))
    await say(graph, "yes")
    assert shredder.deleted == 0


async def test_an_approval_outlives_the_process(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        await say(house(FakeShredder(), saver)[0], "alpha")
    later = FakeShredder()
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph, _ = house(later, saver)
        assert (await graph.aget_state(on("t"))).values["phase"] == "awaiting_approval"
        assert answer(await say(graph, "yes")) == "Deleted."
    assert later.deleted == 1


async def test_the_stream_has_one_complete_record_of_the_turn_that_waits() -> None:
    graph, _ = house(FakeShredder())
    parts = [
        part
        async for part in graph.astream(
            {"messages": [("user", "alpha")]}, on("t"), stream_mode="custom"
        )
    ]
    assert [part["type"] for part in parts] == ["route", "turn", "phase"]
    record = parts[1]["record"]
    assert_plain(record, at="record")
    assert (record["phase_to"], record["served_by"]) == (
        "awaiting_approval",
        {"kind": "agent", "id": "alpha"},
    )
    assert [run["event"] for run in record["runs"]] == ["needs_approval"]
    assert record["timings_ms"]["total"] > 0
    assert parts[2]["asked"] == [QUESTION]


@pytest.mark.parametrize("resume", ["yes", True])
async def test_a_resume_that_nothing_waits_for_is_refused(resume: Any) -> None:
    graph, beta = house(FakeShredder())
    for thread in ("new", "used"):
        if thread == "used":
            await say(graph, "beta", thread=thread)
        with pytest.raises(InputError, match="nothing waits for an answer"):
            await graph.ainvoke(Command(resume=resume), on(thread))
    assert beta.runs == 1


async def test_an_approval_asked_as_an_outcome_is_answered_to_its_agent() -> None:
    def work(state: Any, runtime: Any) -> Any:
        if state["event"] == "affirm":
            return done("Deleted.")
        return {"outcome": {"event": "needs_approval", "text": "Delete it?"}, "memory": {"n": 1}}

    graph = fake_graph(fake_agent("alpha", work), saver=InMemorySaver())
    assert (await say(graph, "alpha"))["phase"] == "awaiting_approval"
    assert answer(await say(graph, "yes")) == "Deleted."


async def test_a_yes_that_is_cut_off_leaves_the_approval_pending_and_a_no_counts() -> None:
    deleted: list[str] = []
    working = asyncio.Event()

    async def work(state: Any, runtime: Any) -> Any:
        if not approved(interrupt(QUESTION)):
            return done("Kept.")
        working.set()
        await asyncio.sleep(600)
        deleted.append("all")
        return done("Deleted.")

    graph = fake_graph(fake_agent("alpha", work), saver=InMemorySaver())
    await say(graph, "alpha")
    turn = asyncio.create_task(say(graph, "yes"))
    await working.wait()
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    assert (await graph.aget_state(on("t"))).values["phase"] == "awaiting_approval"
    assert answer(await say(graph, "no")) == "Kept."
    assert deleted == []
    assert answer(await say(graph, "bye")).startswith("You're welcome")


@pytest.mark.parametrize(
    ("reply", "done_then", "said"),
    [
        ("yes", ["One?"], "Two?"),
        (None, ["One?"], "Two?"),
        ("no", [], "cannot say"),
        ("What is 2+2?", [], "cannot say"),
    ],
)
async def test_an_answer_after_one_that_was_taken_and_cut_off_is_none_to_what_comes_next(
    reply: str | None, done_then: list[str], said: str, tmp_path: Path
) -> None:
    """A process that ends, or a client that leaves, between the nodes of an agent: its first answer is saved."""
    allowed: list[str] = []
    working, at_once = asyncio.Event(), False

    def first(state: Any) -> Any:
        return {"memory": {"yes": approved(interrupt({"kind": "approval", "question": "One?"}))}}

    async def second(state: Any) -> Any:
        if not at_once:
            working.set()
            await asyncio.sleep(600)
        allowed.extend(["One?"] * state["memory"]["yes"])
        allowed.extend(
            ["Two?"] * (approved(interrupt({"kind": "approval", "question": "Two?"})) or False)
        )
        return done("Done.")

    builder = StateGraph(AgentState, context_schema=AgentContext)
    builder.add_node("first", first).add_node("second", second)
    inner = builder.add_edge(START, "first").add_edge("first", "second").compile()
    alpha = FakeAgent(AgentCard(id="alpha", description="alpha"), inner)
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(alpha, saver=saver)
        await say(graph, "alpha")
        turn = asyncio.create_task(say(graph, "yes"))
        await working.wait()
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        at_once = True
        result = await (say(graph, reply) if reply else graph.ainvoke(None, on("t")))
        asked = result.get("__interrupt__")
        assert said in (asked[0].value["question"] if asked else answer(result))
        assert allowed == done_then
        if asked:
            allowed.clear()
            assert answer(await say(graph, "no")) == "Done."
            assert allowed == ["One?"]


async def test_an_agent_may_ask_for_several_approvals_one_after_the_other(tmp_path: Path) -> None:
    def work(state: Any, runtime: Any) -> Any:
        answers = [str(interrupt({"kind": "approval", "step": n})) for n in range(3)]
        return done(", ".join(answers))

    for text in ("alpha", "yes", "no", "sure"):
        async with open_sqlite(tmp_path / "threads.sqlite") as saver:
            graph = fake_graph(fake_agent("alpha", work), saver=saver)
            result = await say(graph, text)
    assert answer(result) == "yes, no, sure"
    assert (result["phase"], result["record"]["event"]) == ("engaged", "affirm")


async def test_an_agent_that_came_later_is_resumed_and_one_that_went_is_not() -> None:
    shredder = FakeShredder()
    services = fake_services(fake_agent("beta"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    services.registry.register(shredder.agent.card, shredder.agent.graph)
    await say(graph, "alpha")
    assert (await graph.aget_state(on("t"))).values["active_agent"] == "alpha"
    assert answer(await say(graph, "yes")) == "Deleted."
    await say(graph, "alpha")
    services.registry.unregister("alpha")
    await say(graph, "yes")
    assert shredder.deleted == 1


async def test_an_approval_of_an_agent_that_is_gone_is_no_longer_asked_for() -> None:
    saver = InMemorySaver()
    await say(house(FakeShredder(), saver)[0], "alpha")
    graph = fake_graph(fake_agent("beta"), saver=saver)
    with pytest.raises(InputError, match="nothing waits"):
        await graph.ainvoke(Command(resume="yes"), on("t"))
    assert answer(await say(graph, "beta")) == "beta did it."


def asking_twice() -> FakeAgent:
    """An agent whose nodes ask side by side."""

    async def ask(state: Any) -> dict[str, Any]:
        interrupt({"question": "one?"})
        return {}

    async def ask_too(state: Any) -> dict[str, Any]:
        interrupt({"question": "two?"})
        return {}

    async def end(state: Any) -> AgentState:
        return done("Both.")

    builder: Any = StateGraph(AgentState, context_schema=AgentContext)
    for name, node in (("ask", ask), ("ask_too", ask_too), ("end", end)):
        builder.add_node(name, node)
    builder.add_edge(START, "ask")
    builder.add_edge(START, "ask_too")
    builder.add_edge(["ask", "ask_too"], "end")
    builder.add_edge("end", END)
    return FakeAgent(AgentCard(id="alpha", description="alpha"), builder.compile())


async def test_one_answer_goes_to_all_that_an_agent_asks_at_once() -> None:
    graph = fake_graph(asking_twice(), saver=InMemorySaver())
    await say(graph, "alpha")
    with pytest.raises(InputError, match="2 questions are open"):
        await graph.ainvoke(Command(resume="yes"), on("t"))
    assert answer(await say(graph, "yes")) == "Both."


async def test_all_that_one_yes_would_answer_is_shown() -> None:
    graph = fake_graph(asking_twice(), saver=InMemorySaver())
    *_, ended = [p async for p in run_turn(graph, "alpha", thread="t", context=Context())]
    assert isinstance(ended, Ended)
    asked, _, *details = ended.answer.splitlines()
    assert (asked, sorted(details)) == ("May all of these be done?", ["- one?", "- two?"])


@pytest.mark.parametrize("reply", ["yes", "no"])
async def test_after_a_yes_that_failed_nobody_answers_who_does_not_know(reply: str) -> None:
    def send(state: Any, runtime: Any) -> Any:
        if approved(interrupt(QUESTION)):
            raise RuntimeError
        return failed("it went wrong without a yes")

    with FakeProvider(ok("Sure, it is done.")) as provider:
        agents = (fake_agent("alpha", send),)
        graph = fake_graph(*agents, models=[model_at(provider.base_url)], saver=InMemorySaver())
        await say(graph, "alpha")
        said = await say(graph, reply)
    assert said["record"]["runs"][0]["event"] == "failed"
    if reply == "yes":
        assert answer(said) == (
            "I cannot say whether what you agreed to was done: alpha failed (it broke (RuntimeError))."
            " Look before you ask for it again."
        )
    assert served_by(said) == (("agent", "alpha") if reply == "yes" else ("model", "m"))


async def test_each_of_several_questions_can_be_answered_by_its_id() -> None:
    graph = fake_graph(asking_twice(), saver=InMemorySaver())
    await say(graph, "alpha")
    ids = [pending.id for pending in (await graph.aget_state(on("t"))).interrupts]
    resumed = await graph.ainvoke(Command(resume=dict.fromkeys(ids, "yes")), on("t"))
    assert answer(resumed) == "Both."


async def test_what_was_paid_before_an_approval_was_asked_for_is_counted() -> None:
    async def spend(state: Any, runtime: Any) -> Any:
        await runtime.context.model.ainvoke("plan")
        return hand_over("alpha", reason="it deletes")

    with FakeProvider(ok()) as provider:
        first, shredder = fake_agent("beta", spend), FakeShredder()
        models = [model_at(provider.base_url)]
        graph = fake_graph(first, shredder.agent, saver=InMemorySaver(), models=models)
        await say(graph, "beta")
        assert answer(await say(graph, "yes")) == "Deleted."
    assert (await graph.aget_state(on("t"))).values["spent_usd"] == pytest.approx(2.5e-5)


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_turn_that_waits_says_so_of_itself_on_a_fork_too(version: Any) -> None:
    graph = fake_graph(FakeShredder().agent, fake_agent("beta"), saver=InMemorySaver())
    await say(graph, "beta")
    place = (await graph.aget_state(on("t"))).config
    await say(graph, "beta more")
    turn = {"messages": [{"role": "user", "content": "alpha"}]}
    waits = await graph.ainvoke(turn, place, version=version)
    values = waits.value if version == "v2" else waits
    assert values["phase"] == "awaiting_approval"
    assert values["record"]["turn"] == 2
    assert values["active_agent"] == "alpha"


async def test_an_approval_within_another_graph_may_take_longer_than_a_turn() -> None:
    inner = fake_graph(FakeShredder().agent, limits=Limits(turn=1.0))
    builder: Any = StateGraph(MessagesState)
    builder.add_node("moma", inner)
    builder.add_edge(START, "moma")
    builder.add_edge("moma", END)
    outer = builder.compile(checkpointer=InMemorySaver())
    await outer.ainvoke({"messages": [HumanMessage("alpha")]}, on("o"))
    await asyncio.sleep(1.1)
    resumed = await outer.ainvoke(Command(resume="yes"), on("o"))
    assert resumed["messages"][-1].text == "Deleted."


async def test_a_call_before_an_approval_is_told_once_and_paid_once(tmp_path: Path) -> None:
    async def work(state: Any, runtime: Any) -> Any:
        await runtime.context.model.ainvoke("plan")
        verdict = approved(interrupt(QUESTION))
        await runtime.context.model.ainvoke("do it")
        return done("Deleted." if verdict else "Kept.")

    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        with FakeProvider(ok()) as provider:
            models = [model_at(provider.base_url)]
            graph = fake_graph(fake_agent("alpha", work), saver=saver, models=models)
            told = []
            for text in ("alpha", "yes"):
                turn = {"messages": [HumanMessage(text)]}
                async for part in graph.astream(turn, on("t"), stream_mode="custom"):
                    if part.get("type") == "turn":
                        told.append(part["record"]["cost_usd"])
            assert len(provider.requests) == 2
        values = (await graph.aget_state(on("t"))).values
    assert told == pytest.approx([2.5e-5, 2.5e-5])
    assert values["spent_usd"] == pytest.approx(5e-5)
