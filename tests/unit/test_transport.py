"""One call through the real LiteLLM to a real server that misbehaves."""

import asyncio
import inspect
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from agents.errors import BrokenAnswerError, DeadlineError, ProviderError, RefusedError
from graphs.gateway import failures, transport
from graphs.gateway.pieces import Piece
from graphs.gateway.transport import Limits, Request
from tests.support.provider import (
    FakeProvider,
    Reply,
    Seen,
    Wire,
    body,
    cut,
    echo_key,
    hang,
    ok,
    raw_events,
    stall,
    status,
    stream,
    tool_call,
)
from tests.support.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
CANARY = "sk-canary-0123456789abcdef"
LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
IN_BAND = 'data: {"error": {"message": "boom ' + CANARY + '", "code": 500}}'
NO_CHOICES = 'data: {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "f", "choices": []}'


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


def request_to(provider: FakeProvider, *, turn: float = PATIENCE_S, **more: Any) -> Request:
    given: dict[str, Any] = {
        "model": "m",
        "litellm": "openai/fake",
        "messages": [{"role": "user", "content": "Hi."}],
        "max_tokens": 50,
        "limits": LIMITS,
        "deadline": time.monotonic() + turn,
        "base_url": provider.base_url,
        "api_key": CANARY,
    }
    return Request(**{**given, **more})


async def said(request: Request) -> list[Piece]:
    return [piece async for piece in transport.stream(request)]


async def all_hung_up(provider: FakeProvider) -> None:
    """Wait until no request is open; where time was short there may have been none."""
    await until(lambda: all(seen.hung_up.is_set() for seen in provider.requests))
    await until(lambda: not provider.open_now)


async def failure_of(request: Request) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await said(request)
    return caught.value


def all_that_shows(error: BaseException) -> str:
    """Everything that a log or an error tracker could write down of an error, hidden context included."""
    shown = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    for inner in (error.__cause__, error.__context__):
        shown += [] if inner is None else [all_that_shows(inner)]
    return "\n".join(shown)


async def test_an_answer_comes_in_pieces_and_ends_with_the_providers_count() -> None:
    with FakeProvider(ok("One two three.", usage=(31, 5))) as provider:
        pieces = await said(request_to(provider))
    assert "".join(piece.text for piece in pieces[:-1]) == "One two three."
    assert pieces[-1] == Piece(finish="stop", input_tokens=31, output_tokens=5)
    assert provider.requests[0].headers["authorization"] == f"Bearer {CANARY}"


async def test_half_a_character_waits_for_its_other_half_and_alone_is_replaced() -> None:
    parts = ["See \ud83d", "\ude00 and \ude00", " end\ud83d"]
    with FakeProvider(stream(*({"content": part} for part in parts))) as provider:
        pieces = await said(request_to(provider))
    assert "".join(piece.text for piece in pieces) == "See \U0001f600 and \ufffd end"


async def test_a_tool_call_comes_in_its_parts() -> None:
    with FakeProvider(tool_call("add", '{"a":', "1}")) as provider:
        pieces = await said(request_to(provider))
    parts = [call["function"] for piece in pieces for call in piece.tool_calls]
    assert parts[0]["name"] == "add"
    assert "".join(part["arguments"] for part in parts) == '{"a":1}'
    assert pieces[-1].finish == "tool_calls"


