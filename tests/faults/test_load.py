"""Load: many threads at once, ten times what fits, and tens of thousands of turns; what is timed is printed.

The model is a fake in the process, so that what is measured is the graph. Bars with times are asserted with ample room:
they were set for a quiet machine.
"""

import asyncio
import gc
import os
import statistics
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from agents.errors import OverloadError
from graphs.checkpoints import open_sqlite
from graphs.gateway import transport
from graphs.gateway.pieces import Piece
from graphs.gateway.transport import Request
from graphs.threads import MomaGraph
from tests.support.agents import answer, fake_graph, model_at, say
from tests.support.bars import bar

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")
ROOM = 5
"""By how much a time may miss its bar on a busy machine."""


@pytest.fixture
def model_seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the provider by one that says back what it is told after the first of these seconds."""
    seconds = [0.02]

    async def stream(request: Request) -> AsyncGenerator[Piece, None]:
        await asyncio.sleep(seconds[0])
        yield Piece(text=f"You said {request.messages[-1]['content']}.")
        yield Piece(finish="stop", input_tokens=5, output_tokens=5)

    monkeypatch.setattr(transport, "stream", stream)
    return seconds


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Lag:
    """How late the event loop comes to a task that wakes every so often."""

    EVERY_S = 0.005

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(self.EVERY_S)
            self.seen.append(time.monotonic() - began - self.EVERY_S)

    async def stop(self) -> float:
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        return p99(self.seen)


async def turn(graph: MomaGraph, thread: str, text: str) -> float:
    """Take one turn and check its answer; return the seconds."""
    began = time.monotonic()
    assert answer(await say(graph, text, thread=thread)) == f"You said {text}."
    return time.monotonic() - began


@pytest.mark.parametrize(
    "threads", [100, pytest.param(2_000, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_many_threads_at_once(
    threads: int, model_seconds: list[float], tmp_path: Path
) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(
            models=[model_at("http://unused")],
            saver=saver,
            turns_at_once=24,
            turns_waiting=threads,
        )
        for n in range(20):
            await turn(graph, f"warm {n}", "hello")
        gc.collect()
        before, lag, began = rss_mb(), Lag(), time.monotonic()
        await asyncio.gather(*(turn(graph, f"thread {n}", f"number {n}") for n in range(threads)))
        rate = threads / (time.monotonic() - began)
        late = await lag.stop()
        grown = rss_mb() - before
    bar(
        25,
        f"{threads:,} threads at once, SQLite",
        threads,
        f"0 errors, 0 mixed up, {rate:.0f} turns/s, +{grown:.0f} MB, loop lag p99 {1e3 * late:.0f} ms",
        "0 errors, >= 100 turns/s, <= +150 MB, <= 50 ms",
    )
    assert grown <= 150
    if threads > 100:
        assert rate >= 100 / ROOM
        assert late <= 0.05 * ROOM


async def open_loop(
    graph: MomaGraph, *, rate: float, seconds: float
) -> tuple[list[float], list[float], int]:
    """Send turns at a steady rate, whatever becomes of them.

    Returns:
        The seconds of the admitted, the seconds of the refused, the most that were under way.
    """
    admitted: list[float] = []
    refused: list[float] = []
    assert graph.admission is not None
    deepest = 0

    async def one(n: int) -> None:
        began = time.monotonic()
        try:
            admitted.append(await turn(graph, f"thread {rate} {n}", f"number {n}"))
        except OverloadError as error:
            refused.append(time.monotonic() - began)
            waits.append(error.retry_after)

    waits: list[float] = []
    tasks: list[asyncio.Task[None]] = []
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        while len(tasks) < now * rate:
            tasks.append(asyncio.create_task(one(len(tasks))))
        deepest = max(deepest, graph.admission.admitted)
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    assert all(wait >= 1 for wait in waits)
    return admitted, refused, deepest


@pytest.mark.parametrize(
    "seconds", [1, pytest.param(10, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_overload_is_refused_at_once_and_the_admitted_hardly_notice(
    seconds: int, model_seconds: list[float], tmp_path: Path
) -> None:
    model_seconds[0], at_once, waiting = 0.5, 8, 4
    capacity = at_once / (model_seconds[0] + 0.05)
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(
            models=[model_at("http://unused")],
            saver=saver,
            turns_at_once=at_once,
            turns_waiting=waiting,
        )
        await turn(graph, "warm", "hello")
        calm, _, _ = await open_loop(graph, rate=capacity / 2, seconds=seconds)
        admitted, refused, deepest = await open_loop(graph, rate=10 * capacity, seconds=seconds)
        over = time.monotonic()
        after, late, _ = await open_loop(graph, rate=capacity / 2, seconds=min(seconds, 3))
        recovery = time.monotonic() - over if late else 0.0
    slowdown = p99(admitted) / p99(calm)
    bar(
        26,
        "overload, ten times what fits",
        len(admitted) + len(refused),
        f"{len(refused)} refused within {1e3 * p99(refused):.0f} ms (p99), admitted p99 {slowdown:.2f}x, "
        f"at most {deepest} of {at_once + waiting} in, {len(late)} refused afterwards",
        "<= 50 ms, <= 2x, bounded, recovers in <= 5 s",
    )
    assert refused
    assert deepest <= at_once + waiting
    assert not late, recovery
    assert p99(after) <= ROOM * p99(calm)
    if seconds > 1:
        assert slowdown <= ROOM
        assert p99(refused) <= 0.05 * ROOM


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "turns", [150, pytest.param(30_000, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_soak(turns: int, model_seconds: list[float]) -> None:
    """Without a store, whose size grows by design: what grows here is a leak."""
    model_seconds[0] = 0.0
    graph = fake_graph(models=[model_at("http://unused")])
    took: list[float] = []
    for n in range(turns // 30):
        took.append(await turn(graph, f"thread {n}", f"number {n}"))
    gc.collect()
    before = rss_mb(), open_files(), threading.active_count()
    for n in range(len(took), turns):
        took.append(await turn(graph, f"thread {n}", f"number {n}"))
    gc.collect()
    grown = rss_mb() - before[0]
    third = turns // 3
    slower = statistics.mean(took[-third:]) / statistics.mean(took[turns // 30 :][:third])
    files, workers = open_files() - before[1], threading.active_count() - before[2]
    bar(
        28,
        "soak",
        turns,
        f"+{grown:.0f} MB, {files:+d} files, {workers:+d} threads, last third {slower:.2f}x the first",
        "<= +50 MB, flat, <= 1.2x",
    )
    assert grown <= 50
    assert files <= 2
    assert workers <= 2
    if turns > 150:
        assert slower <= 1.2 * ROOM / 2
