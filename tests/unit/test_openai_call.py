"""A call prepared on the event loop is the one that `acompletion` makes, in what it sends and in how it fails."""

import asyncio
import time
from types import ModuleType
from typing import Any

import pytest

from agents.errors import ProviderError
from graphs.gateway import transport
from graphs.gateway.openai_call import prepared_here
from graphs.gateway.transport import Limits, Request
from tests.support.provider import FakeProvider, Reply, ok, status

_CALL = {"id": "c__thought__abc", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What is \u263a?"}]},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "c__thought__abc", "content": "A face."},
]
_OPTIONS: dict[str, Any] = {
    "temperature": 0,
    "seed": 3,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "response_format": {"type": "json_object"},
}


@pytest.fixture(scope="module")
def litellm() -> ModuleType:
    return transport.load()


async def outcome(provider: FakeProvider, model: str = "openai/fake") -> str:
    """Return what an answer comes to: its text, or its error."""
    request = Request(
        model="m",
        litellm=model,
        messages=_MESSAGES,
        max_tokens=50,
        limits=Limits(connect=60, first_token=60, idle=60, turn=60),
        deadline=time.monotonic() + 60,
        base_url=provider.base_url,
        api_key="k",
        options=_OPTIONS,
        idempotency_key="one",
    )
    try:
        return "".join([piece.text async for piece in transport.stream(request)])
    except ProviderError as error:
        return f"{type(error).__name__}: {error} {error.remedy} {error.may_retry}"


@pytest.mark.parametrize("model", ["openai/fake", "openai/gpt-5", "gpt-4o-mini"])
@pytest.mark.parametrize(
    "reply",
    [
        ok("One two."),
        *(status(code) for code in (400, 401, 402, 404, 413, 429, 500, 503)),
        status(400, "This model's maximum context length is 10 tokens"),
    ],
)
async def test_it_sends_what_acompletion_sends_and_ends_as_that_does(
    reply: Reply, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply, reply) as provider:
        here = await outcome(provider, model)
        monkeypatch.setattr(transport, "prepared_here", lambda *_, **__: False)
        assert await outcome(provider, model) == here
    ours, theirs = provider.requests
    assert ours.body == theirs.body
    assert ours.body["messages"][3]["tool_call_id"] == "c", "the mark of another provider is gone"
    assert ours.headers == theirs.headers


async def test_it_waits_for_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider(ok("One."), ok("Two.")) as provider:
        await outcome(provider)  # the client is made, and resolves the provider's name in a thread
        began: list[Any] = []
        monkeypatch.setattr(
            asyncio.get_running_loop(), "run_in_executor", lambda *given: began.append(given)
        )
        assert await outcome(provider) == "Two."
    assert not began


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("callbacks", ["otel"]),
        ("success_callback", [print]),
        ("input_callback", [print]),
        ("cache", object()),
        ("max_budget", 1.0),
        ("model_fallbacks", ["gpt-4o"]),
    ],
)
def test_what_a_program_told_litellm_to_do_is_left_to_acompletion(
    litellm: ModuleType, setting: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepared_here(litellm, model="openai/fake", base_url=None)
    monkeypatch.setattr(litellm, setting, value)
    assert not prepared_here(litellm, model="openai/fake", base_url=None)


@pytest.mark.parametrize("model", ["anthropic/claude-3-5-haiku-20241022", "groq/llama3-8b-8192"])
def test_another_provider_is_left_to_acompletion(litellm: ModuleType, model: str) -> None:
    assert not prepared_here(litellm, model=model, base_url=None)