@pytest.mark.parametrize(
    ("reply", "kind", "text", "may_retry"),
    [
        (status(400), RefusedError, "m refused the request", False),
        (status(401), ProviderError, "m refused its key", False),
        (status(402), ProviderError, "m refused the request", False),
        (status(403), ProviderError, "m refused access", False),
        (status(404), ProviderError, "m does not know this model name", False),
        (status(408), ProviderError, "m did not answer in time", True),
        (status(413), ProviderError, "m found the text too long for its window", False),
        (status(422), RefusedError, "m refused the request", False),
        (status(429), ProviderError, "m is at its rate limit", True),
        (status(500), ProviderError, "m failed on its side", True),
        (status(502), ProviderError, "m is not available", True),
        (status(503), ProviderError, "m is not available", True),
        (status(504), ProviderError, "m did not answer in time", True),
        (status(529), ProviderError, "m failed on its side", True),
        (
            status(400, "This model's maximum context length is 10 tokens"),
            ProviderError,
            "m found the text too long for its window",
            False,
        ),
        (echo_key(401), ProviderError, "m refused its key", False),
        (echo_key(500), ProviderError, "m failed on its side", True),
        (cut(0), BrokenAnswerError, "the answer of m was cut off", True),
        (cut(2), BrokenAnswerError, "the answer of m was cut off", True),
        (cut(2, mid_event=True), BrokenAnswerError, "the answer of m was cut off", True),
        (raw_events("garbage"), BrokenAnswerError, "the answer of m was cut off", True),
        (raw_events('data: {"a":'), ProviderError, "m broke off in its answer", True),
        (raw_events(IN_BAND), ProviderError, "m broke off in its answer", True),
        (raw_events(NO_CHOICES), BrokenAnswerError, "the answer of m was cut off", True),
        (raw_events("data: [DONE]"), BrokenAnswerError, "the answer of m was cut off", True),
        (stream({"content": None}), BrokenAnswerError, "the answer of m was empty", True),
        (
            body(b"<html>Log in</html>", "text/html"),
            BrokenAnswerError,
            "the answer of m was cut off",
            True,
        ),
        (body(b"{}"), BrokenAnswerError, "the answer of m was cut off", True),
        (body(b""), BrokenAnswerError, "the answer of m was cut off", True),
    ],
)
async def test_each_fault_has_one_line_of_our_own_and_is_called_once(
    reply: Reply,
    kind: type[ProviderError],
    text: str,
    may_retry: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    with FakeProvider(reply) as provider:
        error = await failure_of(request_to(provider))
    assert (type(error), str(error), error.may_retry) == (kind, text, may_retry)
    assert error.model == "m"
    assert len(provider.requests) == 1, "LiteLLM repeats nothing by itself"
    written = all_that_shows(error) + caplog.text + "".join(capfd.readouterr())
    assert CANARY not in written
    assert error.__context__ is None, "the provider's own error is left behind"


@pytest.mark.parametrize("name", ["fake", "my-provider/fake"])
async def test_a_name_without_a_provider_is_told_as_that_and_sends_nothing(name: str) -> None:
    with FakeProvider(ok("Yes.")) as provider:
        error = await failure_of(request_to(provider, litellm=name))
    assert "no provider of its `litellm` name" in str(error)
    assert not isinstance(error, RefusedError)
    assert provider.requests == []


async def test_an_answer_that_its_policy_emptied_is_refused_for_good() -> None:
    with FakeProvider(stream(finish="content_filter")) as provider:
        error = await failure_of(request_to(provider))
    assert isinstance(error, RefusedError)
    assert str(error) == "m refused the text by its content policy"
    assert (error.may_retry, error.remedy) == (False, "provider")


async def test_what_an_empty_answer_used_is_told_before_its_error() -> None:
    pieces = []

    async def listen(provider: FakeProvider) -> None:
        async for piece in transport.stream(request_to(provider)):
            pieces.append(piece)

    with FakeProvider(stream({"content": None}, usage=(11, 7))) as provider:
        with pytest.raises(BrokenAnswerError):
            await listen(provider)
    assert pieces == [Piece(input_tokens=11, output_tokens=7)]


async def test_a_connection_that_is_reset_in_an_answer_cuts_it_off() -> None:
    read = threading.Event()
    words = ""

    async def listen(provider: FakeProvider) -> None:
        nonlocal words
        async for piece in transport.stream(request_to(provider)):
            words += piece.text
            if words == "word word ":
                read.set()

    with FakeProvider(cut(2, reset=True, read=read)) as provider:
        with pytest.raises(BrokenAnswerError, match="the answer of m was cut off"):
            await listen(provider)
    assert words == "word word "


def test_every_exception_of_litellm_has_a_meaning() -> None:
    exceptions = transport.load().exceptions
    classes = [
        found
        for _, found in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == exceptions.__name__
    ]
    nameless = {c.__name__ for c in classes if not {b.__name__ for b in c.__mro__} & NAMED}
    assert len(classes) > 20
    # Those of LiteLLM's proxy server, which is not run here, and the base of all, have none.
    assert nameless == {"OpenAIError", "ModifyResponseException", "SensitiveDataRouteException"}


NAMED = set(failures.MEANING)
PERMANENT = {
    "AuthenticationError",
    "BadRequestError",
    "BlockedPiiEntityError",
    "BudgetExceededError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "GuardrailRaisedException",
    "NotFoundError",
    "PermissionDeniedError",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_only_what_may_pass_is_tried_again(name: str) -> None:
    class_of_that_name = type(name, (Exception,), {})
    error = failures.mapped(class_of_that_name(CANARY), "m")
    assert error.may_retry == (name not in PERMANENT)
    assert CANARY not in str(error)


def test_an_unknown_class_is_named_and_not_tried_again() -> None:
    error = failures.mapped(ZeroDivisionError(CANARY), "m")
    assert (str(error), error.may_retry) == ("m failed (ZeroDivisionError)", False)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e20", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("", None),
        ("Wed, 21 Oct 2026 99999999999999999999:00:00 GMT", None),
    ],
)
async def test_the_wait_that_a_provider_asks_for_is_read(
    header: str, seconds: float | None
) -> None:
    with FakeProvider(status(429, headers={"Retry-After": header})) as provider:
        assert (await failure_of(request_to(provider))).retry_after == seconds


