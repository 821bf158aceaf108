"""A policy in the living graph: it masks, at the router and at the door, closes when it breaks, and is taken anew."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt

from agents.contract import done, hand_over, needs_input
from agents.errors import PolicyError
from graphs import Context, build_graph
from graphs.dry_run import dry_run
from tests.support.agents import (
    FakeAgent,
    FakeServices,
    answer,
    fake_agent,
    fake_services,
    model_at,
    say,
    served_by,
)
from tests.support.provider import FakeProvider, ok

REST = "ROUTE rest { PRIORITY 1 }\n"
SECRET = 'SIGNAL keyword secret { keywords: ["secret"] }\n'


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Return a function that writes the policy file and returns its path."""
    path = tmp_path / "policy.dsl"

    def written(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return written


def graph_with(path: Path, *agents: FakeAgent, models: Any = (), **options: Any) -> Any:
    services = fake_services(*agents, models=models, policy=path, **options)
    return build_graph(services=services, checkpointer=InMemorySaver()), services


def rule_of(result: Any) -> Any:
    return result["record"]["policy"]["rule"]


async def test_a_rule_says_which_models_may_answer_and_the_record_says_which_rule(
    write: Any,
) -> None:
    path = write(SECRET + 'ROUTE here { PRIORITY 2 WHEN keyword("secret") MODEL "local" }\n' + REST)
    with FakeProvider(ok("near"), ok("far")) as provider:
        models = [
            model_at(provider.base_url, "cloud", quality={"writing": 0.9}),
            model_at(provider.base_url, "local", quality={"writing": 0.2}),
        ]
        graph, services = graph_with(path, models=models)
        kept = await say(graph, "my secret poem", thread="a")
        free = await say(graph, "write a poem", thread="b")
    assert served_by(kept)[1] == "local"
    assert served_by(free)[1] == "cloud"
    assert (rule_of(kept), rule_of(free)) == ("here", "rest")
    said = kept["record"]["policy"]
    assert (
        said["hash"]
        == services.permits.policy.engine().hash
        == kept["record"]["versions"]["policy"]
    )
    (row,) = said["audit"]
    assert (row["signal"], row["fires"]) == ("keyword:secret", True)
    masked = {row["candidate"]: row for row in kept["record"]["models"]["masked"]}
    assert masked["cloud"]["code"] == "policy"
    assert masked["cloud"]["reason"] == "the policy's rule here lets only local serve"


async def test_a_rule_says_which_agents_may_take_the_turn(write: Any) -> None:
    path = write(SECRET + 'ROUTE here { PRIORITY 2 WHEN keyword("secret") AGENT "beta" }\n' + REST)
    graph, _ = graph_with(path, fake_agent("alpha"), fake_agent("beta"))
    assert served_by(await say(graph, "alpha", thread="a"))[1] == "alpha"
    refused = (await say(graph, "alpha secret", thread="b"))["record"]
    assert {(r["candidate"], r["code"]) for r in refused["agents"]["masked"]} == {
        ("alpha", "policy")
    }


async def test_the_holder_of_the_floor_is_stopped_at_its_door(write: Any) -> None:
    path = write(SECRET + 'ROUTE shut { PRIORITY 2 WHEN keyword("secret") AGENT NONE }\n' + REST)
    alpha = fake_agent("alpha", lambda s, r: needs_input("Which?", memory={}))
    graph, _ = graph_with(path, alpha)
    (await say(graph, "alpha", thread="t"))
    ended = await say(graph, "the secret one", thread="t")
    assert alpha.runs == 1
    assert ended["record"]["runs"][0]["reason"].startswith("refused: the policy's rule shut")


async def test_an_agents_wording_does_not_get_past_the_policy(write: Any) -> None:
    path = write(SECRET + 'ROUTE shut { PRIORITY 2 WHEN keyword("secret") AGENT "alpha" }\n' + REST)
    alpha = fake_agent("alpha", lambda s, r: hand_over("beta", reason="it is better"))
    beta = fake_agent("beta")
    graph, _ = graph_with(path, alpha, beta)
    (await say(graph, "alpha secret", thread="t"))
    assert (alpha.runs, beta.runs) == (1, 0)


GRANTS = (
    """
SIGNAL authz analyst { role: "analyst" }
GRANT data.read { WHEN authz("analyst") }
AGENT alpha { grants: ["data.read"] }
"""
    + REST
)


@pytest.mark.parametrize(
    ("grants", "served"),
    [(("role:analyst",), "alpha"), ((), None), (("data.read",), None)],
    ids=["role", "nobody", "a grant that the policy does not give"],
)
async def test_a_grant_of_the_policy_is_held_while_its_condition_holds(
    write: Any, grants: tuple[str, ...], served: str | None
) -> None:
    graph, _ = graph_with(write(GRANTS), fake_agent("alpha"))
    ended = await say(graph, "alpha", thread="t", context=Context(user="ann", grants=grants))
    assert (ended["record"]["served_by"]["id"] if served else None) == served
    if served is None:
        assert ended["record"]["agents"]["masked"][0]["code"] == "policy"
        assert "data.read" in ended["record"]["policy"]["shut"]["alpha"]


async def test_a_fixed_answer_needs_no_model_and_no_agent(write: Any) -> None:
    fixed = """ROUTE no { PRIORITY 2 WHEN keyword("secret")
    PLUGIN fast_response { message: "Not that." } }
    """
    alpha = fake_agent("alpha")
    graph, _ = graph_with(write(SECRET + fixed + REST), alpha)
    ended = await say(graph, "alpha secret", thread="t")
    assert answer(ended) == "Not that."
    assert ended["record"]["served_by"] == {"kind": "router", "id": "policy"}
    assert alpha.runs == 0


async def test_instructions_and_tools_of_a_call_are_the_rules(write: Any) -> None:
    route = """ROUTE rest { PLUGIN system_prompt { system_prompt: "Be brief." }
    PLUGIN tools { mode: "filtered" allow_tools: ["look"] } }"""
    tools = [
        {"type": "function", "function": {"name": n, "parameters": {}}} for n in ("look", "send")
    ]
    call = {"instructions": "Be kind.", "tools": tools, "tool_choice": "auto"}
    with FakeProvider(ok("Hi.")) as provider:
        models = [model_at(provider.base_url, "m", abilities=frozenset({"tools"}))]
        graph, _ = graph_with(write(route), models=models)
        (await say(graph, "hello", thread="t", context=Context(call=call)))
    sent = provider.requests[0].body
    assert sent["messages"][0]["content"] == "Be brief.\n\nBe kind."
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["look"]


async def test_instructions_and_tools_of_a_call_count_as_prompt(write: Any) -> None:
    text = """SIGNAL context long { min_tokens: 2000 }
    ROUTE long { PRIORITY 2 WHEN context("long") }
    """
    graph, _ = graph_with(write(text + REST), fake_agent("alpha"))
    tool = {"name": "look", "description": "word " * 4000, "parameters": {}}
    calls: dict[str, Any] = {
        "nothing": {},
        "instructions": {"instructions": "word " * 4000},
        "tools": {"tools": [{"type": "function", "function": tool}]},
    }
    rules = {
        name: rule_of(await say(graph, "alpha", thread=name, context=Context(call=call)))
        for name, call in calls.items()
    }
    assert rules == {"nothing": "rest", "instructions": "long", "tools": "long"}


@pytest.mark.parametrize("routed", [True, False])
async def test_models_are_tried_in_the_rules_order_where_it_says_so(
    write: Any, monkeypatch: pytest.MonkeyPatch, routed: bool
) -> None:
    if not routed:
        monkeypatch.setattr(FakeServices, "_encoder", broken)
    path = write('ROUTE rest { MODEL "dear", "cheap" ALGORITHM static }')
    with FakeProvider(ok("Hi.")) as provider:
        models = [
            model_at(provider.base_url, "cheap", quality={"writing": 0.9}),
            model_at(provider.base_url, "dear", quality={"writing": 0.1}),
        ]
        graph, _ = graph_with(path, models=models)
        ended = await say(graph, "hello", thread="t")
    assert ended["record"]["models"]["order"] == ["dear", "cheap"]
    assert (ended["record"]["degraded"] is None) is routed


def broken(*_: Any) -> Any:
    raise RuntimeError("broken")


async def test_a_signal_that_breaks_closes_what_it_would_have_decided(write: Any) -> None:
    path = write("""SIGNAL classifier odd { threshold: 0.5 }
    ROUTE here { PRIORITY 2 WHEN classifier("odd") MODEL "local" }
    ROUTE rest { PRIORITY 1 MODEL "cloud", "local" }""")
    with FakeProvider(ok("near")) as provider:
        models = [
            model_at(provider.base_url, "cloud", quality={"writing": 0.9}),
            model_at(provider.base_url, "local", quality={"writing": 0.2}),
        ]
        graph, _ = graph_with(path, models=models, classifiers={"classifier": broken})
        ended = await say(graph, "hello", thread="t")
    assert served_by(ended)[1] == "local"
    assert ended["record"]["policy"]["doubtful"] == ["here"]
    assert "classifier:odd" in ended["record"]["policy"]["faults"][0]
    assert "hello" not in str(ended["record"])


async def test_a_policy_that_breaks_lets_nothing_serve(
    write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = fake_agent("alpha")
    with FakeProvider() as provider:
        graph, services = graph_with(write(REST), alpha, models=[model_at(provider.base_url, "m")])
        monkeypatch.setattr(services.permits.policy.engine(), "judge", lambda request: 1 / 0)
        ended = await say(graph, "alpha", thread="t")
    assert alpha.runs == 0
    assert provider.requests == []
    assert ended["record"]["policy"]["fault"] == "ZeroDivisionError"
    assert ended["record"]["served_by"] == {"kind": "router", "id": "refuse"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ROUTE r {", "has no closing }"),
        (REST + 'ROUTE r { PRIORITY 2 WHEN keyword("nobody") }', "nobody"),
        ('ROUTE r { MODEL "gpt-9" }', "gpt-9"),
        ('ROUTE r { AGENT "nobody" }', "nobody"),
        (SECRET + 'ROUTE r { WHEN keyword("secret") }', "not_exhaustive"),
        ('SIGNAL kb k { kb: "x" } ROUTE a { PRIORITY 2 WHEN kb("k") }' + REST, "classifier"),
        (REST + 'TEST t { "hello" -> nobody }', "nobody"),
        (
            SECRET
            + 'ROUTE s { PRIORITY 2 WHEN keyword("secret") }'
            + REST
            + 'TEST t { "hi" -> s }',
            "test_failed",
        ),
    ],
    ids=["syntax", "signal", "model", "agent", "exhaustive", "classifier", "test_name", "test"],
)
def test_a_policy_that_fails_its_checks_never_becomes_active(
    write: Any, text: str, told: str
) -> None:
    with FakeProvider() as provider, pytest.raises(PolicyError, match=told):
        graph_with(write(text), fake_agent("alpha"), models=[model_at(provider.base_url, "m")])


async def test_a_changed_policy_is_taken_and_a_broken_one_is_not(write: Any) -> None:
    path = write(REST)
    graph, services = graph_with(path, fake_agent("alpha"))
    live = services.permits.policy
    assert rule_of(await say(graph, "alpha", thread="a")) == "rest"
    path.write_text("ROUTE other {}")
    assert live.reload()
    assert rule_of(await say(graph, "alpha", thread="b")) == "other"
    path.write_text("ROUTE broken {")
    assert not live.reload()
    assert "has no closing }" in live.fault
    assert rule_of(await say(graph, "alpha", thread="c")) == "other"
    path.unlink()
    assert not live.reload()
    assert rule_of(await say(graph, "alpha", thread="d")) == "other"


async def test_a_change_is_noticed_by_itself(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphs.policy.live.LOOK_EVERY_S", 0.01)
    path = write(REST)
    graph, _services = graph_with(path, fake_agent("alpha"))
    path.write_text("ROUTE other {}")
    os.utime(path, ns=(1, 1))
    until = time.monotonic() + 60
    while rule_of(await say(graph, "alpha", thread=str(time.monotonic_ns()))) != "other":
        assert time.monotonic() < until, "the changed policy was not taken"
        await asyncio.sleep(0.01)


async def test_a_turn_that_is_under_way_ends_under_its_policy(write: Any) -> None:
    path = write(REST)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(state: Any, runtime: Any) -> Any:
        began.set()
        await go_on.wait()
        return done("Done.")

    graph, services = graph_with(path, fake_agent("alpha", work))
    turn = asyncio.create_task(say(graph, "alpha"))
    await began.wait()
    path.write_text("ROUTE shut { AGENT NONE }")
    assert await asyncio.to_thread(services.permits.policy.reload)
    go_on.set()
    ended = await turn
    assert (rule_of(ended), served_by(ended)[1]) == ("rest", "alpha")


async def test_a_dry_run_is_judged_too(write: Any) -> None:
    path = write(SECRET + 'ROUTE here { PRIORITY 2 WHEN keyword("secret") AGENT NONE }\n' + REST)
    _, services = graph_with(path, fake_agent("alpha"))
    record = await dry_run("alpha secret", services)
    assert record["policy"]["rule"] == "here"
    assert record["agents"]["masked"][0]["code"] == "policy"


async def test_what_an_agent_writes_into_the_state_changes_no_judgement(write: Any) -> None:
    path = write(SECRET + 'ROUTE shut { PRIORITY 2 WHEN keyword("secret") AGENT "alpha" }\n' + REST)

    def forge(state: Any, runtime: Any) -> Any:
        given = hand_over("beta", reason="forged")
        return {
            **given,
            "decision": {"policy": {"rule": "rest", "agents": None}},
            "request": "beta",
        }

    beta = fake_agent("beta")
    graph, _ = graph_with(path, fake_agent("alpha", forge), beta)
    (await say(graph, "alpha secret", thread="t"))
    assert beta.runs == 0


HERE = SECRET + 'ROUTE here { PRIORITY 2 WHEN keyword("secret") MODEL "local" }\n' + REST


def two(provider: FakeProvider) -> list[Any]:
    return [
        model_at(provider.base_url, "cloud", quality={"writing": 0.9}),
        model_at(provider.base_url, "local", quality={"writing": 0.2}),
    ]


async def test_what_goes_on_with_an_agent_is_judged_by_what_was_asked_of_it(write: Any) -> None:
    orders: list[list[str]] = []

    def work(state: Any, runtime: Any) -> Any:
        orders.append(list(runtime.context.model.order))
        return needs_input("When?", memory={}) if len(orders) < 2 else done("Noted.")

    with FakeProvider() as provider:
        graph, _ = graph_with(write(HERE), fake_agent("alpha", work), models=two(provider))
        await say(graph, "alpha my secret")
        await say(graph, "monday")
    assert orders == [["local"], ["local"]]


async def test_messages_of_a_dialogue_with_an_agent_are_counted(write: Any) -> None:
    text = """SIGNAL conversation long {
      feature: { type: "count", source: { type: "user_message" } }  predicate: { gte: 3 }
    }
    ROUTE long { PRIORITY 2 WHEN conversation("long") }
    """
    alpha = fake_agent("alpha", lambda state, runtime: needs_input("Which?", memory={}))
    graph, _ = graph_with(write(text + REST), alpha)
    rules = [rule_of(await say(graph, said)) for said in ("alpha", "this one", "that one")]
    assert rules == ["rest", "rest", "long"]


async def test_an_approval_is_judged_by_what_it_approves(write: Any) -> None:
    orders: list[list[str]] = []

    def work(state: Any, runtime: Any) -> Any:
        orders.append(list(runtime.context.model.order))
        interrupt({"kind": "approval", "question": "May I?"})
        return done("Done.")

    with FakeProvider() as provider:
        graph, _ = graph_with(write(HERE), fake_agent("alpha", work), models=two(provider))
        await say(graph, "alpha my secret")
        await say(graph, "yes")
    assert orders == [["local"], ["local"]]


async def test_results_of_tools_and_earlier_images_are_judged(write: Any) -> None:
    text = (
        HERE
        + 'SIGNAL modality image {}\nROUTE seen { PRIORITY 3 WHEN modality("image") MODEL "local" }'
    )
    with FakeProvider(ok("A."), ok("B."), ok("C.")) as provider:
        models = [
            model_at(provider.base_url, i, modalities=frozenset({"text", "image"}))
            for i in ("cloud", "local")
        ]
        graph, _ = graph_with(write(text), models=models)
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        await say(graph, [{"type": "text", "text": "what is this?"}, picture])
        again = await say(graph, "and now?")
    assert (rule_of(again), served_by(again)[1]) == ("seen", "local")


@pytest.mark.parametrize("history", [True, False])
async def test_what_was_said_before_counts_where_the_signal_says_so(
    write: Any, history: bool
) -> None:
    signal = (
        f'SIGNAL keyword secret {{ keywords: ["secret"] include_history: {str(history).lower()} }}'
    )
    text = signal + 'ROUTE here { PRIORITY 2 WHEN keyword("secret") MODEL "local" }\n' + REST
    with FakeProvider(ok("Well."), ok("Again.")) as provider:
        graph, _ = graph_with(write(text), models=two(provider))
        await say(graph, "write my secret poem")
        ended = await say(graph, "write it again")
        told = Context(call={"instructions": "The secret is 42."})
        first = await say(graph, "write a poem", thread="other", context=told)
    assert served_by(ended)[1] == ("local" if history else "cloud")
    assert served_by(first)[1] == ("local" if history else "cloud")


async def test_a_fixed_answer_in_doubt_lets_nobody_answer(write: Any) -> None:
    text = """SIGNAL classifier bad { threshold: 0.5 }
    ROUTE no { PRIORITY 2 WHEN classifier("bad") PLUGIN fast_response { message: "No." } }
    ROUTE rest { PRIORITY 1 }"""
    alpha = fake_agent("alpha")
    with FakeProvider() as provider:
        graph, _ = graph_with(
            write(text), alpha, models=two(provider), classifiers={"classifier": broken}
        )
        ended = await say(graph, "alpha")
    assert ended["record"]["served_by"] == {"kind": "router", "id": "refuse"}
    assert (alpha.runs, provider.requests) == (0, [])


async def test_tools_of_a_rule_in_doubt_are_withheld(write: Any) -> None:
    text = """SIGNAL classifier bad { threshold: 0.5 }
    ROUTE no { PRIORITY 2 WHEN classifier("bad") PLUGIN tools { mode: "none" } }
    ROUTE rest { PRIORITY 1 }"""
    call = {"tools": [{"type": "function", "function": {"name": "send", "parameters": {}}}]}
    with FakeProvider(ok("Hi.")) as provider:
        models = [model_at(provider.base_url, "m", abilities=frozenset({"tools"}))]
        graph, _ = graph_with(write(text), models=models, classifiers={"classifier": broken})
        await say(graph, "hello", context=Context(call=call))
    assert "tools" not in provider.requests[0].body


async def test_a_turn_taken_up_by_another_caller_is_judged_for_that_one(write: Any) -> None:
    alpha = fake_agent("alpha")
    graph, _ = graph_with(write(GRANTS), alpha)
    analyst = Context(user="ann", grants=["role:analyst"])
    await say(graph, "alpha", context=analyst)
    assert alpha.runs == 1
    steps = [s async for s in graph.aget_state_history({"configurable": {"thread_id": "t"}})]
    place = next(s.config for s in steps if s.next == ("alpha",))
    await graph.ainvoke(None, place, context=Context(user="ann"))
    assert alpha.runs == 1


async def test_a_thread_that_began_without_a_policy_goes_on_under_it(write: Any) -> None:
    saver = InMemorySaver()
    with FakeProvider(ok("A poem.")) as provider:
        free = build_graph(services=fake_services(models=two(provider)), checkpointer=saver)
        await say(free, "my secret poem")
        steps = [s async for s in free.aget_state_history({"configurable": {"thread_id": "t"}})]
        place = next(s.config for s in steps if s.next == ("answer",))
        services = fake_services(models=two(provider), policy=write(HERE))
        bound = build_graph(services=services, checkpointer=saver)
        ended = await bound.ainvoke(None, place)
    assert served_by(ended)[1] == "local"
    assert rule_of(ended) == "here"


async def test_a_grant_signal_reads_what_the_policy_grants(write: Any) -> None:
    text = """SIGNAL authz analyst { role: "analyst" }
    SIGNAL grant data.read {}
    GRANT data.read { WHEN authz("analyst") }
    ROUTE open { PRIORITY 2 WHEN grant("data.read") }
    ROUTE shut { PRIORITY 1 AGENT NONE }"""
    graph, _ = graph_with(write(text), fake_agent("alpha"))
    eve, ann = Context(user="eve", grants=["data.read"]), Context(grants=["role:analyst"])
    assert rule_of(await say(graph, "alpha", thread="a", context=eve)) == "shut"
    assert rule_of(await say(graph, "alpha", thread="b", context=ann)) == "open"


def hangs(text: str, signal: Any) -> float:
    time.sleep(3)
    return 0.0


async def test_a_classifier_that_hangs_closes_the_turn_and_holds_up_no_other_for_long(
    write: Any,
) -> None:
    text = 'SIGNAL classifier odd {} ROUTE a { PRIORITY 2 WHEN classifier("odd") }' + REST
    alpha = fake_agent("alpha")
    graph, _services = graph_with(
        write(text), alpha, classifiers={"classifier": hangs}, routing_seconds=0.2
    )
    ended = await asyncio.gather(*(say(graph, "alpha", thread=str(n)) for n in range(4)))
    assert alpha.runs == 0
    assert all("0.2 s" in e["record"]["policy"]["fault"] for e in ended)


async def test_metadata_of_the_request_is_read(write: Any) -> None:
    text = (
        """SIGNAL metadata plan { key: "plan" equals: "free" }
    ROUTE free { PRIORITY 2 WHEN metadata("plan") }"""
        + REST
    )
    graph, _ = graph_with(write(text), fake_agent("alpha"))
    asked = Context(metadata={"plan": "free"})
    assert rule_of(await say(graph, "alpha", thread="a", context=asked)) == "free"
    assert rule_of(await say(graph, "alpha", thread="b")) == "rest"


def test_an_empty_file_never_becomes_active(write: Any) -> None:
    path = write(REST)
    _, services = graph_with(path, fake_agent("alpha"))
    path.write_text("")
    assert not services.permits.policy.reload()
