"""Reads an answer in the form of OpenAI's API from the connection that LiteLLM opened.

Most providers speak that API. LiteLLM's own reading takes half a millisecond a piece, more than all else that a turn
does; here all pieces that have come are read at once, and the texts among them are one piece. What LiteLLM does beside
is done here too: a model that goes in circles is left, and a connection that breaks after the end has done no harm.
It sends nothing, imports no LiteLLM, maps no errors and keeps no time.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

import httpx

from graphs.gateway.openai_call import watched
from graphs.gateway.pieces import Piece, joined, token_logprobs

__all__ = ["OpenAIStream", "ServerEvents"]

_OTHER_FORMS = frozenset({"azure_text", "text-completion-codestral", "text-completion-openai"})
"""LiteLLM's names of APIs without messages that the same client calls."""
_SHORTEST_REPEATED = 3
"""Characters; shorter pieces may follow each other often, as in a table."""
_LONGEST_EVENT = 4_000_000
"""Bytes of an event that has not ended; an answer's pieces have a few hundred."""
_MOST_TOKENS = 100_000_000
"""Of a call; no window is as large, and no store keeps a number of any size."""
_LINGER_S = 0.05
"""How long the end of a body is waited for, so that its connection can be used again."""


class OpenAIStream:
    """One answer, as lists of the pieces that came at once."""

    def __init__(self, opened: Any, *, repeats: int) -> None:
        """`opened` is LiteLLM's; a text that comes `repeats` times in a row is of a model that goes in circles."""
        self.finish: str | None = None
        """Why the provider ended, in its own words; None until it did."""
        self._opened, self._repeats = opened, repeats
        self._blocks: AsyncIterator[bytes] = opened.completion_stream.response.aiter_bytes()
        self._events = ServerEvents()
        self._done = False
        self._fault: ValueError | None = None
        self._text, self._times = "", 0

    @classmethod
    def within(cls, opened: Any, litellm: ModuleType) -> "OpenAIStream | None":
        """Return the answer in a stream that LiteLLM opened, None where only LiteLLM can read it."""
        from openai import AsyncStream

        readable = (
            isinstance(opened.completion_stream, AsyncStream)
            and opened.custom_llm_provider not in _OTHER_FORMS
            and not watched(litellm)
        )
        return cls(opened, repeats=litellm.REPEATED_STREAMING_CHUNK_LIMIT) if readable else None

    async def next(self) -> Sequence[Piece] | None:
        """Return what comes next, perhaps nothing of an answer; None at its end.

        Raises:
            ValueError: it is no answer in this form, or the model goes in circles.
            Exception: whatever the connection raises.
        """
        if self._fault is not None:
            raise self._fault
        if self._done:
            return None
        try:
            block = await anext(self._blocks, None)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            if self.finish is None:
                raise
            block = None  # all of the answer had come
        return None if block is None else joined(self._read(block))

    async def aclose(self) -> None:
        """Give the connection back."""
        if self._done:
            with suppress(Exception):
                async with asyncio.timeout(_LINGER_S):
                    async for _ in self._blocks:
                        pass
        await self._opened.aclose()

    def _read(self, block: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        try:
            for data in self._events.take(block):
                if data.startswith(b"[DONE]"):
                    self._done = True
                    break
                if (piece := self._piece(json.loads(data.decode()))) is not None:
                    pieces.append(piece)
        except ValueError as error:  # what came before it is told first
            self._fault = error
            if not pieces:
                raise
        return pieces

    def _piece(self, chunk: Any) -> Piece | None:
        """Return what a chunk shows, None if nothing."""
        if not isinstance(chunk, dict) or chunk.get("error"):
            raise ValueError("the provider sent an error")
        usage = _object(chunk.get("usage"))
        choices = chunk.get("choices") or [{}]
        choice = _object(choices[0] if isinstance(choices, list) else None)
        delta = _object(choice.get("delta"))
        if finish := choice.get("finish_reason"):
            self.finish = str(finish)
            if finish == "error":
                raise ValueError("the provider ended with an error")
        text = _text(delta, "content") or _text(delta, "refusal")  # LiteLLM leaves refusals out
        self._check_progress(text)
        calls = delta.get("tool_calls") or ()
        piece = Piece(
            text=text,
            tool_calls=[_call(call, place) for place, call in enumerate(calls)],
            thought=_text(delta, "reasoning_content") or _text(delta, "reasoning"),
            input_tokens=count(usage.get("prompt_tokens")),
            output_tokens=count(usage.get("completion_tokens")),
            logprobs=token_logprobs(choice) if choice.get("logprobs") else (),
        )
        return None if piece == _NOTHING else piece

    def _check_progress(self, text: str) -> None:
        if len(text) < _SHORTEST_REPEATED or text != self._text:
            self._text, self._times = text, 1
            return
        self._times += 1
        if self._times >= self._repeats:
            raise ValueError("the model goes in circles")


class ServerEvents:
    """Finds the data of server-sent events in the blocks of a body (https://html.spec.whatwg.org/#server-sent-events)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._length = 0

    def take(self, block: bytes) -> list[bytes]:
        """Return the data of the events that this block completes.

        Raises:
            ValueError: an event goes on for more than `_LONGEST_EVENT` bytes.
        """
        found = []
        for line in self._lines(block):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._length += len(line)
            elif not line and self._data:
                found.append(b"\n".join(self._data))
                self._data.clear()
                self._length = 0
        if self._length + len(self._rest) > _LONGEST_EVENT:
            raise ValueError("an event is too long")
        return found

    def _lines(self, block: bytes) -> list[bytes]:
        """Return the lines that this block completes; what is kept of the last is read once, at its end."""
        head, newline, tail = block.rpartition(b"\n")
        if not newline:
            self._rest += tail
            return []
        lines = bytes(self._rest + head).split(b"\n")
        self._rest = bytearray(tail)
        return [line.removesuffix(b"\r") for line in lines]


def count(given: Any) -> int | None:
    """Return a provider's count of tokens; None where it is none, or can be none."""
    return given if isinstance(given, int) and 0 <= given <= _MOST_TOKENS else None


_NOTHING = Piece(tool_calls=[])


def _object(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name) or ""
    if not isinstance(text, str):
        raise ValueError("a piece is no text")
    return text


def _call(given: Any, place: int) -> dict[str, Any]:
    """Return a part of a call of a tool as OpenAI's API has it."""
    call = _object(given)
    function = _object(call.get("function"))
    index = count(call.get("index"))
    return {
        "index": place if index is None else index,
        "id": _text(call, "id") or None,
        "type": "function",
        "function": {
            "name": _text(function, "name") or None,
            "arguments": _text(function, "arguments"),
        },
    }
