"""Tests 11 and 14: all providers are down, and one goes down and comes back."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from graphs.gateway import fallback, transport
from graphs.gateway.breaker import FIRST_REST_S
from graphs.gateway.gateway import Gateway
from graphs.gateway.transport import Limits
from tests.support.agents import answer, fake_graph, model_at, say
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Reply, Seen, Wire, ok, status
from tests.support.turns import VirtualClock, chat_of, percentile, pool_of, run
from tests.support.waiting import PATIENCE_S, until

LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@pytest.mark.parametrize("n", [30, pytest.param(300, marks=pytest.mark.faults)])
async def test_11_total_outage(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.001)
    clock = VirtualClock()
    with ExitStack() as started:
        providers = [started.enter_context(FakeProvider(status(503))) for _ in range(4)]
        gateway = Gateway(pool_of(providers), limits=LIMITS, clock=clock, sleep=clock.sleep)

        def calls() -> int:
            return sum(len(provider.requests) for provider in providers)

        most = turns = 0
        while not all(gateway.breaker_open(model) for model in gateway.models):
            before = calls()
            ended = await run(gateway, chat_of("Hi.", gateway, clock=clock))
            assert ended.error is not None
            most, turns = max(most, calls() - before), turns + 1
        seconds = []
        probes, rests = 0, 0.0
        rest = FIRST_REST_S
        for _ in range(3):  # windows of 10, 20 and 40 s
            began, before = clock.now, calls()
            for number in range(n // 3):
                clock.now = began + rest * number / (n // 3)
                ended = await run(gateway, chat_of("Hi.", gateway, clock=clock))
                assert ended.error is not None
                seconds.append(ended.seconds)
            probes += calls() - before
            rests += len(gateway.models)
            clock.now, rest = began + rest, 2 * rest
    if n >= 300:
        bar(
            11,
            "total outage of 4 deployments",
            n,
            f"{most} calls at most in the first {turns} turns, {probes / rests:.2f} probes a window, "
            f"error after {1e3 * percentile(seconds, 0.99):.0f} ms (p99)",
            "<= 6, <= 1, <= 100 ms",
        )
        assert percentile(seconds, 0.99) <= 0.1
    assert most <= 6
    assert probes <= rests


async def test_11_once_all_rest_the_user_is_told_by_the_graph(tmp_path: Path) -> None:
    with FakeProvider(status(503)) as provider:
        models = [model_at(provider.base_url, name) for name in ("a", "b")]
        graph = fake_graph(models=models, saver=InMemorySaver(), home=tmp_path)
        for _ in range(5):
            await say(graph, "write a poem")
        asked = len(provider.requests)
        began = time.perf_counter()
        result = await say(graph, "write a poem")
        took = time.perf_counter() - began
    assert len(provider.requests) == asked
    assert "its breaker is open" in answer(result)
    assert took < PATIENCE_S


@pytest.mark.parametrize("at_once", [10, pytest.param(200, marks=pytest.mark.faults)])
async def test_14_brown_out_and_recovery(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.001)
    clock, bad_until = VirtualClock(), 20.0
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def wait_for_release() -> None:
        await release.wait()

    async def browned_out(wire: Wire, seen: Seen) -> None:
        held = seen.body["messages"][-1]["content"] == "held"
        if held:  # a slow answer: all others come while it is on its way
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wait_for_release(), loop))
        reply: Reply = status(503) if clock.now < bad_until else ok("A")
        await reply(wire, seen)

    with FakeProvider(browned_out) as a, FakeProvider(ok("B")) as b:
        gateway = Gateway(pool_of([a, b]), limits=LIMITS, clock=clock, sleep=clock.sleep)
        back_at = None
        while back_at is None:
            ended = await run(gateway, chat_of("Hi.", gateway, clock=clock))
            assert ended.error is None, "B answers what A cannot"
            back_at = clock.now if ended.text == "A" else None
            clock.now += 0.5
        window = 2 * FIRST_REST_S  # the one in which A recovered, after one probe that failed
        # Once more, and now with a crowd at the door when the rest is over.
        bad_until = clock.now + 5
        while not gateway.breaker_open("m0"):
            await run(gateway, chat_of("Hi.", gateway, clock=clock))
        clock.now += FIRST_REST_S
        before = len(a.requests)
        crowd = [
            asyncio.create_task(run(gateway, chat_of("held", gateway, clock=clock)))
            for _ in range(at_once)
        ]
        await until(lambda: sum(task.done() for task in crowd) == at_once - 1)
        thundering = len(a.requests) - before
        release.set()
        ends = [ended.text for ended in await asyncio.gather(*crowd)]
        after = [await run(gateway, chat_of("Hi.", gateway, clock=clock)) for _ in range(5)]
    if at_once >= 200:
        bar(
            14,
            "brown-out of 20 s and recovery",
            at_once,
            f"back {back_at - 20:.1f} s after it, {thundering} probe with {at_once} turns at the door",
            f"within a window ({window:.0f} s), <= 1",
        )
    assert back_at - 20 <= window
    assert thundering <= 1
    assert (ends.count("A"), ends.count("B")) == (1, at_once - 1)
    assert {ended.text for ended in after} == {"A"}
    assert len(b.requests) >= at_once - 1
