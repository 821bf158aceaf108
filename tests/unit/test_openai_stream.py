"""Answers that are read past LiteLLM's wrapper are the same as those that it reads."""

import json
import time
from typing import Any

import pytest

from agents.errors import ProviderError
from graphs.gateway import transport
from graphs.gateway.openai_stream import OpenAIStream, ServerEvents
from graphs.gateway.pieces import Piece, joined, token_logprobs
from graphs.gateway.transport import Limits, Request
from tests.support.provider import FakeProvider, Reply, cut, ok, stream, tool_call

LIMITS = Limits(connect=60, first_token=60, idle=60, turn=60)


def request_to(provider: FakeProvider) -> Request:
    return Request(
        model="m",
        litellm="openai/fake",
        messages=[{"role": "user", "content": "Hi."}],
        max_tokens=50,
        limits=LIMITS,
        deadline=time.monotonic() + 60,
        base_url=provider.base_url,
        api_key="k",
    )


async def read(reply: Reply) -> tuple[Any, ...]:
    """Return all that an answer comes to: texts, thoughts, calls, counts, finish, error."""
    pieces: list[Piece] = []
    error = None
    with FakeProvider(reply) as provider:
        try:
            async for piece in transport.stream(request_to(provider)):
                pieces.append(piece)
        except ProviderError as caught:
            error = str(caught), caught.may_retry
    calls = [call for piece in pieces for call in piece.tool_calls]
    return (
        "".join(p.text for p in pieces),
        "".join(p.thought for p in pieces),
        [c["index"] for c in calls],
        [c["id"] for c in calls if c["id"]],
        [c["function"]["name"] for c in calls if c["function"]["name"]],
        "".join(c["function"]["arguments"] for c in calls),
        [(p.input_tokens, p.output_tokens, p.finish) for p in pieces[-1:] if p.finish],
        error,
    )


@pytest.mark.parametrize(
    "reply",
    [
        ok("One two three.", usage=(31, 5)),
        stream({"reasoning_content": "hm"}, {"content": "Yes."}),
        stream({"reasoning": "hm"}, {"content": "Yes."}),
        tool_call("add", '{"a":', "1}"),
        stream({"content": "Half"}, finish="length"),
        stream({"content": "Half"}, finish="error"),
        stream(*[{"content": "again "}] * 150),
        cut(2),
    ],
    ids=[
        "text",
        "thoughts",
        "thoughts by another name",
        "a tool",
        "cut by length",
        "an error as finish",
        "in circles",
        "cut",
    ],
)
async def test_what_is_read_is_what_litellm_reads(
    reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await read(reply)
    monkeypatch.setattr(OpenAIStream, "within", lambda *_: None)
    by_litellm = await read(reply)
    assert told[1:] == by_litellm[1:]
    # Of an answer that goes in circles as much is shown as had come.
    assert told[0].startswith(by_litellm[0]) or by_litellm[0].startswith(told[0])


async def test_a_refusal_is_read_as_an_answer() -> None:
    told = await read(stream({"content": None, "refusal": "No "}, {"refusal": "way."}))
    assert (told[0], told[-1]) == ("No way.", None)


async def test_where_somebody_watches_litellm_it_reads_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    litellm = transport.load()
    monkeypatch.setattr(litellm, "success_callback", [lambda *_: None])  # a fake observer
    found = []

    def within(opened: Any, litellm: Any) -> OpenAIStream | None:
        found.append(before(opened, litellm))
        return found[-1]

    before = OpenAIStream.within
    monkeypatch.setattr(OpenAIStream, "within", within)
    assert (await read(ok("One two.")))[0] == "One two."
    assert found == [None]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_found_however_the_body_is_cut(size: int) -> None:
    body = (
        ': hello\n\ndata: {"a": "\u2028ä"}\r\n\r\ndata:1\nevent: x\ndata: 2\n\nid: 3\n\n'.encode()
    )
    body += b"data: [DONE]\n\nda"
    events = ServerEvents()
    found = [data for at in range(0, len(body), size) for data in events.take(body[at : at + size])]
    assert found == ['{"a": "\u2028ä"}'.encode(), b"1\n2", b"[DONE]"]


@pytest.mark.parametrize("block", [b"x" * 100_000, b"data:" + b"x" * 99_995 + b"\n"])
def test_an_event_without_end_is_refused(block: bytes) -> None:
    events = ServerEvents()
    assert [events.take(block) for _ in range(40)] == [[]] * 40
    with pytest.raises(ValueError, match="too long"):
        events.take(block)


def test_events_that_end_may_be_as_many_as_they_are() -> None:
    events, block = ServerEvents(), b"data: " + b"x" * 100_000 + b"\n\n: comment\n"
    assert sum(len(events.take(block)) for _ in range(82)) == 82


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("-0.5", (-0.5,)),
        ("-Infinity", (-100.0,)),
        ("NaN", ()),
        ("Infinity", ()),
        ("1" + "0" * 400, ()),
        ('"-1"', ()),
    ],
)
def test_a_log_probability_is_a_number_or_nothing(told: str, read: tuple[float, ...]) -> None:
    token = {"logprob": json.loads(told)}
    assert token_logprobs({"logprobs": {"content": [token]}}) == read


def test_only_texts_that_follow_each_other_are_joined() -> None:
    call = Piece(tool_calls=[{"index": 0}])
    end = Piece(finish="stop", input_tokens=1, output_tokens=2)
    pieces = [Piece(text="a"), Piece(text="b"), call, Piece(text="c"), Piece(thought="d"), end]
    assert joined(pieces) == [Piece(text="ab"), call, Piece(text="c"), Piece(thought="d"), end]
    assert joined([]) == []
