"""Whole turns on the real graph: who serves them, who takes over, who holds the floor afterwards."""

import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AnyMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, interrupt

from agents.contract import declined, done, failed, needs_input
from agents.errors import CatalogError
from agents.registry import Agent
from graphs import Context, build_graph
from graphs.routing.router import Router
from tests.support.agents import (
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    model_at,
    on,
    say,
    served_by,
)
from tests.support.provider import FakeProvider, ok
from tests.support.waiting import PATIENCE_S


async def test_the_agent_that_fits_serves_the_turn_and_holds_the_floor() -> None:
    alpha, beta = fake_agent("alpha"), fake_agent("beta")
    result = await say(fake_graph(alpha, beta), "alpha please")
    assert (answer(result), served_by(result)) == ("alpha did it.", ("agent", "alpha"))
    assert (result["phase"], result["active_agent"]) == ("engaged", "alpha")
    assert (alpha.runs, beta.runs) == (1, 0)


@pytest.mark.parametrize("give_back", [declined, failed])
async def test_who_declines_or_fails_is_followed_by_the_next_agent(give_back: Any) -> None:
    alpha = fake_agent("alpha", lambda state, runtime: give_back("not mine"))
    beta = fake_agent("beta")
    result = await say(fake_graph(alpha, beta), "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")
    assert [(r["agent"], r["event"]) for r in result["record"]["runs"]] == [
        ("alpha", give_back("").get("outcome", {})["event"]),
        ("beta", "done"),
    ]


async def test_an_agent_that_declines_does_not_decide_who_follows_it() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: declined("not mine"), hand_over_to=())
    result = await say(fake_graph(alpha, fake_agent("beta")), "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")


async def test_a_model_answers_what_no_agent_takes() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: declined("not mine"))
    with FakeProvider(ok("A model's answer.")) as provider:
        graph = fake_graph(alpha, models=[model_at(provider.base_url)])
        result = await say(graph, "alpha please")
    assert (answer(result), served_by(result)) == ("A model's answer.", ("model", "m"))
    assert (result["phase"], result["active_agent"]) == ("idle", None)


async def test_nothing_allowed_is_refused_with_every_reason() -> None:
    alpha = fake_agent("alpha", grants=frozenset({"pay"}))
    beta = fake_agent("beta", enabled=False)
    keyed = model_at("http://127.0.0.1:9", "keyed", key="NOBODY_HAS_THIS_KEY")
    result = await say(fake_graph(alpha, beta, models=[keyed]), "alpha beta")
    assert served_by(result) == ("router", "refuse")
    for reason in ("lacks the grant pay", "switched off", "NOBODY_HAS_THIS_KEY is not set"):
        assert reason in answer(result)


async def test_grants_come_from_the_context_alone() -> None:
    alpha = fake_agent("alpha", grants=frozenset({"pay"}))
    graph = fake_graph(alpha)
    assert served_by(await say(graph, "alpha")) == ("router", "refuse")
    assert served_by(await say(graph, "alpha", context=Context(grants=["other"])))[0] == "router"
    granted = await say(graph, "alpha", context=Context(grants=["pay"]))
    assert served_by(granted) == ("agent", "alpha")


async def test_the_operators_default_grants_are_everybodys() -> None:
    alpha = fake_agent("alpha", grants=frozenset({"pay"}))
    graph = fake_graph(alpha, default_grants=frozenset({"pay"}))
    assert served_by(await say(graph, "alpha")) == ("agent", "alpha")


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (Context(include=["beta"]), ("agent", "beta")),
        (Context(exclude=["alpha"]), ("agent", "beta")),
        (Context(include=["alpha", "beta"], exclude=["beta"]), ("agent", "alpha")),
        (Context(include=["nobody"]), ("router", "refuse")),
    ],
)
async def test_a_caller_includes_and_excludes(context: Context, expected: tuple[str, str]) -> None:
    graph = fake_graph(fake_agent("alpha"), fake_agent("beta"))
    assert served_by(await say(graph, "alpha alpha beta", context=context)) == expected


