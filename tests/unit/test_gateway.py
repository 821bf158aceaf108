"""Which model answers, how often each is tried, and what it costs, through real calls to a faulty provider."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.errors import (
    AgentError,
    BrokenAnswerError,
    BudgetError,
    DeadlineError,
    NoModelError,
    ProviderError,
    RefusedError,
)
from graphs.gateway import fallback as module
from graphs.gateway import transport
from graphs.gateway.gateway import Chat, Gateway, Places
from graphs.gateway.ledger import Ledger
from graphs.gateway.local import LocalModel, LocalServers
from graphs.gateway.models import Model, Price, count_message
from graphs.gateway.transport import Limits
from tests.support.provider import (
    FakeProvider,
    Seen,
    Wire,
    cut,
    hang,
    ok,
    stall,
    status,
    stream,
    tool_call,
)
from tests.support.waiting import PATIENCE_S, until

LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
CHEAP, DEAR = Price(input=1, output=2), Price(input=1_000, output=2_000)
TOO_LONG = "This model's maximum context length is 10 tokens"
HI = [{"role": "user", "content": "Hi."}]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)


class FakeClock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def model(name: str, provider: FakeProvider, price: Price | None = CHEAP, **more: Any) -> Model:
    given: dict[str, Any] = {"context_tokens": 8_000, "max_output_tokens": 100, **more}
    return Model(
        id=name, litellm=f"openai/{name}", base_url=provider.base_url, price=price, **given
    )


def gateway_of(**providers: FakeProvider) -> Gateway:
    return Gateway([model(name, p) for name, p in providers.items()], limits=LIMITS)


def chat_with(gateway: Gateway, *, turn: float = PATIENCE_S, **more: Any) -> Chat:
    given: dict[str, Any] = {"messages": HI, "order": list(gateway.models), "ledger": Ledger()}
    return Chat(**{**given, **more}, deadline=time.monotonic() + turn)


async def answer(gateway: Gateway, chat: Chat) -> tuple[str, str]:
    """Return who answered, and what."""
    tokens = [token async for token in gateway.stream(chat)]
    assert len({token.model for token in tokens}) == 1
    return tokens[0].model, "".join(token.piece.text for token in tokens)


async def failure_of(gateway: Gateway, chat: Chat) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await answer(gateway, chat)
    return caught.value


def errors(chat: Chat) -> list[tuple[str, str | None]]:
    return [(call["model"], call["error"]) for call in chat.ledger.calls]


async def test_the_first_of_the_order_answers_and_is_booked() -> None:
    with FakeProvider(ok("Hello.", usage=(1000, 500))) as a, FakeProvider() as b:
        gateway = gateway_of(a=a, b=b)
        chat = chat_with(gateway)
        assert await answer(gateway, chat) == ("a", "Hello.")
    (call,) = chat.ledger.calls
    assert (call["ok"], call["input_tokens"], call["output_tokens"]) == (True, 1000, 500)
    assert call["cost_usd"] == pytest.approx((1000 + 2 * 500) / 1e6)
    assert 0 < call["first_token_ms"] <= call["ms"]
    assert b.requests == []


async def test_a_passing_fault_is_tried_once_more_on_the_same_model() -> None:
    with FakeProvider(status(500), ok("Yes.")) as a, FakeProvider() as b:
        gateway = gateway_of(a=a, b=b)
        assert await answer(gateway, chat_with(gateway)) == ("a", "Yes.")
    assert (len(a.requests), len(b.requests)) == (2, 0)


@pytest.mark.parametrize("reply", [status(503), cut(0), stream({"content": None})])
async def test_a_model_that_fails_twice_gives_way(reply: Any) -> None:
    with FakeProvider(reply) as a, FakeProvider(ok("Yes.")) as b:
        gateway = gateway_of(a=a, b=b)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes.")
    assert (len(a.requests), len(b.requests)) == (2, 1)


@pytest.mark.parametrize("reply", [status(401), status(403), status(404), status(400)])
async def test_a_lasting_fault_gives_way_at_once_to_another_provider(reply: Any) -> None:
    with FakeProvider(reply) as a, FakeProvider(ok("Yes.")) as b:
        gateway = gateway_of(a=a, b=b)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes.")
    assert (len(a.requests), len(b.requests)) == (1, 1)


@pytest.mark.parametrize("reply", [status(401), status(403), status(400), status(422)])
async def test_what_the_same_provider_would_refuse_too_is_not_asked_of_it(reply: Any) -> None:
    with FakeProvider(reply) as one, FakeProvider(ok("Yes.")) as other:
        models = [model("a", one), model("b", one), model("c", other)]
        gateway = Gateway(models, limits=LIMITS)
        chat = chat_with(gateway)
        assert await answer(gateway, chat) == ("c", "Yes.")
    assert len(one.requests) == 1
    assert [error for _, error in errors(chat)][1] == f"passed over: {errors(chat)[0][1]}"


@pytest.mark.parametrize("wrong", [status(400), status(422)])
async def test_the_request_is_to_blame_where_every_model_says_so(wrong: Any) -> None:
    with FakeProvider(wrong) as a, FakeProvider(wrong) as b, FakeProvider(status(401)) as c:
        gateway = gateway_of(a=a, b=b, c=c)
        refused = await failure_of(gateway, chat_with(gateway, order=["a", "b"]))
        assert (type(refused), refused.status) == (RefusedError, 400)
        for order in (["a", "c"], ["c", "a"]):
            error = await failure_of(gateway, chat_with(gateway, order=order))
            assert (str(error), error.status) == ("c refused its key", 502)


async def test_a_full_window_gives_way_to_a_larger_one_only() -> None:
    with FakeProvider(status(400, TOO_LONG)) as full, FakeProvider(ok("Yes.")) as other:
        windows = {"a": 8_000, "b": 4_000, "c": 8_000, "d": 16_000}
        models = [model("a", full)]
        models += [model(name, other, context_tokens=windows[name]) for name in "bcd"]
        gateway = Gateway(models, limits=LIMITS)
        assert await answer(gateway, chat_with(gateway)) == ("d", "Yes.")
        error = await failure_of(gateway, chat_with(gateway, order=["a", "b"]))
    assert str(error) == "a found the text too long for its window"
    assert (len(full.requests), len(other.requests)) == (2, 1)


async def test_a_text_that_no_window_holds_is_not_sent() -> None:
    with FakeProvider() as a, FakeProvider(ok("Yes.")) as b:
        gateway = Gateway([model("a", a), model("b", b, context_tokens=16_000)], limits=LIMITS)
        long = [said("user", "A" * 40_000)]
        assert await answer(gateway, chat_with(gateway, messages=long)) == ("b", "Yes.")
        error = await failure_of(gateway, chat_with(gateway, messages=long, order=["a"]))
    assert str(error) == "10,004 tokens do not fit the window of a, 8,000"
    assert a.requests == []


async def test_a_text_that_its_policy_forbids_is_not_repeated() -> None:
    refused = stream(finish="content_filter")
    with FakeProvider(refused) as a, FakeProvider(ok("Yes.")) as b:
        gateway = Gateway([model("a", a), model("a2", a), model("b", b)], limits=LIMITS)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes.")
    assert len(a.requests) == 1


async def test_repeats_on_the_same_deployment_are_a_tenth_of_all_calls() -> None:
    turns = 100
    with FakeProvider(status(500)) as bad, FakeProvider(ok("Yes.")) as good:
        # Each turn meets a deployment that no turn has met before, so that no breaker opens.
        models = [model(f"bad{n}", bad) for n in range(turns)] + [model("good", good)]
        gateway = Gateway(models, limits=LIMITS)
        for n in range(turns):
            await answer(gateway, chat_with(gateway, order=[f"bad{n}", "good"]))
    repeats = len(bad.requests) - turns
    assert module.REPEATS_IN_RESERVE / 2 <= repeats
    assert repeats <= module.REPEATS_IN_RESERVE + module.REPEATS_PER_CALL * 2 * turns


def test_the_last_repeats_are_for_turns_with_no_other_model() -> None:
    budget = module.RepeatBudget()
    assert [budget.take(others=True) for _ in range(6)] == [True] * 5 + [False]
    assert [budget.take(others=False) for _ in range(6)] == [True] * 5 + [False]
    for _ in range(9):
        budget.note_call()
    assert not budget.take(others=False)
    budget.note_call()
    budget.note_call()
    assert budget.take(others=False)


async def test_a_long_wait_is_not_worth_it_where_another_model_may_answer() -> None:
    limited = status(429, headers={"Retry-After": "60"})
    with FakeProvider(limited) as a, FakeProvider(ok("Yes.")) as b:
        gateway = gateway_of(a=a, b=b)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes.")
        chat = chat_with(gateway)
        assert await answer(gateway, chat) == ("b", "Yes."), "the wait binds other turns too"
    assert len(a.requests) == 1
    assert errors(chat)[0] == ("a", "a asked for a pause")


async def test_a_short_pause_is_waited_for_where_no_other_model_answers() -> None:
    limited = status(429, headers={"Retry-After": "0.5"})
    with FakeProvider(limited, ok("Yes.")) as a, FakeProvider(ok("No."), status(404)) as b:
        gateway = gateway_of(a=a, b=b)
        first = asyncio.create_task(answer(gateway, chat_with(gateway, order=["a"])))
        await until(lambda: gateway.breaker_open("a"))
        assert await answer(gateway, chat_with(gateway)) == ("b", "No."), "b is free at once"
        assert await answer(gateway, chat_with(gateway)) == ("a", "Yes."), "b fails, a is back soon"
        assert await first == ("a", "Yes.")
    assert all(later.at - a.requests[0].at >= 0.5 for later in a.requests[1:])


async def test_an_answer_that_breaks_off_is_replaced_where_nothing_was_shown() -> None:
    with FakeProvider(cut(2)) as a, FakeProvider(ok("Yes.")) as b:
        gateway = gateway_of(a=a, b=b)
        chat = chat_with(gateway, whole=True)
        assert await answer(gateway, chat) == ("b", "Yes.")
    assert len(a.requests) == 2
    assert all(call["cost_usd"] > 0 for call in chat.ledger.calls), "what came is paid for"


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
JSON_WANTED = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
}


@pytest.mark.parametrize("text", ['{"n": ', '{"n": "1"}', "{}", "Sure! Here you are.", "[" * 9_999])
async def test_json_that_is_not_what_was_asked_for_is_a_failure(text: str) -> None:
    with FakeProvider(ok(text)) as a, FakeProvider(ok('{"n": 1}')) as b:
        gateway = gateway_of(a=a, b=b)
        chat = chat_with(gateway, options=JSON_WANTED)
        assert await answer(gateway, chat) == ("b", '{"n": 1}')
    assert len(a.requests) == 2
    assert all(call["cost_usd"] > 0 for call in chat.ledger.calls)


async def test_json_that_ran_out_of_room_is_not_asked_for_again() -> None:
    short = stream({"content": '{"n":'}, finish="length")
    with FakeProvider(short) as a, FakeProvider(ok('{"n": 1}')) as b:
        gateway = gateway_of(a=a, b=b)
        await answer(gateway, chat_with(gateway, options=JSON_WANTED))
    assert len(a.requests) == 1


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "nonsense"}, "no JSON schema"),
        ({"items": {"$id": "http://x/y", "$ref": "#/$defs/n"}, "$defs": {"n": {}}}, "it refers to"),
    ],
)
async def test_a_schema_that_is_none_is_told_before_anything_is_sent(
    schema: dict[str, Any], told: str
) -> None:
    wrong = {"json_schema": {"name": "n", "schema": schema}}
    with FakeProvider() as a:
        gateway = gateway_of(a=a)
        with pytest.raises(AgentError, match=f"cannot be used: {told}"):
            await answer(gateway, chat_with(gateway, options={"response_format": wrong}))
    assert a.requests == []


async def test_a_tool_is_not_called_with_half_an_object() -> None:
    half, sound = tool_call("f", '{"a":'), tool_call("f", '{"a":', " 1}")
    tools = {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}
    with FakeProvider(half) as a, FakeProvider(sound) as b:
        gateway = gateway_of(a=a, b=b)
        tokens = [t async for t in gateway.stream(chat_with(gateway, options=tools))]
    parts = [call["function"]["arguments"] for t in tokens for call in t.piece.tool_calls]
    assert "".join(parts) == '{"a": 1}'
    assert {t.model for t in tokens} == {"b"}


async def test_thoughts_are_paid_for_and_not_shown() -> None:
    thoughts = [{"reasoning_content": "hm " * 50}] * 2
    with FakeProvider(stream(*thoughts, usage=None)) as a:
        gateway = gateway_of(a=a)
        chat = chat_with(gateway)
        error = await failure_of(gateway, chat)
    assert str(error) == "the answer of a was empty"
    assert chat.ledger.calls[0]["output_tokens"] > 50


async def test_a_provider_that_is_full_gives_way_and_a_caller_that_is_full_waits() -> None:
    with FakeProvider(stall(1), ok("Yes.")) as one, FakeProvider(ok("Yes.")) as other:
        gateway = Gateway(
            [model("a", one), model("a2", one), model("b", other)],
            limits=replace(LIMITS, connect=0.05),
            places=Places(provider=1, caller=1),
        )
        async with aclosing(gateway.stream(chat_with(gateway, caller="ann"))) as tokens:
            await anext(tokens)
            chat = chat_with(gateway, caller="bob")
            assert await answer(gateway, chat) == ("b", "Yes.")
            waiting = asyncio.create_task(answer(gateway, chat_with(gateway, caller="ann")))
            error = await failure_of(gateway, chat_with(gateway, caller="ann", turn=0.2))
            assert isinstance(error, DeadlineError)
        assert await waiting == ("a", "Yes."), "it got the place that came free"
    assert errors(chat)[:2] == [(m, f"{m} is busy with other calls") for m in ("a", "a2")]


async def test_a_turn_makes_six_calls_at_most_and_leaves_one_for_each_model() -> None:
    with FakeProvider(status(500)) as broken:
        gateway = gateway_of(a=broken, b=broken, c=broken, d=broken)
        chat = chat_with(gateway)
        error = await failure_of(gateway, chat)
    assert [seen.body["model"] for seen in broken.requests] == ["a", "a", "b", "b", "c", "d"]
    assert str(error) == "d failed on its side"
    assert len(chat.ledger.calls) == 6


async def test_a_model_that_is_named_twice_is_not_tried_again() -> None:
    with FakeProvider(status(500)) as broken:
        gateway = gateway_of(a=broken)
        await failure_of(gateway, chat_with(gateway, order=["a", "a"]))
    assert len(broken.requests) == 2


async def test_what_was_shown_is_never_replaced() -> None:
    with FakeProvider(cut(2)) as a, FakeProvider() as b:
        gateway = gateway_of(a=a, b=b)
        chat = chat_with(gateway)
        assert isinstance(await failure_of(gateway, chat), BrokenAnswerError)
    assert (len(a.requests), len(b.requests)) == (1, 0)
    (call,) = chat.ledger.calls
    assert not call["ok"]
    assert call["cost_usd"] > 0, "what was received is paid for"


async def test_an_empty_order_is_told_at_once() -> None:
    gateway = Gateway([])
    assert isinstance(await failure_of(gateway, chat_with(gateway)), NoModelError)


async def test_all_attempts_share_one_deadline() -> None:
    with FakeProvider(stall(0)) as a:
        models = [model(name, a) for name in "abc"]
        gateway = Gateway(models, limits=replace(LIMITS, first_token=0.4))
        error = await failure_of(gateway, chat_with(gateway, turn=0.6))
    assert isinstance(error, DeadlineError)
    assert len(a.requests) <= 2, "each attempt waits for 0.4 s and the turn for 0.6 s"


async def test_a_deadline_that_is_over_sends_nothing() -> None:
    with FakeProvider() as a:
        gateway = gateway_of(a=a)
        error = await failure_of(gateway, chat_with(gateway, turn=-1))
    assert isinstance(error, DeadlineError)
    assert a.requests == []


async def test_the_deadline_does_not_break_into_the_readers_own_code() -> None:
    with FakeProvider(stall(1)) as a:
        gateway = gateway_of(a=a)
        chat = chat_with(gateway, turn=2)
        async with aclosing(gateway.stream(chat)) as tokens:
            await anext(tokens)
            await until(lambda: time.monotonic() > chat.deadline)
            with pytest.raises(DeadlineError):
                await anext(tokens)
    assert errors(chat) == [("a", "the time for this turn is over")]


async def test_the_wait_that_a_provider_asks_for_is_kept() -> None:
    with FakeProvider(status(429, headers={"Retry-After": "0.4"}), ok("Yes.")) as a:
        gateway = gateway_of(a=a)
        assert await answer(gateway, chat_with(gateway)) == ("a", "Yes.")
        first, second = a.requests
    assert second.at - first.at >= 0.4


async def test_a_wait_beyond_the_deadline_gives_way_at_once() -> None:
    limited = status(429, headers={"Retry-After": str(2 * PATIENCE_S)})
    with FakeProvider(limited) as a, FakeProvider(ok("Yes.")) as b:
        gateway = gateway_of(a=a, b=b)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes.")
    assert len(a.requests) == 1


async def test_five_failures_rest_a_model_and_one_probe_wakes_it() -> None:
    clock = FakeClock()
    with FakeProvider(*[status(500)] * 6, hang(), ok("Back.")) as a, FakeProvider(ok("Yes.")) as b:
        gateway = Gateway([model("a", a), model("b", b)], limits=LIMITS, clock=clock)
        for _ in range(3):
            await answer(gateway, chat_with(gateway))
        assert gateway.breaker_open("a")
        assert len(a.requests) == 5
        chat = chat_with(gateway)
        assert await answer(gateway, chat) == ("b", "Yes.")
        assert errors(chat) == [("a", "a is resting after failures"), ("b", None)]

        clock.now = 10
        await answer(gateway, chat_with(gateway))  # the probe fails
        assert len(a.requests) == 6
        clock.now = 29.9
        assert gateway.breaker_open("a"), "a failed probe doubles the rest"

        clock.now = 30
        probe = asyncio.create_task(answer(gateway, chat_with(gateway, order=["a"])))
        await until(lambda: a.open_now == 1)
        assert await answer(gateway, chat_with(gateway)) == ("b", "Yes."), "one probe at a time"
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert await answer(gateway, chat_with(gateway)) == ("a", "Back.")
        assert not gateway.breaker_open("a")


async def test_a_refusal_for_money_does_not_use_up_the_probe() -> None:
    clock = FakeClock()
    with FakeProvider(*[status(500)] * 5, ok("Back.")) as a:
        gateway = Gateway([model("a", a)], limits=LIMITS, clock=clock)
        for _ in range(3):
            await failure_of(gateway, chat_with(gateway))
        clock.now = 10
        poor = await failure_of(gateway, chat_with(gateway, ledger=Ledger(1e-9)))
        assert isinstance(poor, BudgetError)
        assert await answer(gateway, chat_with(gateway)) == ("a", "Back.")


async def test_lasting_faults_do_not_rest_a_model() -> None:
    with FakeProvider(status(400)) as a:
        gateway = gateway_of(a=a)
        for _ in range(6):
            await failure_of(gateway, chat_with(gateway))
        assert not gateway.breaker_open("a")


async def test_a_model_that_is_too_dear_gives_way_to_one_that_fits_and_this_is_booked() -> None:
    with FakeProvider() as a, FakeProvider(ok("Yes.")) as b:
        gateway = Gateway([model("dear", a, DEAR), model("cheap", b)], limits=LIMITS)
        chat = chat_with(gateway, ledger=Ledger(0.01))
        assert await answer(gateway, chat) == ("cheap", "Yes.")
    refused, served = chat.ledger.calls
    assert a.requests == []
    assert refused["model"] == "dear"
    assert "and 0.010000 is left" in refused["error"]
    assert (refused["cost_usd"], served["ok"]) == (0.0, True)


async def test_models_that_are_passed_over_are_not_counted_as_calls() -> None:
    with FakeProvider(ok("Yes.")) as provider:
        dear = [model(f"dear{n}", provider, DEAR) for n in range(7)]
        gateway = Gateway([*dear, model("cheap", provider)], limits=LIMITS)
        chat = chat_with(gateway, ledger=Ledger(0.01))
        assert await answer(gateway, chat) == ("cheap", "Yes.")


async def test_no_model_that_fits_is_a_budget_error() -> None:
    with FakeProvider() as provider:
        gateway = Gateway(
            [model("dear", provider, DEAR), model("unknown", provider, None)], limits=LIMITS
        )
        error = await failure_of(gateway, chat_with(gateway, ledger=Ledger(0.01)))
    assert isinstance(error, BudgetError)
    assert provider.requests == []


async def test_a_failed_call_is_told_rather_than_the_models_passed_over_after_it() -> None:
    with FakeProvider(status(401)) as provider:
        gateway = Gateway([model("a", provider), model("dear", provider, DEAR)], limits=LIMITS)
        error = await failure_of(gateway, chat_with(gateway, ledger=Ledger(0.01)))
    assert str(error) == "a refused its key"


async def test_a_price_that_is_not_known_is_not_zero() -> None:
    with FakeProvider() as provider:
        gateway = Gateway([model("a", provider, None)], limits=LIMITS)
        chat = chat_with(gateway)
        await answer(gateway, chat)
    assert chat.ledger.calls[0]["cost_usd"] is None


@pytest.mark.parametrize("usage", [None, (0, 0), (-5, -5)])
@pytest.mark.parametrize("reply", ["text", "tool"])
async def test_a_count_that_is_missing_or_senseless_is_estimated(
    usage: tuple[int, int] | None, reply: str
) -> None:
    replies = {"text": ok("One two.", usage=usage), "tool": tool_call("f", "{}", usage=usage)}
    with FakeProvider(replies[reply]) as provider:
        gateway = gateway_of(a=provider)
        chat = chat_with(gateway)
        await answer(gateway, chat)
    (call,) = chat.ledger.calls
    assert call["input_tokens"] > 0
    assert call["output_tokens"] > 0
    assert call["cost_usd"] > 0


@asynccontextmanager
async def _reading(
    gateway: Gateway, chat: Chat
) -> AsyncIterator[tuple[asyncio.Task[None], list[str]]]:
    """Give a task that reads the answer, and what it has read."""
    came: list[str] = []

    async def read() -> None:
        async for token in gateway.stream(chat):
            came.append(token.piece.text)

    task = asyncio.create_task(read())
    try:
        yield task, came
    finally:
        task.cancel()


@pytest.mark.parametrize("words", [0, 3])
async def test_a_cancelled_call_pays_for_the_question_and_for_what_came_and_no_more(
    words: int,
) -> None:
    ledger = Ledger(1.0)
    with FakeProvider(stall(words)) as provider:
        gateway = gateway_of(a=provider)
        async with _reading(gateway, chat_with(gateway, ledger=ledger)) as (task, came):
            await until(lambda: bool(provider.requests) and "".join(came) == "word " * words)
            assert ledger.left_usd is not None
            assert ledger.left_usd < 1, "the most that it can cost is reserved"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await asyncio.to_thread(provider.requests[0].hung_up.wait, PATIENCE_S)
    (call,) = ledger.calls
    assert call["error"] == "cancelled"
    assert call["input_tokens"] > 0
    assert (call["output_tokens"] > 0) is (words > 0)
    assert 0 < call["cost_usd"] < 1
    assert ledger.left_usd == pytest.approx(1 - call["cost_usd"])


async def test_a_reader_that_leaves_settles_at_once() -> None:
    with FakeProvider(stall(3)) as provider:
        gateway = gateway_of(a=provider)
        chat = chat_with(gateway)
        async with aclosing(gateway.stream(chat)) as tokens:
            await anext(tokens)
        assert errors(chat) == [("a", "cancelled")]
        assert await asyncio.to_thread(provider.requests[0].hung_up.wait, PATIENCE_S)


async def test_a_reader_that_leaves_after_the_last_piece_cancels_nothing() -> None:
    with FakeProvider(ok("Yes.")) as provider:
        gateway = gateway_of(a=provider)
        chat = chat_with(gateway)
        async with aclosing(gateway.stream(chat)) as tokens:
            async for token in tokens:
                if token.piece.finish:
                    break
    assert errors(chat) == [("a", None)]


async def test_two_hundred_turns_at_once_never_overspend_a_shared_budget() -> None:
    most = CHEAP.of(count_message(HI[0]), 100)
    ledger = Ledger(50.5 * most)
    with FakeProvider(ok("Yes.", usage=(count_message(HI[0]), 100))) as provider:
        gateway = gateway_of(a=provider)
        chats = [chat_with(gateway, ledger=ledger) for _ in range(200)]
        ended = await asyncio.gather(
            *(answer(gateway, chat) for chat in chats), return_exceptions=True
        )
    assert sum(isinstance(one, tuple) for one in ended) == len(provider.requests) == 50
    assert sum(isinstance(one, BudgetError) for one in ended) == 150
    assert ledger.spent_usd <= 50.5 * most


async def test_a_local_model_without_a_file_gives_way() -> None:
    local = Model(
        id="small",
        litellm="local/small",
        price=CHEAP,
        context_tokens=4096,
    )
    missing = LocalServers.from_models([LocalModel(name="small", path=Path("no-such-file.gguf"))])
    with FakeProvider(ok("Yes.")) as provider:
        gateway = Gateway([local, model("b", provider)], local=missing, limits=LIMITS)
        assert gateway.missing_file(local)
        chat = chat_with(gateway)
        assert await answer(gateway, chat) == ("b", "Yes.")
    assert [call["ok"] for call in chat.ledger.calls] == [False, True]


async def test_a_long_answer_may_not_take_the_room_of_the_question() -> None:
    with FakeProvider() as provider:
        small = model("a", provider, context_tokens=1000, max_output_tokens=4000)
        gateway = Gateway([small], limits=LIMITS)
        messages = [said("user", "A" * 800), said("assistant", "B"), said("user", "C")]
        await answer(gateway, chat_with(gateway, messages=messages))
        await answer(gateway, chat_with(gateway, max_tokens=30))
    first, second = (seen.body for seen in provider.requests)
    assert (first["max_tokens"], first["messages"]) == (500, messages)
    assert second["max_tokens"] == 30


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


async def test_what_another_provider_wrote_is_cleaned_before_it_is_sent() -> None:
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "B"},
    ]
    messages = [said("user", "A"), said("assistant", thoughts), said("user", "C")]
    with FakeProvider() as provider:
        gateway = gateway_of(a=provider)
        await answer(gateway, chat_with(gateway, messages=messages))
    assert provider.requests[0].body["messages"] == [
        said("user", "A"),
        said("assistant", "B"),
        said("user", "C"),
    ]


async def test_a_pause_that_grew_meanwhile_is_not_waited_for() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def refuse(wire: Wire, seen: Seen) -> None:
        gateway.breakers["a"].hold(3_600)
        await status(400)(wire, seen)

    with FakeProvider() as a, FakeProvider(refuse) as b:
        gateway = Gateway([model("a", a), model("b", b)], limits=LIMITS, sleep=sleep)
        gateway.breakers["a"].hold(0.5)
        chat = chat_with(gateway)
        await failure_of(gateway, chat)
    assert slept == []
    assert errors(chat)[-1] == ("a", "a asked for a longer pause")


@pytest.mark.parametrize("wish", [{"max_tokens": -5}, {"options": {"response_format": "json"}}])
async def test_a_wish_that_nobody_can_meet_costs_nothing(wish: dict[str, Any]) -> None:
    with FakeProvider() as provider:
        gateway = gateway_of(a=provider)
        chat = chat_with(gateway, **wish)
        with pytest.raises(AgentError, match="expected"):
            await answer(gateway, chat)
    assert provider.requests == []
    assert chat.ledger.calls == []
