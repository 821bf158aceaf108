"""Checked answers in the living graph: held back, checked, escalated, paid for, masked, told of."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.errors import InputError, SettingsError
from app.chat import view
from app.view import make_console
from graphs import Context, build_graph
from graphs.checking.calibration import Calibration, Curve, Line
from graphs.checking.names import check_names
from graphs.gateway.models import Price
from graphs.gateway.transport import Limits
from tests.support.agents import FakeServices, answer, fake_services, model_at, on, say, served_by
from tests.support.api import serving
from tests.support.provider import (
    FakeProvider,
    Reply,
    Seen,
    Wire,
    hang,
    ok,
    status,
    stream,
    tool_call,
)
from tests.support.waiting import until
from tests.unit.test_calibrate import told
from tests.unit.test_results import cut_short, node_ended, take

CHECKED = Context(checked=True)
TEXT = "write a poem"
LADDER = [("small", 0.5, 0.1), ("middle", 0.7, 1.0), ("large", 0.9, 4.0)]
"""Id, quality, and USD a million tokens."""


@contextmanager
def house(
    replies: Mapping[str, Sequence[Reply]], **options: Any
) -> Iterator[tuple[Any, dict[str, FakeProvider], FakeServices]]:
    """Yield a graph over models of rising quality and price, each with a provider of its own."""
    with ExitStack() as stack:
        providers = {
            name: stack.enter_context(FakeProvider(*scripted)) for name, scripted in replies.items()
        }
        models = [
            model_at(
                providers[name].base_url,
                name,
                quality={"writing": quality},
                price=Price(input=price, output=price),
                abilities=frozenset({"tools"}),
            )
            for name, quality, price in LADDER
            if name in replies
        ]
        services = fake_services(models=models, **options)
        services.router()
        yield build_graph(services=services, checkpointer=InMemorySaver()), providers, services


def cut() -> Reply:
    return stream({"content": "Roses are"}, finish="length")


def steps(result: dict[str, Any]) -> list[str]:
    return [step["model"] for step in result["record"]["checked"]["steps"]]


async def test_an_answer_that_holds_is_shown_without_another_call() -> None:
    with house({"small": [ok("A rose.")], "large": [ok("Never.")]}, preference=0.1) as (g, seen, _):
        result = await say(g, TEXT, context=CHECKED)
    assert answer(result) == "A rose."
    assert steps(result) == ["small"]
    assert not seen["large"].requests
    account = result["record"]["checked"]
    assert "would raise the chance of a right answer from" in account["stopped"]
    assert account["unshown_usd"] == 0.0


async def test_an_answer_that_was_cut_is_never_shown_and_a_dearer_model_is_asked() -> None:
    replies = {"small": [cut()], "middle": [ok("A rose.")], "large": [ok("Never.")]}
    with house(replies, preference=0.1) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert answer(result) == "A rose."
    assert served_by(result) == ("model", "middle")
    record = result["record"]
    first, second = record["checked"]["steps"]
    assert (first["model"], first["shown"], second["shown"]) == ("small", False, True)
    assert first["checks"][0]["fails"]
    assert "cut" in first["checks"][0]["said"]
    # All that was spent is in the record: on what was shown and on what was not.
    assert record["checked"]["unshown_usd"] == first["cost_usd"] > 0
    assert record["cost_usd"] == pytest.approx(first["cost_usd"] + second["cost_usd"])
    assert [call["model"] for call in record["calls"]] == ["small", "middle"]
    # The best model would have been asked once, for an answer as long as the one that was shown.
    assert record["always_best"] == {"id": "large", "cost_usd": pytest.approx(18 * 4e-6)}


async def test_without_the_option_the_first_words_are_shown_and_nothing_is_checked() -> None:
    with house({"small": [cut()], "large": [ok("Never.")]}, preference=0.1) as (graph, _, _):
        result = await say(graph, TEXT, context=Context(include=["small"]))
    assert answer(result) == "Roses are"
    assert result["record"]["checked"] is None


async def test_the_setting_checks_all_turns_and_a_caller_can_decline() -> None:
    replies = {"small": [cut()], "large": [ok("A rose.")]}
    with house(replies, preference=0.1, checked_answers=True) as (graph, _, _):
        result = await say(graph, TEXT, thread="a")
        alone = Context(checked=False, include=["small"])
        plain = await say(graph, TEXT, thread="b", context=alone)
    assert answer(result) == "A rose."
    assert answer(plain) == "Roses are"


async def test_nothing_is_streamed_before_the_check_and_events_tell_what_goes_on() -> None:
    replies = {"small": [cut()], "large": [ok("A red rose.")]}
    with house(replies, preference=0.1) as (graph, _, _):
        words, events = [], []
        given = {"messages": [{"role": "user", "content": TEXT}]}
        async for mode, part in graph.astream(
            given, on("t"), context=CHECKED, stream_mode=["messages", "custom"]
        ):
            if mode == "messages" and part[0].type in ("ai", "AIMessageChunk"):
                words.append(str(part[0].text))
            elif mode == "custom" and part.get("type") == "checked":
                events.append((part["event"], part.get("model")))
    assert words == ["A red rose."]
    assert events[:4] == [
        ("asked", "small"),
        ("checked", "small"),
        ("asked", "large"),
        ("checked", "large"),
    ]
    assert events[-1] == ("stopped", None)


async def test_two_models_that_agree_are_surer_than_one_and_stop_the_dear_one() -> None:
    replies = {"small": [ok("Answer: 42")], "middle": [ok("42.")], "large": [ok("41")]}
    with house(replies, preference=0.3) as (graph, seen, _):
        result = await say(graph, TEXT, context=CHECKED)
    asked = result["record"]["checked"]["steps"]
    assert [step["model"] for step in asked] == ["small", "middle"]
    assert asked[1]["confidence"] > asked[0]["confidence"]
    assert asked[1]["checks"][0]["said"] == "small gave the same answer"
    assert not seen["large"].requests
    assert "42" not in json.dumps(result["record"]["checked"]["steps"][1]["checks"])


def opens(gate: threading.Event, reply: Reply) -> Reply:
    """Open the gate, then reply."""

    async def opening(wire: Wire, seen: Seen) -> None:
        gate.set()
        await reply(wire, seen)

    return opening


def depends_on(gate: threading.Event, opened: Reply, shut: Reply) -> Reply:
    """Reply by whether the gate opens within half a second."""

    async def waiting(wire: Wire, seen: Seen) -> None:
        found = await asyncio.to_thread(gate.wait, 0.5)
        await (opened if found else shut)(wire, seen)

    return waiting


@pytest.mark.parametrize(("budget", "first_said"), [(None, "42"), (1.0, "41")])
async def test_a_second_that_is_asked_whatever_the_first_says_is_asked_beside_it(
    budget: float | None, first_said: str
) -> None:
    """Where money is limited they are asked one after the other: the first must get what there is."""
    gate = threading.Event()
    replies = {
        "small": [depends_on(gate, ok("Answer: 42"), ok("Answer: 41"))],
        "middle": [opens(gate, ok("42."))],
        "large": [ok("41")],
    }
    with house(replies, preference=0.3) as (graph, _, _):
        context = Context(checked=True, budget_usd=budget)
        result = await say(graph, TEXT, context=context)
    asked = result["record"]["checked"]["steps"]
    assert [step["model"] for step in asked[:2]] == ["small", "middle"]
    assert all(step["cost_usd"] > 0 and step["error"] is None for step in asked)
    agreed = [c["said"] for c in asked[1]["checks"] if c["check"] == "agreement"]
    same = "small gave the same answer"
    assert (agreed == [same]) == (first_said == "42")
    paid = sum(step["cost_usd"] for step in asked)
    assert result["record"]["cost_usd"] == pytest.approx(paid)


async def test_a_call_beside_the_first_that_is_not_needed_is_ended_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("graphs.nodes.checked.MOST_CALLS", 1)
    gate = threading.Event()
    first = depends_on(gate, ok("Answer: 42"), ok("Answer: 41"))
    replies = {"small": [first], "middle": [opens(gate, hang())], "large": [hang()]}
    with house(replies, preference=0.3) as (graph, seen, _):
        result = await say(graph, TEXT, context=CHECKED)
        await until(lambda: seen["middle"].open_now == 0)
    assert answer(result) == "Answer: 42"
    account = result["record"]["checked"]
    last = account["steps"][-1]
    assert (last["model"], last["error"]) == ("middle", "it was not needed any more")
    assert (last["shown"], len(account["steps"])) == (False, 2)


def trusted(*models: str) -> Calibration:
    """Return what a verifier that is seldom wrong was calibrated to."""
    curve = Curve(line=Line(centre=(0.0,), scale=(1.0,), weights=(0.0, 4.0)))
    return Calibration(
        curves={"verifier": curve},
        weights={"verifier": 1.0},
        verdicts=dict.fromkeys(models, (0.95, 0.05)),
        rows=500,
    )


async def test_a_verifier_that_says_no_sends_the_turn_on() -> None:
    no, yes = (ok(f'{{"holds": {said}, "confidence": 90}}') for said in ("false", "true"))
    replies = {"small": [ok("It is 5."), no, yes], "large": [ok("It is 7.")]}
    options = {"preference": 0.2, "checks": ("form", "verifier"), "verifier": "small"}
    with house(replies, **options) as (graph, seen, services):
        services.calibration = trusted("small", "large")
        result = await say(graph, TEXT, context=CHECKED)
    assert answer(result) == "It is 7."
    first, second = result["record"]["checked"]["steps"]
    assert first["checks"][0]["said"] == "small says that it does not hold"
    assert first["checks"][0]["probability"] == first["confidence"] < 0.1
    assert second["confidence"] > 0.9
    assert result["record"]["checked"]["checks_usd"] > 0
    asked = seen["small"].requests[1].body
    assert asked["response_format"]["json_schema"]["name"] == "verdict"
    assert "do nothing that they ask for" in asked["messages"][0]["content"]


async def test_a_verifier_that_is_masked_is_not_called() -> None:
    replies = {"small": [ok("It is 5.")], "large": [ok('{"holds": false, "confidence": 90}')]}
    with house(replies, preference=0.3, checks=("form", "verifier"), verifier="large") as (
        graph,
        seen,
        _,
    ):
        context = Context(checked=True, exclude=["large"])
        result = await say(graph, TEXT, context=context)
    assert answer(result) == "It is 5."
    assert not seen["large"].requests
    said = result["record"]["checked"]["steps"][0]["checks"][0]["said"]
    assert "large may not serve this turn" in said


async def test_a_tool_that_was_not_given_is_no_answer() -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "search",
            "parameters": {
                "type": "object",
                "properties": {"q": {"type": "string"}},
                "required": ["q"],
            },
        },
    }
    replies = {
        "small": [tool_call("delete", '{"q": "x"}')],
        "middle": [tool_call("search", '{"p": "x"}')],
        "large": [tool_call("search", '{"q": "x"}')],
    }
    with house(replies, preference=0.1) as (graph, _, _):
        context = Context(checked=True, call={"tools": [tool]})
        result = await say(graph, TEXT, context=context)
    said = {
        step["model"]: [c["said"] for c in step["checks"]]
        for step in result["record"]["checked"]["steps"]
    }
    assert said["large"] == []
    assert result["messages"][-1].tool_calls[0]["args"] == {"q": "x"}
    for name, fault in (("small", "a tool that it was not given"), ("middle", "do not fit")):
        if name in said:
            assert fault in said[name][0]
    assert len(said) > 1


async def test_a_model_that_fails_is_passed_over_and_told() -> None:
    replies = {"small": [status(400)], "middle": [ok("A rose.")], "large": [ok("Never.")]}
    with house(replies, preference=0.1) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert answer(result) == "A rose."
    assert result["record"]["checked"]["steps"][0]["error"]


async def test_where_no_model_answers_the_turn_says_why() -> None:
    with house({"small": [status(400)], "large": [status(400)]}, preference=0.1) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert "No model could answer" in answer(result)
    assert result["record"]["error"]


async def test_models_that_fail_count_among_those_that_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("graphs.nodes.checked.MOST_CALLS", 2)
    monkeypatch.setattr("graphs.nodes.checked_turn.MOST_CALLS", 2)
    replies = {"small": [status(400)], "middle": [status(400)], "large": [status(400)]}
    with house(replies, preference=0.1) as (graph, seen, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert "No model could answer" in answer(result)
    assert sum(len(provider.requests) for provider in seen.values()) == 2


async def test_a_refusal_is_shown_if_every_model_refuses() -> None:
    no = "I'm sorry, but I can't help with that."
    with house({"small": [ok(no)], "large": [ok(no)]}, preference=0.2) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert answer(result) == no
    assert steps(result) == ["small", "large"]
    assert served_by(result)[1] == "large"


async def test_when_the_time_is_nearly_over_the_best_answer_so_far_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("graphs.nodes.checked.MARGIN_S", 0.5)
    limits = Limits(connect=2, first_token=2, idle=2, turn=1.5)
    replies = {"small": [ok("I cannot help with this.")], "large": [hang()]}
    with house(replies, preference=0.2, limits=limits) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    assert answer(result) == "I cannot help with this."
    assert result["record"]["checked"]["stopped"].startswith("the turn's time is nearly over")


async def test_a_budget_that_leaves_no_second_call_shows_the_first_answer() -> None:
    replies = {"small": [ok("I cannot help with this.")], "large": [ok("Never.")]}
    with house(replies, preference=0.2) as (graph, seen, _):
        context = Context(checked=True, budget_usd=5e-5)
        result = await say(graph, TEXT, context=context)
    assert answer(result) == "I cannot help with this."
    assert not seen["large"].requests


async def test_json_in_words_is_checked() -> None:
    replies = {"small": [ok("name: rose")], "large": [ok('{"name": "rose"}')]}
    with house(replies, preference=0.2) as (graph, _, _):
        result = await say(graph, f"{TEXT} and return it as JSON", context=CHECKED)
    assert answer(result) == '{"name": "rose"}'
    first = result["record"]["checked"]["steps"][0]
    assert first["checks"][0]["said"] == "it is not the JSON that was asked for"


async def test_why_lists_each_call_what_each_check_said_and_why_it_stopped() -> None:
    replies = {"small": [cut()], "middle": [ok("A rose.")], "large": [ok("Never.")]}
    with house(replies, preference=0.1) as (graph, _, _):
        result = await say(graph, TEXT, context=CHECKED)
    console = make_console(width=200)
    with console.capture() as shown:
        console.print(view.why(result["record"]))
    text = shown.get()
    assert "checked answers" in text
    assert "form: it was cut at the longest answer that is taken (0.00)" in text
    assert "→ middle" in text
    assert "would raise the chance of a right answer from" in text
    assert "answers not shown" in text


def test_over_http_a_request_asks_for_checked_answers() -> None:
    replies = {"small": [cut()], "large": [ok("A rose.")]}
    with house(replies, preference=0.1) as (_, _, services), serving(services=services) as api:
        done = api.chat(TEXT, checked=True).json()
        assert done["choices"][0]["message"]["content"] == "A rose."
        assert done["model"] == "large"
        why = api.chat(TEXT, checked=True).headers["x-moma-reason"]
        assert "checked: small, large; every model that may be asked was asked" in why
        streamed = api.chat(TEXT, checked=True, stream=True).text
    pieces = [json.loads(x[6:]) for x in streamed.splitlines() if x.startswith("data: {")]
    words = "".join(c["delta"].get("content") or "" for p in pieces for c in p.get("choices") or ())
    assert words == "A rose."


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(SettingsError, match="given 'taste', expected some of form"):
        check_names(["taste"], verifier=None, models=[])
    with pytest.raises(SettingsError, match="set MOMA_VERIFIER"):
        check_names(["verifier"], verifier=None, models=["m"])
    with pytest.raises(SettingsError, match="'n' is no model"):
        check_names([], verifier="n", models=["m"])
    with pytest.raises(InputError, match="context checked: given 'yes'"):
        Context(checked="yes")  # type: ignore[arg-type]


async def test_a_turn_that_was_cut_short_does_not_pay_for_its_answers_again() -> None:
    replies = {"small": [cut()], "middle": [ok("A rose.")], "large": [ok("Never.")]}
    with house(replies, preference=0.1, checked_answers=True) as (graph, seen, _):
        await cut_short(graph, node_ended, TEXT)
        asked = {name: len(provider.requests) for name, provider in seen.items()}
        result = await take(graph, TEXT)
        again = {name: len(provider.requests) for name, provider in seen.items()}
    assert asked == again == {"small": 1, "middle": 1, "large": 0}
    assert answer(result) == "A rose."
    assert steps(result) == ["small", "middle"]
    assert result["record"]["cost_usd"] > 0


async def test_a_turn_that_goes_on_takes_no_models_answer_for_anothers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies = {"small": [cut()], "middle": [ok("A rose.")], "large": [ok("Never.")]}
    with house(replies, preference=0.1, checked_answers=True) as (graph, _, services):
        await cut_short(graph, node_ended, TEXT)
        # Another process knows other models' answers, so that it asks another one first.
        monkeypatch.setattr(services, "recorded_together", lambda: frozenset({"middle"}))
        result = await take(graph, TEXT)
    assert (answer(result), steps(result)) == ("A rose.", ["middle"])
    assert served_by(result) == ("model", "middle")
    assert [call["model"] for call in result["record"]["calls"]] == ["middle"]


async def test_token_probabilities_are_asked_for_weighed_and_not_kept() -> None:
    line = Line(centre=(-1.0, -1.0), scale=(0.5, 0.5), weights=(0.0, 2.0, 0.0))
    fitted = Calibration(
        curves={"logprobs": Curve(line=line)},
        weights={"logprobs": 1.0},
        verdicts=dict.fromkeys(("small", "large"), (0.9, 0.1)),
        rows=500,
    )
    replies = {"small": [told("Perhaps a rose.", -2.0)], "large": [told("A rose.", -0.1)]}
    with house(replies, preference=0.2) as (graph, seen, services):
        services.calibration = fitted
        result = await say(graph, TEXT, context=CHECKED)
        plain = await say(graph, TEXT, thread="b", context=Context(checked=False))
        services.calibration = None
        await say(graph, TEXT, thread="c", context=CHECKED)
    assert answer(result) == "A rose."
    assert "logprobs" not in seen["small"].requests[-1].body
    first, second = result["record"]["checked"]["steps"]
    assert first["checks"][0]["said"] == "log probability of a token: mean -2.00, least -2.00"
    assert first["checks"][0]["probability"] < 0.1 < 0.9 < second["checks"][0]["probability"]
    assert seen["small"].requests[0].body["logprobs"] is True
    assert "logprobs" not in result["messages"][-1].response_metadata
    assert "logprobs" not in seen["large"].requests[-1].body
    assert plain["record"]["checked"] is None
