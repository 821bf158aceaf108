"""The router dies: the turn opens to the default model at once or after the limit, and no mask opens with it."""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs import Context, build_graph, guard, mask_classes
from graphs.threads import MomaGraph
from tests.support.agents import FakeAgent, FakeEncoder, fake_agent, fake_services, model_at, say
from tests.support.bars import bar
from tests.support.provider import FakeProvider, ok, status

OPENED_MS = 50
Rows = NDArray[np.float32]


class FakeMortalEncoder(FakeEncoder):
    """Works until it is told how to fail."""

    def __init__(self) -> None:
        self.failure: Callable[[int], Rows] | None = None

    def encode(self, texts: Sequence[str]) -> Rows:
        return self.failure(len(texts)) if self.failure else super().encode(texts)


def breaks(error: Exception) -> Callable[[int], Rows]:
    def fail(_: int) -> Rows:
        raise error

    return fail


WAYS: dict[str, Callable[[int], Rows]] = {
    "raises": breaks(RuntimeError("boom")),
    "raises ours": breaks(RoutingError("the endpoint is down")),
    "wrong dimension": lambda n: np.ones((n, 3), np.float32),
    "too many rows": lambda n: np.ones((n + 1, FakeEncoder.dim), np.float32),
    "no rows": lambda n: np.ones((0, FakeEncoder.dim), np.float32),
    "not finite": lambda n: np.full((n, FakeEncoder.dim), np.nan, np.float32),
    "zero": lambda n: np.zeros((n, FakeEncoder.dim), np.float32),
    "a scalar": lambda n: np.array(n, np.float32),
}


@contextmanager
def house(**options: Any) -> Iterator[tuple[MomaGraph, FakeMortalEncoder, FakeAgent, FakeProvider]]:
    """Yield a house whose router has worked once."""
    alpha, encoder = fake_agent("alpha"), FakeMortalEncoder()
    with FakeProvider(ok("The default answers.")) as provider:
        models = [
            model_at(provider.base_url, "default", quality={"writing": 0.1}),
            model_at(provider.base_url, "better", quality={"writing": 0.9}),
        ]
        services = fake_services(alpha, models=models, **options)
        services.encoder = encoder
        services.router()
        yield build_graph(services=services), encoder, alpha, provider


async def opened(graph: MomaGraph, turns: int, *, at_once: int = 1) -> list[float]:
    """Send turns, each of which the default model must answer, and return how long their routing took, in ms."""
    took: list[float] = []
    for first in range(0, turns, at_once):
        texts = [f"alpha {n}" for n in range(first, first + at_once)]
        for result in await asyncio.gather(*(say(graph, t, thread=t) for t in texts)):
            record = result["record"]
            assert record["served_by"] == {"kind": "model", "id": "default"}
            assert record["degraded"].startswith("routing failed, so the default model answers")
            took.append(record["timings_ms"]["route"])
    return took


@contextmanager
def hanging(encoder: FakeMortalEncoder, *, seconds: float = 5.0) -> Iterator[None]:
    """Let the encoder hang; when this is left it is let go."""
    free = threading.Event()

    def hang(n: int) -> Rows:
        free.wait(seconds)
        return FakeEncoder.encode(encoder, ["late"] * n)

    encoder.failure = hang
    try:
        yield
    finally:
        free.set()
        encoder.failure = None