async def test_a_budget_of_nothing_shuts_out_paid_models_and_agents_that_spend() -> None:
    spender, saver = fake_agent("alpha", budget_usd=0.1), fake_agent("beta")
    graph = fake_graph(spender, saver, models=[model_at("http://127.0.0.1:9")])
    poor = Context(budget_usd=0.0)
    result = await say(graph, "alpha alpha beta", context=poor)
    assert served_by(result) == ("agent", "beta")
    result = await say(graph, "something else", context=poor)
    assert served_by(result) == ("router", "refuse")
    assert "a call costs at least" in answer(result)


async def test_an_open_question_is_answered_to_the_agent_that_asked() -> None:
    def work(state: Any, runtime: Any) -> Any:
        if "asked" in state["memory"]:
            return done(f"Booked for {state['request']}.")
        return needs_input("For when?", memory={"asked": True})

    graph = fake_graph(fake_agent("alpha", work), fake_agent("beta"), saver=InMemorySaver())
    asked = await say(graph, "alpha")
    assert (asked["phase"], asked["active_agent"]) == ("awaiting_input", "alpha")
    assert answer(await say(graph, "tomorrow at nine")) == "Booked for tomorrow at nine."


async def test_a_models_answer_in_mid_dialogue_gives_the_floor_back() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(alpha, saver=InMemorySaver(), models=[model_at(provider.base_url)])
        await say(graph, "alpha")
        # An open question keeps its agent for whatever is not clearly another's; only an exclusion frees the turn.
        between = await say(graph, "write a poem?", context=Context(exclude=["alpha"]))
    assert served_by(between) == ("model", "m")
    assert (between["phase"], between["active_agent"]) == ("awaiting_input", "alpha")


def waiting(state: Any, runtime: Any) -> Any:
    """Ask when; decline what is no day."""
    if "asked" not in state["memory"]:
        return needs_input("For when?", memory={"asked": True})
    if "tomorrow" in state["request"]:
        return done(f"Booked for {state['request']}.")
    return declined("that is no day")


async def test_an_agent_that_declines_a_request_in_the_middle_still_waits_for_its_answer() -> None:
    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(
            fake_agent("alpha", waiting),
            saver=InMemorySaver(),
            models=[model_at(provider.base_url)],
        )
        await say(graph, "alpha")
        between = await say(graph, "write a poem about alpha?")
    assert [run["event"] for run in between["record"]["runs"]] == ["declined"]
    assert served_by(between) == ("model", "m")
    assert (between["phase"], between["active_agent"]) == ("awaiting_input", "alpha")
    assert answer(await say(graph, "tomorrow")) == "Booked for tomorrow."


async def test_an_agent_that_can_do_nothing_with_an_answer_loses_the_floor() -> None:
    with FakeProvider(ok("I see.")) as provider:
        graph = fake_graph(
            fake_agent("alpha", waiting),
            saver=InMemorySaver(),
            models=[model_at(provider.base_url)],
        )
        await say(graph, "alpha")
        after = await say(graph, "some green cheese")
    assert (after["phase"], after["active_agent"]) == ("idle", None)


async def test_another_agent_in_the_middle_gives_the_floor_back_with_the_question() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    graph = fake_graph(alpha, fake_agent("beta"), saver=InMemorySaver())
    await say(graph, "alpha")
    between = await say(graph, "what about beta beta beta?")
    assert served_by(between) == ("agent", "beta")
    assert "For when?" in answer(between)
    assert (between["phase"], between["active_agent"]) == ("awaiting_input", "alpha")
    assert served_by(await say(graph, "tomorrow")) == ("agent", "alpha")


