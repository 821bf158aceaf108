"""Whatever a provider sends, the transport ends with a whole answer or with an error of our own, and nothing else."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import ProviderError
from graphs.gateway import transport
from graphs.gateway.transport import Limits, Request
from tests.support.provider import FakeProvider, Seen, Wire
from tests.support.waiting import PATIENCE_S

LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
_DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": st.text(max_size=5) | _JSON,
        "role": st.just("assistant") | _JSON,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {"index": st.integers(0, 2)},
                optional={
                    "id": st.text(max_size=3),
                    "function": st.fixed_dictionaries(
                        {}, optional={"name": st.text(max_size=3), "arguments": st.text(max_size=3)}
                    ),
                },
            ),
            max_size=2,
        )
        | _JSON,
        "reasoning_content": st.text(max_size=3),
    },
)
_CHOICE = st.fixed_dictionaries(
    {"index": st.just(0), "delta": _DELTA},
    optional={"finish_reason": st.sampled_from(["stop", "length", "tool_calls", "", None]) | _JSON},
)
_CHUNK = st.fixed_dictionaries(
    {
        "id": st.just("c"),
        "object": st.just("chat.completion.chunk"),
        "created": st.just(1),
        "model": st.just("f"),
        "choices": st.lists(_CHOICE, max_size=2) | _JSON,
    },
    optional={"usage": _JSON},
)
_EVENT = st.one_of(
    _CHUNK.map(lambda chunk: b"data: " + json.dumps(chunk).encode() + b"\n\n"),
    _JSON.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n\n"),
    st.sampled_from([b"data: [DONE]\n\n", b": hello\n\n", b"event: error\n", b"\n"]),
    st.binary(max_size=20),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(_sends) as provider:
        yield provider


_body = b""


async def _sends(wire: Wire, seen: Seen) -> None:
    await wire.head(200, {"Content-Type": "text/event-stream"})
    await wire.send(_body)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples: LiteLLM makes a client for each."""
    with asyncio.Runner() as runner:
        yield runner


@settings(max_examples=50)
@given(events=st.lists(_EVENT, max_size=6))
def test_whatever_is_sent_it_ends_whole_or_with_our_own_error(
    events: list[bytes], provider: FakeProvider, runner: asyncio.Runner
) -> None:
    global _body
    _body = b"".join(events)
    transport.load()

    async def pieces() -> AsyncIterator[Any]:
        request = Request(
            model="m",
            litellm="openai/fake",
            messages=[{"role": "user", "content": "x"}],
            max_tokens=9,
            limits=LIMITS,
            deadline=time.monotonic() + PATIENCE_S,
            base_url=provider.base_url,
            api_key="k",
        )
        async for piece in transport.stream(request):
            yield piece

    async def read() -> None:
        came = []
        try:
            async for piece in pieces():
                came.append(piece)
        except ProviderError:
            return
        assert came[-1].finish
        assert any(piece.text or piece.tool_calls for piece in came)
        assert all(isinstance(piece.text, str) for piece in came)

    runner.run(read())
