"""Test 9: streams cut at any byte, by FIN and by RST. None passes for a whole answer."""

import asyncio
import json
import random
from collections.abc import Sequence

import pytest

from agents.errors import ProviderError
from graphs.gateway import transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.transport import Limits
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Reply, Seen, Wire, ok
from tests.support.turns import chat_of, pool_of, run
from tests.support.waiting import PATIENCE_S

LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
WORDS = [f"word{n} ü " for n in range(12)]
AT_ONCE = 10


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "f"}
    # Not escaped, so that a cut may fall into the middle of a character.
    return f"data: {json.dumps({**chunk, 'choices': [choice]}, ensure_ascii=False)}\n\n".encode()


BODY = b"".join(_event({"content": word}) for word in WORDS)
"""All of the answer but its finish; whatever is cut before its end is not whole."""


def cut_as_asked(cuts: Sequence[tuple[int, bool]]) -> Reply:
    """Send so many bytes of the body and drop the connection, as the number in the question says."""

    async def reply(wire: Wire, seen: Seen) -> None:
        byte, reset = cuts[int(seen.body["messages"][-1]["content"])]
        await wire.head(200, {"Content-Type": "text/event-stream"})
        await wire.send(BODY[:byte])
        if reset:
            await asyncio.sleep(0.02)  # an RST overtakes what the client has not read yet
            wire.reset()

    return reply


@pytest.mark.parametrize("n", [40, pytest.param(500, marks=pytest.mark.faults)])
async def test_9_half_streamed_bodies(n: int) -> None:
    chance = random.Random(9)
    cuts = [(chance.randrange(len(BODY) + 1), number % 2 == 1) for number in range(n)]
    places = asyncio.Semaphore(AT_ONCE)
    with FakeProvider(cut_as_asked(cuts)) as broken, FakeProvider(ok("The whole.")) as sound:

        async def one(number: int) -> tuple[bool, bool, bool]:
            async with places:
                # A gateway of its own, so that no breaker spares it the cut.
                return await _cut(number, Gateway(pool_of([broken, sound]), limits=LIMITS))

        ends = await asyncio.gather(*(one(number) for number in range(n)))
    detected, kept, replaced = (sum(column) for column in zip(*ends, strict=True))
    if n >= 500:
        bar(
            9,
            "streams cut at any byte, FIN and RST",
            n,
            f"{detected} detected, {kept} with what came kept, {replaced} replaced before a word",
            "all detected; a retry only if nothing was shown",
        )
    assert detected == n
    assert kept + replaced == n


async def _cut(number: int, gateway: Gateway) -> tuple[bool, bool, bool]:
    """Return whether a cut was detected, what was shown of it kept, and whether another model took its place."""
    chat = chat_of(str(number), gateway)
    ended = await run(gateway, chat)
    first = chat.ledger.calls[0]
    detected = first["model"] == "m0" and not first["ok"]
    if ended.error is not None:
        # What was shown is a beginning of the answer, and nobody else went on.
        assert isinstance(ended.error, ProviderError)
        beginning = 0 < len(ended.text) and "".join(WORDS).startswith(ended.text)
        return detected, beginning and len(chat.ledger.calls) == 1, False
    return detected, False, ended.text == "The whole."
