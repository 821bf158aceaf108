"""Many turns at once against providers of which one keeps failing: all are answered, and nothing is left open."""

import asyncio
import random
import time

import pytest

from agents.errors import MomaError
from graphs.gateway import gateway as module
from graphs.gateway import transport
from graphs.gateway.gateway import Chat, Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.models import Model, Price
from graphs.gateway.transport import Limits
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

TURNS, AT_ONCE = 120, 20
FAULTS: list[Reply] = [
    status(429),
    status(500),
    echo_key(401),
    stall(0),
    cut(0),
    cut(0, reset=True),
    body(b"<html>", "text/html"),
    raw_events("garbage"),
    stream({"content": None}),
]
LIMITS = Limits(connect=1, first_token=0.5, idle=0.5, turn=6)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@pytest.mark.parametrize("share", [0.3, 1.0], ids=["one call in three", "every call"])
async def test_turns_survive_a_provider_that_fails(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
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
        await asyncio.sleep(0.05)
        assert faulty.open_now == good.open_now == 0, "every connection is closed"
    # A turn may end in an honest error only where half an answer was shown.
    assert {text for text in said if text != "Yes."} <= {
        "Half an [the answer of faulty was cut off]"
    }
    assert said.count("Yes.") >= 0.9 * TURNS
    assert "sk-canary" not in str(ledger.calls)
    assert len(faulty.requests) < TURNS if share == 1 else len(faulty.requests) > 0