async def test_the_wait_may_be_a_date() -> None:
    at = formatdate(time.time() + 3600, usegmt=True)
    with FakeProvider(status(503, headers={"Retry-After": at})) as provider:
        asked = (await failure_of(request_to(provider))).retry_after
    assert asked is not None
    assert 3600 - PATIENCE_S < asked <= 3600


@pytest.mark.parametrize(
    ("reply", "limits"),
    [
        (hang(), replace(LIMITS, first_token=0.3)),
        (stall(0), replace(LIMITS, first_token=0.3)),
        (stall(2), replace(LIMITS, idle=0.3)),
    ],
    ids=["no first byte", "no first token", "silence in the middle"],
)
async def test_a_silence_ends_at_its_limit_and_hangs_up(reply: Reply, limits: Limits) -> None:
    with FakeProvider(reply) as provider:
        began = time.monotonic()
        error = await failure_of(request_to(provider, limits=limits))
        took = time.monotonic() - began
        await all_hung_up(provider)
    assert (str(error), error.may_retry) == ("m was silent for too long", True)
    assert error.__context__ is None
    assert 0.3 <= took < PATIENCE_S


async def test_a_reader_that_takes_its_time_is_not_a_silence() -> None:
    with FakeProvider(ok("One two three.")) as provider:
        came = []
        async for piece in transport.stream(request_to(provider, limits=replace(LIMITS, idle=0.2))):
            came.append(piece.text)
            await asyncio.sleep(0.3)
    assert "".join(came) == "One two three."


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose backlog is full, so that a connection to it is neither taken nor refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


async def test_connecting_has_a_limit_of_its_own() -> None:
    limits = replace(LIMITS, connect=0.2)
    with FakeProvider() as provider, full_port() as port:
        began = time.monotonic()
        error = await failure_of(
            request_to(provider, limits=limits, base_url=f"http://127.0.0.1:{port}/v1")
        )
        took = time.monotonic() - began
    assert error.may_retry
    assert 0.2 <= took < PATIENCE_S


async def test_a_refused_connection_fails_at_once_and_may_be_tried_again() -> None:
    with FakeProvider() as gone:
        pass
    error = await failure_of(request_to(gone))
    assert error.may_retry
    assert str(error) in ("m could not be reached", "m failed on its side")


@pytest.mark.parametrize(
    "reply",
    [hang(), stream(*[{"content": "x"}] * 9_999, every=0.1)],
    ids=["silent", "never ending"],
)
async def test_the_turns_deadline_ends_the_call(reply: Reply) -> None:
    with FakeProvider(reply) as provider:
        began = time.monotonic()
        error = await failure_of(request_to(provider, turn=0.3))
        took = time.monotonic() - began
        await all_hung_up(provider)
    assert isinstance(error, DeadlineError)
    assert 0.3 <= took < PATIENCE_S


async def test_a_deadline_that_is_over_sends_nothing() -> None:
    with FakeProvider() as provider:
        assert isinstance(await failure_of(request_to(provider, turn=-1)), DeadlineError)
    assert provider.requests == []


async def test_thinking_aloud_is_not_silence_though_nothing_is_shown() -> None:
    thoughts = [{"reasoning_content": "hm"}] * 7
    with FakeProvider(stream(*thoughts, {"content": "Yes."}, every=0.3)) as provider:
        pieces = await said(request_to(provider, limits=replace(LIMITS, first_token=2)))
    assert [piece.text for piece in pieces if not piece.thought] == ["Yes.", ""]


@pytest.mark.parametrize("part", ["content", "reasoning_content"])
async def test_an_answer_without_end_is_left_long_before_its_time_is_over(part: str) -> None:
    async def flood(wire: Wire, seen: Seen) -> None:
        deltas = [{part: f"word {number} " * 2_000} for number in range(50)]
        await stream(*deltas, finish=None, usage=None, done=False)(wire, seen)
        await hang()(wire, seen)

    with FakeProvider(flood) as provider:
        error = await failure_of(request_to(provider))
        assert (str(error), error.may_retry) == ("the answer of m did not end", False)
        await all_hung_up(provider)


@pytest.mark.parametrize("counted", [-1, 10**9, 10**30])
async def test_a_count_of_tokens_that_can_be_none_is_none(counted: int) -> None:
    with FakeProvider(ok("Yes.", usage=(counted, 5))) as provider:
        assert (await said(request_to(provider)))[-1] == Piece(finish="stop", output_tokens=5)


