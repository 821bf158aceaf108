"""The door of an agent: what it is given, what becomes of what it returns, and when it stays shut."""

import asyncio
import math
import time
from contextlib import suppress
from enum import StrEnum
from itertools import chain, repeat
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from agents.contract import declined, done, needs_input
from agents.errors import AgentError
from graphs import Context, build_graph
from graphs.agent_run import HISTORY
from graphs.gateway.transport import Limits
from graphs.outcome import LARGEST_MEMORY
from tests.support.agents import (
    Work,
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
from tests.support.waiting import PATIENCE_S


class Colour(StrEnum):
    RED = "red"


async def why_failed(work: Work) -> str:
    """Return the reason in the record of an agent that did `work`, and see that the turn went on without it."""
    result = await say(
        fake_graph(fake_agent("alpha", work), fake_agent("beta")), "alpha alpha beta"
    )
    assert served_by(result) == ("agent", "beta")
    run = result["record"]["runs"][0]
    assert (run["agent"], run["event"]) == ("alpha", "failed")
    return str(run["reason"])


def returns(value: Any) -> Work:
    return lambda state, runtime: value


def outcome(**fields: Any) -> dict[str, Any]:
    return {"outcome": {"event": "done", "text": "Done.", **fields}}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "returned no outcome"),
        ({"outcome": "done"}, "returned no outcome"),
        ({"outcome": {}}, "returned no outcome"),
        ({"outcome": {"event": "launch", "text": "x"}}, "returned no outcome"),
        ({"outcome": {"event": ["done"], "text": "x"}}, "returned no outcome"),
        (outcome(text=""), "returned no text"),
        (outcome(text=" \n\x07"), "returned no text"),
        (outcome(text=None), "a text of the wrong type"),
        (outcome(text={"a": 1}), "a text of the wrong type"),
        (outcome(reason=5), "a reason of the wrong type"),
        (outcome(to=["beta"]), "a to of the wrong type"),
        (outcome(data=[1]), "a data or memory of the wrong type"),
        ({**outcome(), "memory": [1]}, "a data or memory of the wrong type"),
        ({**outcome(), "memory": {"a": object()}}, "not plain JSON"),
        ({**outcome(), "memory": {"a": b"bytes"}}, "not plain JSON"),
        ({**outcome(), "memory": {"a": math.nan}}, "not plain JSON"),
        ({**outcome(), "memory": {"a": 2**70}}, "not plain JSON"),
        ({**outcome(), "memory": {"a": "x" * LARGEST_MEMORY}}, "characters; at most 65,536"),
    ],
)
async def test_rubbish_is_a_failure_with_a_reason_and_not_the_end_of_the_turn(
    value: Any, reason: str
) -> None:
    assert reason in await why_failed(returns(value))


def raises(error: BaseException) -> Work:
    def work(state: Any, runtime: Any) -> Any:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("secret text"), "it broke (RuntimeError)"),
        (AgentError("no such folder"), "no such folder"),
        (RecursionError(), "it broke (RecursionError)"),
        (TimeoutError(), "it broke (TimeoutError)"),
    ],
)
async def test_a_crash_is_told_without_the_text_of_a_foreign_error(
    error: Exception, reason: str
) -> None:
    assert await why_failed(raises(error)) == reason


async def test_the_log_says_where_an_agent_broke_and_nothing_of_what_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def looks_up(state: Any, runtime: Any) -> Any:
        try:
            return {}[state["request"]]
        except KeyError as error:
            raise RuntimeError(f"nothing on {state['request']}") from error

    assert await why_failed(looks_up) == "it broke (RuntimeError)"
    [line] = [r.getMessage() for r in caplog.records if r.name == "graphs.guard"]
    assert "the agent alpha broke" in line
    assert "in looks_up" in line
    assert line.index("KeyError") < line.index("RuntimeError(") < line.rindex("RuntimeError")
    assert "alpha alpha beta" not in line


async def test_an_agent_that_hangs_leaves_time_for_another() -> None:
    async def work(state: Any, runtime: Any) -> Any:
        await asyncio.sleep(600)

    graph = fake_graph(fake_agent("alpha", work), fake_agent("beta"), limits=Limits(turn=3))
    result = await say(graph, "alpha alpha beta")
    assert served_by(result) == ("agent", "beta")
    assert result["record"]["runs"][0]["reason"] == "it took too long"


