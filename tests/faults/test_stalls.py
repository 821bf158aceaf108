"""Test 10: providers that go silent, or send a byte or a token at a time. Each limit ends them, and never too early."""

import asyncio
import json
import time

import pytest

from agents.errors import DeadlineError, MomaError
from graphs.gateway import transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.transport import Limits
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Reply, Seen, Wire, stall, stream
from tests.support.turns import chat_of, pool_of
from tests.support.waiting import PATIENCE_S

NEAR_S, LATE_S = 0.3, 0.2


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


def drip(every: float) -> Reply:
    """Send a word, then an endless chunk byte by byte: the line is busy, and nothing comes."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await stream({"content": "word "}, finish=None, usage=None, done=False)(wire, seen)
        endless = json.dumps({"choices": [{"delta": {"content": "x" * 9_999}}]})
        for byte in f"data: {endless}".encode():
            await wire.send(bytes([byte]))
            await asyncio.sleep(every)

    return reply


def keep_alive(every: float) -> Reply:
    """Send a word, then comments, as servers do that have nothing to say."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await stream({"content": "word "}, finish=None, usage=None, done=False)(wire, seen)
        while True:
            await wire.send(b": still here\n\n")
            await asyncio.sleep(every)

    return reply


SILENT: dict[str, Reply] = {
    "no bytes": stall(1),
    "a byte a second": drip(1.0),
    "comments": keep_alive(0.5),
    "empty chunks": stream({"content": "word "}, *[{"content": ""}] * 999, every=0.3),
}
"""These end at the idle limit."""
SLOW: dict[str, Reply] = {"a token each half second": stream(*[{"content": "x"}] * 999, every=0.5)}
"""This one is never silent and ends with the turn."""


async def _ended(reply: Reply, limits: Limits) -> tuple[str, MomaError, float, float]:
    """Return what was said, how the turn ended, and its seconds: of all of it, and since the last word."""
    with FakeProvider(reply) as provider:
        gateway = Gateway(pool_of([provider]), limits=limits)
        said, began = "", time.monotonic()
        last = began
        try:
            async for token in gateway.stream(chat_of("Hi.", gateway)):
                last = time.monotonic()
                said += token.piece.text
        except MomaError as error:
            now = time.monotonic()
            return said, error, now - began, now - last
    raise AssertionError("the answer cannot end by itself")


@pytest.mark.parametrize(
    ("n", "idle", "turn"), [(10, 1.0, 2.0), pytest.param(100, 2.0, 6.0, marks=pytest.mark.faults)]
)
async def test_10_stall_and_drip(n: int, idle: float, turn: float) -> None:
    limits = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=idle, turn=turn)
    replies = [*(SILENT | SLOW).items()]
    kinds = [replies[number % len(replies)] for number in range(n)]
    full = n >= 100
    ends = []
    for start in range(0, n, 25):  # so many that their ends do not wait for each other
        ends += await asyncio.gather(
            *(_ended(reply, limits) for _, reply in kinds[start : start + 25])
        )
    near = over = 0
    for (kind, _), (said, error, seconds, silent) in zip(kinds, ends, strict=True):
        by_turn = kind in SLOW
        # On a machine that is busy enough, a turn's time is over before a word or a silence is noticed.
        assert isinstance(error, DeadlineError) is by_turn or not full
        assert said.startswith("x" if by_turn else "word") or not full
        assert seconds >= turn or silent >= idle
        near += by_turn or abs(silent - idle) <= NEAR_S
        over += seconds > turn + LATE_S
    if full:
        bar(
            10,
            "stall, drip and comments",
            n,
            f"{near} at the idle limit +- {NEAR_S} s, {over} past the turn's deadline",
            f"{n} and 0",
        )
        assert near == n
        assert over == 0