async def test_two_equally_near_agents_are_asked_about_and_the_choice_gets_the_first_request() -> (
    None
):
    alpha, beta = fake_agent("alpha", name="Alpha"), fake_agent("beta", name="Beta")
    graph = fake_graph(alpha, beta, saver=InMemorySaver())
    asked = await say(graph, "alpha beta")
    assert (served_by(asked), asked["phase"]) == (("router", "clarify"), "awaiting_choice")
    chosen = await say(graph, "the second")
    assert served_by(chosen) == ("agent", "beta")
    assert beta.seen[0]["request"] == "alpha beta"
    assert beta.seen[0]["event"] == "choose"


async def test_the_router_never_asks_twice_in_a_row() -> None:
    graph = fake_graph(fake_agent("alpha"), fake_agent("beta"), saver=InMemorySaver())
    assert (await say(graph, "alpha beta"))["phase"] == "awaiting_choice"
    assert served_by(await say(graph, "beta alpha, I said"))[0] == "agent"


async def test_never_mind_ends_the_routers_question() -> None:
    graph = fake_graph(fake_agent("alpha"), fake_agent("beta"), saver=InMemorySaver())
    await say(graph, "alpha beta")
    assert (await say(graph, "never mind"))["phase"] == "closed"


async def test_goodbye_closes_and_the_next_message_opens_again() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha")
    closed = await say(graph, "thanks, bye")
    assert (closed["phase"], closed["active_agent"]) == ("closed", None)
    assert served_by(await say(graph, "alpha again")) == ("agent", "alpha")


async def test_an_agent_registered_later_runs_in_the_common_node() -> None:
    services = fake_services(fake_agent("alpha"))

    graph = build_graph(services=services, checkpointer=InMemorySaver())
    before = (await say(graph, "alpha"))["record"]["versions"]["catalog"]
    late = fake_agent("gamma", grants=frozenset({"pay"}))
    services.registry.register(late.card, late.graph)

    denied = await say(graph, "gamma", thread="late")
    assert denied["record"]["versions"]["catalog"] != before
    assert (served_by(denied)[0], late.runs) == ("router", 0)
    rich = Context(grants=["pay"])
    assert served_by(await say(graph, "gamma", thread="rich", context=rich)) == ("agent", "gamma")

    services.registry.unregister("gamma")
    gone = await say(graph, "gamma", thread="gone", context=rich)
    assert (served_by(gone)[0], late.runs) == ("router", 1)


async def test_what_a_change_of_cards_takes_is_prepared_before_the_next_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = fake_services(fake_agent("alpha"))
    services.router()
    prepared = threading.Event()
    monkeypatch.setattr(Router, "settle", lambda self: prepared.set())
    services.registry.register(fake_agent("gamma").card, None)
    assert prepared.wait(PATIENCE_S)
    services.close()
    services.registry.unregister("gamma")  # with nobody left to prepare anything


async def test_an_agent_registered_anew_runs_its_new_graph() -> None:
    services = fake_services(fake_agent("alpha"))

    graph = build_graph(services=services)
    newer = fake_agent("alpha", lambda state, runtime: done("The newer one."))
    services.registry.register(newer.card, newer.graph)
    assert answer(await say(graph, "alpha")) == "The newer one."


async def test_an_agent_switched_off_in_mid_dialogue_loses_the_floor() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    services = fake_services(alpha, fake_agent("beta"))

    graph = build_graph(services=services, checkpointer=InMemorySaver())
    await say(graph, "alpha")
    services.registry.enable("alpha", False)
    after = await say(graph, "what about beta?")
    assert (served_by(after), after["active_agent"]) == (("agent", "beta"), "beta")
    assert "For when?" not in answer(after)
    assert alpha.runs == 1


@pytest.mark.parametrize("taken", ["route", "agent", "idle", "messages", "phase"])
def test_an_agent_with_the_name_of_a_node_or_a_field_is_refused(taken: str) -> None:
    with pytest.raises(CatalogError, match=f"{taken!r} is the name of a node or a field"):
        fake_graph(fake_agent(taken))