async def test_a_cancelled_reader_hangs_up() -> None:
    with FakeProvider(stall(1)) as provider:
        came = asyncio.Event()

        async def read() -> None:
            async for _ in transport.stream(request_to(provider)):
                came.set()

        reading = asyncio.create_task(read())
        await came.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await all_hung_up(provider)


async def test_a_reader_that_leaves_hangs_up() -> None:
    with FakeProvider(stall(3)) as provider:
        async with aclosing(transport.stream(request_to(provider))) as pieces:
            async for _ in pieces:
                break
        await all_hung_up(provider)


async def test_what_the_caller_asks_for_reaches_the_provider() -> None:
    options = {
        "temperature": 0,
        "seed": 3,
        "stop": ["\n"],
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "required",
    }
    with FakeProvider() as provider:
        await said(request_to(provider, options=options))
    sent = provider.requests[0].body
    assert {name: sent.get(name) for name in options} == options
    assert sent["max_tokens"] == 50


async def test_a_dialogue_is_sent_the_same_without_the_clients_walk_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from openai.resources.chat.completions import completions

    walked = []

    async def watched(data: Any, kind: Any) -> Any:
        walked.append(len(data["messages"]))
        return await walk(data, kind)

    walk = vars(completions)["async_maybe_transform"]
    monkeypatch.setattr(completions, "async_maybe_transform", watched)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is \u263a?"}]},
        {"role": "assistant", "content": "Wait.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "A face."},
    ]
    options = {
        "stop": ["."],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "response_format": {"type": "json_object"},
    }
    with FakeProvider() as provider:
        for _ in range(3):
            await said(request_to(provider, messages=messages, options=options))
    first, *others = [seen.body for seen in provider.requests]
    assert first["messages"] == messages
    assert others == [first, first]
    assert walked == [4, 0, 0]


async def test_a_wish_that_a_model_does_not_take_is_dropped_and_a_schema_is_not() -> None:
    schema = {"type": "json_object"}
    options = {"temperature": 0, "top_p": 0.5, "response_format": schema}
    with FakeProvider() as provider:
        await said(request_to(provider, litellm="openai/gpt-5", options=options))
    sent = provider.requests[0].body
    assert sent["response_format"] == schema
    assert not {"temperature", "top_p"} & set(sent)


async def test_a_stop_that_a_model_does_not_take_makes_it_unfit() -> None:
    with FakeProvider() as provider:
        error = await failure_of(
            request_to(provider, litellm="openai/gpt-5", options={"stop": ["."]})
        )
    assert (str(error), error.may_retry) == ("m refused the request", False)
    assert provider.requests == []


def test_the_key_is_not_in_a_requests_repr() -> None:
    with FakeProvider() as provider:
        assert CANARY not in repr(request_to(provider))


async def test_a_key_does_not_follow_a_redirect_to_another_host() -> None:
    with FakeProvider() as other:
        to = other.base_url.replace("127.0.0.1", "localhost") + "/chat/completions"
        with FakeProvider(status(307, headers={"Location": to})) as provider:
            await said(request_to(provider))
    assert CANARY not in str([seen.headers for seen in other.requests])


CALL = """
import asyncio, sys, time
calls = []
def note(event, args):
    if event == "socket.connect": calls.append(args[1])
    if event == "socket.getaddrinfo": calls.append(args[:2])
sys.addaudithook(note)
from graphs.gateway import failures, transport
from graphs.gateway.transport import Limits, Request
transport.load()
assert not calls, calls
before = len(sys.modules)
async def main():
    request = Request(model="m", litellm="openai/fake", messages=[{"role": "user", "content": "x"}],
        max_tokens=9, limits=Limits(), deadline=time.monotonic() + 99, base_url=sys.argv[1], api_key="k")
    print("".join([piece.text async for piece in transport.stream(request)]))
asyncio.run(main())
assert len(sys.modules) - before < 100, "the first call imports on the event loop"
print(sorted({str(call[1]) for call in calls}), sorted({call[0] for call in calls}))
"""


def test_nothing_is_sent_anywhere_else_and_this_machine_is_never_behind_a_proxy() -> None:
    with FakeProvider() as provider, FakeProvider(status(502)) as proxy:
        address = proxy.base_url.removesuffix("/v1")
        clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        ran = subprocess.run(
            [sys.executable, "-c", CALL, provider.base_url],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**clean, "HTTP_PROXY": address, "http_proxy": address, "no_proxy": "example.org"},
        )
        port = provider.base_url.split(":")[2].removesuffix("/v1")
    assert ran.stdout.splitlines() == ["Hello there.", f"['{port}'] ['127.0.0.1']"], ran.stderr
    assert proxy.requests == []