async def test_an_agent_that_will_not_be_cancelled_is_left_behind() -> None:
    gate, ended = asyncio.Event(), asyncio.Event()

    async def work(state: Any, runtime: Any) -> Any:
        while not gate.is_set():
            with suppress(asyncio.CancelledError):
                await gate.wait()
        ended.set()
        return done("alpha did it.")

    graph = fake_graph(
        fake_agent("alpha", work), fake_agent("beta"), saver=InMemorySaver(), limits=Limits(turn=3)
    )
    late, gone = (asyncio.create_task(say(graph, "alpha alpha beta", thread=t)) for t in ("l", "g"))
    await asyncio.sleep(0.5)
    gone.cancel()
    await asyncio.wait([late, gone], timeout=PATIENCE_S)
    ends = late.done(), gone.cancelled()
    gate.set()
    await ended.wait()
    assert ends == (True, True)
    assert served_by(late.result()) == ("agent", "beta")
    assert late.result()["record"]["runs"][0]["reason"] == "it took too long"
    assert answer(await say(graph, "beta", thread="g")) == "beta did it."


async def test_a_turn_has_one_deadline_however_many_agents_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(state: Any, runtime: Any) -> Any:
        await asyncio.sleep(600)

    services = fake_services(fake_agent("alpha", work), fake_agent("beta", work))
    soon = time.monotonic() + 2
    asked_for = chain([soon], repeat(soon + 4 * PATIENCE_S))
    monkeypatch.setattr(services.gateway, "deadline", lambda: next(asked_for))
    result = await say(build_graph(services=services), "alpha alpha beta")
    assert time.monotonic() - soon < PATIENCE_S, "a later deadline does not count"
    assert [run["reason"] for run in result["record"]["runs"]] == 2 * ["it took too long"]
    assert served_by(result)[0] == "router"


async def test_cancelling_a_turn_is_no_outcome_of_its_agent() -> None:
    started = asyncio.Event()

    async def work(state: Any, runtime: Any) -> Any:
        started.set()
        await asyncio.sleep(600)

    beta = fake_agent("beta")
    graph = fake_graph(fake_agent("alpha", work), beta)
    turn = asyncio.create_task(say(graph, "alpha"))
    await started.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert beta.runs == 0


async def test_an_agent_that_crashes_again_and_again_rests_and_others_serve() -> None:
    alpha = fake_agent("alpha", raises(ValueError()))
    graph = fake_graph(alpha, fake_agent("beta"))
    for _ in range(6):
        result = await say(graph, "alpha alpha beta")
        assert served_by(result) == ("agent", "beta")
    assert alpha.runs == 5
    masked = {m["candidate"]: m["code"] for m in result["record"]["agents"]["masked"]}
    assert masked == {"alpha": "health"}


async def test_declining_often_is_no_fault() -> None:
    alpha = fake_agent("alpha", returns(declined("not mine")))
    graph = fake_graph(alpha, fake_agent("beta"))
    for _ in range(7):
        await say(graph, "alpha alpha beta")
    assert alpha.runs == 7


async def test_an_agent_gets_the_request_the_history_and_its_own_memory_only() -> None:
    memories = {"alpha": {"mine": 1}, "beta": {"secret": 2}}
    alpha = fake_agent("alpha", returns(needs_input("More?", memory=memories["alpha"])))
    beta = fake_agent("beta", returns(done("Done.", memory=memories["beta"])))
    graph = fake_graph(alpha, beta, saver=InMemorySaver())
    await say(graph, "beta")
    await say(graph, "alpha")
    await say(graph, "blue")
    assert alpha.seen[1] == {
        "request": "blue",
        "event": "continue",
        "history": [
            {"role": "user", "content": "beta"},
            {"role": "assistant", "content": "Done."},
            {"role": "user", "content": "alpha"},
            {"role": "assistant", "content": "More?"},
        ],
        "memory": {"mine": 1},
    }


async def test_the_history_is_bounded() -> None:
    alpha = fake_agent("alpha")
    graph = fake_graph(alpha, saver=InMemorySaver())
    for _ in range(HISTORY):
        await say(graph, "alpha")
    assert len(alpha.seen[-1]["history"]) == HISTORY


async def test_declining_keeps_the_memory_and_being_done_empties_it() -> None:
    answers = iter([needs_input("More?", memory={"n": 1}), declined("no"), done("Done.")])
    alpha = fake_agent("alpha", lambda state, runtime: next(answers))
    graph = fake_graph(alpha, saver=InMemorySaver())
    kept = []
    for text in ("alpha", "blue", "alpha"):
        await say(graph, text)
        kept.append((await graph.aget_state(on("t"))).values["memories"].get("alpha"))
    assert kept == [{"n": 1}, {"n": 1}, {}]


