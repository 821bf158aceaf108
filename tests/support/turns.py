"""Turns of the gateway against scripted providers, as the fault tests run them: pools, chats, ends, times."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.errors import MomaError
from graphs.gateway.gateway import Chat, Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.models import Model, Price
from tests.support.provider import FakeProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a turn ended."""

    text: str
    error: MomaError | None
    seconds: float


class VirtualClock:
    """A clock that moves only while somebody sleeps on it, or when it is set."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def pool_of(providers: Iterable[FakeProvider], **more: Any) -> list[Model]:
    """Return a model for each provider: `m0`, `m1`, ..."""
    facts: dict[str, Any] = {
        "litellm": "openai/fake",
        "price": Price(input=1, output=1),
        "context_tokens": 8_192,
        "max_output_tokens": 256,
    }
    return [
        Model(id=f"m{n}", base_url=provider.base_url, **{**facts, **more})
        for n, provider in enumerate(providers)
    ]


def chat_of(
    text: str,
    gateway: Gateway,
    *,
    order: Sequence[str] | None = None,
    turn: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    **more: Any,
) -> Chat:
    """Return a chat of one message, by default to all models of the gateway."""
    given: dict[str, Any] = {"ledger": Ledger(), **more}
    return Chat(
        messages=[{"role": "user", "content": text}],
        order=list(gateway.models) if order is None else order,
        deadline=clock() + (gateway.limits.turn if turn is None else turn),
        **given,
    )


async def run(gateway: Gateway, chat: Chat) -> Ended:
    """Run one turn to its end."""
    began, said, failure = time.monotonic(), "", None
    try:
        async for token in gateway.stream(chat):
            said += token.piece.text
    except MomaError as error:
        failure = error
    return Ended(text=said, error=failure, seconds=time.monotonic() - began)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
