"""Clients that go away in the middle of a stream: the provider's stream ends with theirs, and nothing is left."""

import asyncio
import gc
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from graphs.checkpoints import open_sqlite
from graphs.gateway import transport
from graphs.locks import locks_of
from graphs.threads import MomaGraph
from tests.support.agents import answer, fake_graph, model_at, on, say
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Seen, Wire, ok, stream
from tests.support.waiting import PATIENCE_S, until

AT_ONCE = 20
BAR_S = 1.0
SLOW = stream(*[{"content": "word "}] * 3_000, every=0.1)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    transport.load()


async def talk(wire: Wire, seen: Seen) -> None:
    """Talk for minutes, but to who says that they stay."""
    stays = "stay" in seen.body["messages"][-1]["content"]
    await (ok("Here you are.") if stays else SLOW)(wire, seen)


async def leave(graph: MomaGraph, thread: str, *, cancelled: bool) -> float:
    """Read the first words of an answer and go away; return when, on the monotonic clock."""
    heard = asyncio.Event()

    async def read() -> None:
        parts = graph.astream({"messages": "go on"}, on(thread), stream_mode="messages")
        async with aclosing(cast("Any", parts)) as stream_of_parts:
            async for message, _ in stream_of_parts:
                if message.text:
                    heard.set()
                    if not cancelled:
                        return

    reading = asyncio.create_task(read())
    await heard.wait()
    if cancelled:
        reading.cancel()
    left = time.monotonic()
    await asyncio.gather(reading, return_exceptions=True)
    return left


async def hung_up(seen: Seen, left: float) -> float:
    """Return how long after its client the request ended, in seconds."""
    await until(seen.hung_up.is_set)
    return time.monotonic() - left


@pytest.mark.parametrize(
    "streams", [40, pytest.param(500, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_nothing_is_left_of_a_client_that_goes_away(streams: int, tmp_path: Path) -> None:
    took: list[float] = []
    with FakeProvider(talk) as provider:
        async with open_sqlite(tmp_path / "threads.sqlite") as saver:
            graph = fake_graph(models=[model_at(provider.base_url)], saver=saver)
            assert answer(await say(graph, "stay")) == "Here you are."
            tasks = asyncio.all_tasks()
            for first in range(0, streams, AT_ONCE):
                known = len(provider.requests)
                names = [f"thread {n}" for n in range(first, first + AT_ONCE)]
                left = await asyncio.gather(
                    *(leave(graph, name, cancelled=bool(n % 2)) for n, name in enumerate(names))
                )
                requests = provider.requests[known:]
                assert len(requests) == AT_ONCE
                took += await asyncio.gather(*(hung_up(seen, max(left)) for seen in requests))
            async with asyncio.timeout(PATIENCE_S):
                for n in (0, streams - 1):
                    assert answer(await say(graph, "stay", thread=f"thread {n}")) == "Here you are."
            await until(lambda: provider.open_now == 0 and asyncio.all_tasks() == tasks)
            del left, requests
            gc.collect()
            leaked = {
                "locks": len(locks_of(saver)),
                "turns": graph.admission.admitted if graph.admission else 0,
            }
    bar(
        27,
        "the client goes away",
        streams,
        f"cancelled within {max(took):.2f} s, leaked: 0 tasks, {leaked}",
        f"<= {BAR_S:g} s, 0 leaked",
    )
    assert not any(leaked.values())