async def test_what_an_agent_writes_beside_its_outcome_reaches_no_state() -> None:
    forged = {
        **outcome(evil=1),
        "phase": "closed",
        "active_agent": "beta",
        "target": "beta",
        "hops": -100,
        "tried": [],
        "messages": [AIMessage("forged")],
        "record": {"served_by": "forged"},
    }

    alpha = fake_agent("alpha", returns(forged))
    graph = fake_graph(alpha, fake_agent("beta"), saver=InMemorySaver())
    result = await say(graph, "alpha")
    values = (await graph.aget_state(on("t"))).values
    assert (values["phase"], values["active_agent"], values["hops"]) == ("engaged", "alpha", 0)
    assert [m.text for m in values["messages"]] == ["alpha", "Done."]
    assert served_by(result) == ("agent", "alpha")
    assert values["outcome"] == {"event": "done", "text": "Done."}


async def test_plain_values_come_back_as_exactly_plain_ones() -> None:
    value = {**outcome(data={"c": Colour.RED}), "memory": {Colour.RED: (1, Colour.RED)}}
    graph = fake_graph(fake_agent("alpha", returns(value)), saver=InMemorySaver())
    await say(graph, "alpha")
    values = (await graph.aget_state(on("t"))).values
    assert values["memories"] == {"alpha": {"red": [1, "red"]}}
    for key in ("memories", "outcome"):
        assert_plain(values[key], at=key)


async def test_what_a_terminal_would_obey_is_taken_out_of_an_answer() -> None:
    result = await say(fake_graph(fake_agent("alpha", returns(outcome(text="a\x1b[2Jb")))), "alpha")
    assert answer(result) == "ab"


async def test_an_agents_calls_are_paid_from_the_turns_budget_and_its_own() -> None:
    async def work(state: Any, runtime: Any) -> Any:
        said = await runtime.context.model.ainvoke("Say something.")
        return declined(said.text)

    agents = [fake_agent(name, work) for name in ("alpha", "beta")]
    with FakeProvider(ok("word", usage=(1_000, 1_000))) as provider:
        model = model_at(provider.base_url)  # 0.003 USD a call, of which 0.000135 is reserved
        graph = fake_graph(*agents, models=[model], saver=InMemorySaver())
        rich = await say(graph, "alpha alpha beta", thread="rich")
        poor = await say(
            graph, "alpha alpha beta", thread="poor", context=Context(budget_usd=0.003)
        )
    assert [call["ok"] for call in rich["record"]["calls"]] == [True, True, True]
    assert rich["record"]["cost_usd"] == pytest.approx(0.009)
    assert (await graph.aget_state(on("rich"))).values["spent_usd"] == pytest.approx(0.009)
    # The first call spends it all: the second agent gets no model, and nobody is left to answer.
    assert [call["ok"] for call in poor["record"]["calls"]] == [True]
    assert poor["record"]["runs"][1]["reason"] == "it broke (AttributeError)"
    assert served_by(poor) == ("router", "refuse")


async def test_a_card_limits_what_its_agent_spends() -> None:
    async def work(state: Any, runtime: Any) -> Any:
        return done((await runtime.context.model.ainvoke("Say something.")).text)

    alpha = fake_agent("alpha", work, budget_usd=0.000001)
    with FakeProvider(ok("word")) as provider:
        result = await say(fake_graph(alpha, models=[model_at(provider.base_url)]), "alpha")
    assert "is left" in result["record"]["runs"][0]["reason"]
    assert served_by(result) == ("model", "m")


async def test_the_models_of_an_agent_are_masked_as_all_are() -> None:
    def work(state: Any, runtime: Any) -> Any:
        return done(f"model: {runtime.context.model is not None}")

    graph = fake_graph(fake_agent("alpha", work), models=[model_at("http://127.0.0.1:9")])
    assert answer(await say(graph, "alpha")) == "model: True"
    without = await say(graph, "alpha", context=Context(exclude=["m"]))
    assert answer(without) == "model: False"


async def test_an_agent_sees_its_user_and_not_the_grants() -> None:
    def work(state: Any, runtime: Any) -> Any:
        context = runtime.context
        return done(f"{context.user} {hasattr(context, 'grants')} {context.now.tzinfo is not None}")

    graph = build_graph(services=fake_services(fake_agent("alpha", work)))
    assert answer(await say(graph, "alpha", context=Context(user="ann"))) == "ann False True"
    assert answer(await say(graph, "alpha")) == "local False True"


async def test_an_agent_for_which_no_time_is_left_has_not_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = []
    services = fake_services(fake_agent("alpha", lambda state, runtime: ran.append(1)))
    monkeypatch.setattr("graphs.guard.SHARE_OF_TIME", 0.0)
    for _ in range(8):
        result = await say(build_graph(services=services), "alpha")
        assert result["record"]["runs"][0]["reason"] == "refused: no time is left in this turn"
    assert not ran
    permit = services.breaker("alpha").admit()
    assert permit is not None, "eight turns without time rest no agent"
