"""Reads a stream as the client of OpenAI's API reads it, past LiteLLM's wrapper, which takes twice the time a piece.

Most providers speak that API, and LiteLLM sends to them by OpenAI's own client: what it opened is read here as it is.
It imports no LiteLLM, maps no errors and keeps no time.
"""

from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import httpx

__all__ = ["OpenAIChunks"]

_WATCHED = ("callbacks", "success_callback", "failure_callback", "post_call_rules")
"""Where a program tells LiteLLM to show it what comes."""
_OTHER_SHAPES = frozenset({"azure_text", "text-completion-codestral", "text-completion-openai"})
"""LiteLLM's names of APIs that are read by the same client and have no messages."""
_SHORTEST_REPEATED = 3
"""Characters; shorter pieces may follow each other often, as in a table."""


class OpenAIChunks:
    """The chunks of one answer."""

    received_finish_reason: str | None = None
    """Why the provider ended, as it says it; None until it did."""

    def __init__(self, opened: Any, *, repeats: int) -> None:
        """`opened` is LiteLLM's wrapper; a text that comes `repeats` times in a row is of a model that goes in circles."""
        self._opened, self._repeats = opened, repeats
        self._chunks: AsyncIterator[Any] = aiter(opened.completion_stream)
        self._text, self._times = "", 0

    @classmethod
    def within(cls, opened: Any, litellm: ModuleType) -> "OpenAIChunks | None":
        """Return the chunks of a stream that LiteLLM opened, None where only LiteLLM can read it."""
        from openai import AsyncStream

        plain = (
            isinstance(opened.completion_stream, AsyncStream)
            and opened.custom_llm_provider not in _OTHER_SHAPES
            and not any(getattr(litellm, name) for name in _WATCHED)
        )
        return cls(opened, repeats=litellm.REPEATED_STREAMING_CHUNK_LIMIT) if plain else None

    def __aiter__(self) -> "OpenAIChunks":
        return self

    async def __anext__(self) -> Any:
        """Return the next chunk.

        Raises:
            ValueError: it is no chunk, or the model goes in circles.
            Exception: whatever the client raises.
        """
        try:
            chunk = await anext(self._chunks)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            if self.received_finish_reason is None:
                raise
            raise StopAsyncIteration from None  # all of the answer had come
        choice = chunk.choices[0] if chunk.choices else None
        if choice is None:
            return chunk
        if choice.finish_reason:
            self.received_finish_reason = str(choice.finish_reason)
        if self.received_finish_reason == "error":
            raise ValueError("the provider ended with an error")
        self._check(choice.delta)
        return chunk

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._opened.aclose()

    def _check(self, delta: Any) -> None:
        text = getattr(delta, "content", None) or ""
        if not isinstance(text, str):
            raise ValueError("a piece is no text")
        if len(text) < _SHORTEST_REPEATED or text != self._text:
            self._text, self._times = text, 1
            return
        self._times += 1
        if self._times >= self._repeats:
            raise ValueError("the model goes in circles")