@pytest.mark.parametrize("way", WAYS)
async def test_whatever_an_encoder_does_the_default_model_answers(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    with house() as (graph, encoder, alpha, _):
        encoder.failure = WAYS[way]
        await opened(graph, 3)
        encoder.failure = None
        result = await say(graph, "alpha 0")  # nothing that it gave was kept
    assert (result["record"]["degraded"], alpha.runs) == (None, 1)
    assert [r.message.startswith("routing failed") for r in caplog.records] == [True]


async def test_without_a_router_too_any_allowed_model_stands_in_for_one_that_fails() -> None:
    with FakeProvider(status(500)) as broken, FakeProvider(ok("I stand in.")) as provider:
        models = [
            model_at(broken.base_url, "default", quality={"writing": 0.9}),
            model_at(provider.base_url, "worse", quality={"writing": 0.1}),
        ]
        services = fake_services(fake_agent("alpha"), models=models)
        services.encoder = FakeMortalEncoder()
        services.encoder.failure = WAYS["raises"]
        record = (await say(build_graph(services=services), "hello"))["record"]
    assert record["models"]["order"] == ["default", "worse"]
    assert record["served_by"] == {"kind": "model", "id": "worse"}


async def test_a_turn_waits_for_a_router_that_hangs_no_longer_than_the_limit() -> None:
    with house(routing_seconds=0.2) as (graph, encoder, alpha, _), hanging(encoder):
        first, *others = await opened(graph, 5)
        assert first >= 200
        assert max(others) < 5_000  # while it hangs nobody waits for it
        encoder.failure = None
    assert alpha.runs == 0


async def test_turns_that_queue_behind_one_that_hangs_open_with_it() -> None:
    with house(routing_seconds=0.2) as (graph, encoder, _, _), hanging(encoder):
        began = time.perf_counter()
        await opened(graph, 12, at_once=12)
        assert time.perf_counter() - began < 5


async def test_a_router_that_hung_is_asked_again_when_it_is_free() -> None:
    with house(routing_seconds=0.2) as (graph, encoder, alpha, _):
        with hanging(encoder):
            await opened(graph, 1)
        for _ in range(100):
            result = await say(graph, "alpha")
            if result["record"]["degraded"] is None:
                break
            await asyncio.sleep(0.05)
    assert (result["record"]["served_by"]["id"], alpha.runs) == ("alpha", 1)


async def test_a_turn_that_is_called_off_while_the_router_hangs_leaves_nothing_behind() -> None:
    with house(routing_seconds=30.0) as (graph, encoder, alpha, _):
        with hanging(encoder), pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await say(graph, "alpha 1")
        assert (await say(graph, "alpha 2"))["record"]["degraded"] is None
    assert alpha.runs == 1


@pytest.mark.parametrize("where", [(mask_classes, "mask_agents"), (guard, "agent_refusal")])
async def test_a_mask_that_breaks_closes_in_the_same_run(
    where: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a mask")

    with house() as (graph, encoder, alpha, provider):
        encoder.failure = WAYS["raises"] if where[0] is mask_classes else None
        monkeypatch.setattr(*where, broken)
        with pytest.raises(ZeroDivisionError):
            await say(graph, "alpha")
        assert (alpha.runs, provider.requests) == (0, [])


async def test_a_dead_router_opens_no_mask_of_a_model() -> None:
    with house() as (graph, encoder, _, provider):
        encoder.failure = WAYS["raises"]
        result = await say(graph, "alpha", context=Context(include=["alpha"]))
        assert result["record"]["served_by"] == {"kind": "router", "id": "refuse"}
        assert result["record"]["degraded"]
        assert provider.requests == []


@pytest.mark.faults
async def test_the_router_dies() -> None:
    with house() as (graph, encoder, alpha, _):
        took: list[float] = []
        for failure in WAYS.values():
            encoder.failure = failure
            took += await opened(graph, 50)
        with hanging(encoder):
            hung = sorted(await opened(graph, 200), reverse=True)
        assert alpha.runs == 0
    limit = 2_000
    waited = [
        ms for ms in hung if ms >= 0.9 * limit
    ]  # less where what was heard hung a little before
    at_once = hung[len(waited) :]
    after = max(waited) - limit
    result = (
        f"0 failed, all degraded; opened in {statistics.median(took):.1f} ms (worst {max(took):.0f});"
        f" of 200 behind a hang {len(waited)} waited the limit of 2 s + {after:.0f} ms,"
        f" the others {statistics.median(at_once):.1f} ms (worst {max(at_once):.0f})"
    )
    bar(
        18,
        "the router dies",
        len(took) + len(hung),
        result,
        "0 failed, opens within 50 ms beside the limit",
    )
    assert statistics.quantiles(took + at_once, n=100)[98] <= OPENED_MS
    assert len(waited) <= 5
    assert after <= OPENED_MS
