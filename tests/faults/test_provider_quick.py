"""Many turns at once against providers of which one keeps failing: all are answered, and nothing is left open."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from agents.errors import MomaError
from graphs.gateway import fallback as module
from graphs.gateway import transport
from graphs.gateway.gateway import Chat, Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.models import Model, Price
from graphs.gateway.pieces import Piece
from graphs.gateway.transport import Limits, Request
from tests.support.provider import (
    FakeProvider,
    Reply,
    body,
    cut,
    echo_key,
    ok,
    raw_events,
    stall,
    status,
    stream,
)
from tests.support.waiting import PATIENCE_S, until

TURNS, AT_ONCE = 120, 20
HALF = raw_events("garbage")
FAULTS: list[Reply] = [
    status(429),
    status(500),
    echo_key(401),
    stall(0),
    cut(0),
    cut(0, reset=True),
    body(b"<html>", "text/html"),
    HALF,
    stream({"content": None}),
]
LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=2 * PATIENCE_S)
PATIENCE_WITH_FAULTY_S = 1.0


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make retries quick, and the silence of the faulty one short.

    The good one has all the time of a slow machine: were it limited as well, the test would measure speed.
    """
    whole = transport.stream

    def stream(request: Request) -> AsyncGenerator[Piece, None]:
        if request.model == "faulty":
            request = replace(request, limits=replace(LIMITS, first_token=PATIENCE_WITH_FAULTY_S))
        return whole(request)

    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(transport, "stream", stream)


@pytest.mark.parametrize("share", [0.3, 1.0], ids=["one call in three", "every call"])
async def test_turns_survive_a_provider_that_fails(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "sk-canary-0123456789abcdef")
    chance = random.Random(7)
    script = [chance.choice(FAULTS) if chance.random() < share else ok("Yes.") for _ in range(400)]
    ledger, gate = Ledger(), asyncio.Semaphore(AT_ONCE)
    with FakeProvider(*script) as faulty, FakeProvider(ok("Yes.")) as good:
        gateway = Gateway(
            [
                Model(
                    id=name,
                    litellm="openai/fake",
                    base_url=provider.base_url,
                    key="CANARY",
                    price=Price(input=1, output=1),
                    context_tokens=4096,
                )
                for name, provider in (("faulty", faulty), ("good", good))
            ],
            limits=LIMITS,
        )

        async def turn() -> str:
            chat = Chat(
                messages=[{"role": "user", "content": "Hi."}],
                order=("faulty", "good"),
                ledger=ledger,
                deadline=time.monotonic() + LIMITS.turn,
            )
            text = ""
            async with gate:
                try:
                    async for token in gateway.stream(chat):
                        text += token.piece.text
                except MomaError as error:
                    return f"{text} [{error}]"
            return text

        said = await asyncio.gather(*(turn() for _ in range(TURNS)))
        await until(
            lambda: faulty.open_now == good.open_now == 0
        )  # a server sees an end after its client
    # A turn may end in an honest error only where half an answer was shown.
    assert {text for text in said if text != "Yes."} <= {
        "Half an [the answer of faulty was cut off]"
    }
    assert TURNS - said.count("Yes.") <= script[: len(faulty.requests)].count(HALF) < 0.2 * TURNS
    assert "sk-canary" not in str(ledger.calls)
    assert len(faulty.requests) < TURNS if share == 1 else len(faulty.requests) > 0