async def test_an_agent_known_only_by_its_card_never_serves() -> None:
    card_only = fake_agent("alpha")
    services = fake_services()
    services.registry.register(card_only.card, None)

    result = await say(build_graph(services=services), "alpha")
    assert served_by(result) == ("router", "refuse")
    assert "no graph that can run here" in answer(result)
    assert isinstance(services.registry.agents["alpha"], Agent)


async def test_every_stream_mode_tells_the_turn() -> None:
    with FakeProvider(ok("one two three")) as provider:
        graph = fake_graph(
            fake_agent("alpha"), saver=InMemorySaver(), models=[model_at(provider.base_url)]
        )
        given = {"messages": [("user", "write a poem")]}
        parts: dict[str, list[Any]] = {}
        async for mode, part in graph.astream(
            given, on("t"), stream_mode=["messages", "updates", "custom", "values"]
        ):
            parts.setdefault(mode, []).append(part)
        events = [e async for e in graph.astream_events(given, on("u"), version="v2")]
    assert "".join(m.text for m, _ in parts["messages"]) == "one two three"
    assert [next(iter(u)) for u in parts["updates"]] == ["observe", "route", "answer", "idle"]
    assert [c["type"] for c in parts["custom"]] == ["route", "turn"]
    assert parts["values"][-1]["phase"] == "idle"
    streamed = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(streamed) == "one two three"


async def test_what_an_agent_streams_is_seen_with_subgraphs() -> None:
    def work(state: Any, runtime: Any) -> Any:
        runtime.stream_writer({"type": "progress", "agent": "alpha", "done": 1})
        return done("Done.")

    graph = fake_graph(fake_agent("alpha", work), saver=InMemorySaver())
    given = {"messages": [("user", "alpha")]}
    inner = [
        part
        async for namespace, mode, part in graph.astream(
            given, on("t"), stream_mode=["custom"], subgraphs=True
        )
        if namespace
    ]
    assert inner == [{"type": "progress", "agent": "alpha", "done": 1}]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_any_durability_keeps_the_turn(durability: Any) -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await graph.ainvoke({"messages": "alpha"}, on("t"), durability=durability)
    state = await graph.aget_state(on("t"))
    assert [m.text for m in state.values["messages"]] == ["alpha", "alpha did it."]


async def test_a_graph_with_a_config_of_its_own_keeps_its_threads() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    bound = graph.with_config(configurable={"thread_id": "bound"})
    await bound.ainvoke({"messages": "alpha"})
    await bound.copy().ainvoke({"messages": "alpha"})
    assert (await graph.aget_state(on("bound"))).values["turn"] == 2


class Outer(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    notes: Annotated[list[str], operator.add]


@pytest.mark.parametrize("keeps", [None, True])
async def test_within_another_graph_a_turn_and_an_approval_work(keeps: bool | None) -> None:

    def work(state: Any, runtime: Any) -> Any:
        return done("Deleted." if interrupt({"kind": "approval"}) == "yes" else "Kept.")

    inner = build_graph(services=fake_services(fake_agent("alpha", work)), checkpointer=keeps)
    builder = StateGraph(Outer)
    builder.add_node("moma", inner)
    builder.add_edge(START, "moma")
    builder.add_edge("moma", END)
    outer = builder.compile(checkpointer=InMemorySaver())
    first: Any = {"messages": [("user", "alpha")], "notes": []}
    asked = await outer.ainvoke(first, on("t"))
    assert asked["__interrupt__"][0].value == {"kind": "approval"}
    resumed = await outer.ainvoke(Command(resume="yes"), on("t"))
    assert resumed["messages"][-1].text == "Deleted."


def test_the_drawing_shows_every_phase_and_the_inside_of_each_agent() -> None:
    drawn = fake_graph(fake_agent("alpha")).get_graph(xray=True).draw_mermaid()
    for node in ("observe", "route", "handing_over", "awaiting_approval", "agent"):
        assert node in drawn
    assert "alpha\\3awork" in drawn or "alpha:work" in drawn
