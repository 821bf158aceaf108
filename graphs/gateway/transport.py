"""One call to one model through LiteLLM, streamed, with its retries off. The only module that imports LiteLLM.

It knows nothing of routing, fallback or budgets. What LiteLLM reports as success is checked here: a stream without
a finish reason from the provider, or without any content, is an error. Provider texts never leave this module,
because they can echo a key.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any
from urllib.request import getproxies_environment

import httpx

from agents.errors import BrokenAnswerError, DeadlineError, ProviderError
from graphs.characters import whole
from graphs.gateway.failures import mapped, named
from graphs.gateway.openai_call import opened_here, prepared_here
from graphs.gateway.openai_stream import OpenAIStream, count
from graphs.gateway.pieces import Piece, token_logprobs
from graphs.quick_imports import no_collection
from graphs.redaction import RedactingFilter

_SAFE_ENVIRONMENT = {
    # Without it, importing LiteLLM fetches a price map from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Without it, counting the tokens of some models asks a hub for their tokenizer first.
    "HF_HUB_OFFLINE": "1",
}
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WISHES = frozenset(
    {
        "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "reasoning_effort", "logprobs",
        "parallel_tool_calls", "user",
    }
)  # fmt: skip
"""What may be left out for a model that does not take it; a schema, a tool or a stop may not."""
_LONGEST_ANSWER, _LONGEST_TOKEN = 200_000, 32
"""Characters of an answer that may have no tokens, and so many more for each that it may: words have four or five a
token, and some providers do not count what a model thinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits in seconds; none is infinite."""

    connect: float = 5.0
    first_token: float = 30.0
    idle: float = 15.0
    turn: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent to one deployment."""

    model: str
    """The catalogue's id, for messages."""
    litellm: str
    messages: Sequence[dict[str, Any]]
    max_tokens: int
    limits: Limits
    deadline: float
    """When the turn's time is over, on the monotonic clock."""
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    """`response_format`, `temperature`, `tools` and the like; never an address or a key."""
    idempotency_key: str = ""
    """Sent along, so that a provider that knows such keys does not bill a repeated request twice."""


_litellm: ModuleType | None = None


def loaded() -> bool:
    """Whether LiteLLM is imported."""
    return _litellm is not None


def load() -> ModuleType:
    """Import LiteLLM, which takes seconds, with its network calls and its prints off."""
    global _litellm
    for name, value in _SAFE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _spare_loopback()
    with no_collection():
        import litellm
        import openai.resources.chat  # noqa: F401 or the first call imports it on the event loop, for half a second

    litellm.suppress_debug_info = True
    for name in _LOGGERS:  # they have handlers of their own
        for handler in logging.getLogger(name).handlers:
            if not any(isinstance(f, RedactingFilter) for f in handler.filters):
                handler.addFilter(RedactingFilter())
    _litellm = litellm
    return litellm


def _spare_loopback() -> None:
    """Keep calls to this very machine off a proxy, which could read them and cannot deliver them."""
    if not getproxies_environment():
        return
    spared = [
        x for x in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), *_LOOPBACK) if x
    ]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(
        dict.fromkeys(",".join(spared).split(","))
    )


async def stream(request: Request) -> AsyncGenerator[Piece, None]:
    """Call the model and yield its answer as it comes; the last piece has the finish reason and the usage.

    Raises:
        ProviderError: the call failed; `may_retry` says whether the same deployment may do better.
        BrokenAnswerError: the answer was cut, empty or malformed.
        DeadlineError: the turn's time is over.
    """
    litellm = _litellm if _litellm is not None else await asyncio.to_thread(load)
    answer, parts = _Answer(request), None
    failure: ProviderError | None = None
    if (
        answer.patience() <= 0
    ):  # the import took the turn's time; LiteLLM would leave a call half made
        raise answer.silence()
    try:
        async with answer.waiting():
            opened = await _opened(litellm, request)
        _spare_walk(opened)
        parts = OpenAIStream.within(opened, litellm) or _LiteLLMStream(opened)
        while True:
            async with answer.waiting():
                pieces = await parts.next()
            if pieces is None:
                break
            for piece in pieces:
                if (shown := answer.take(piece)) is not None:
                    yield shown
        last = answer.end(finish=parts.finish)
        if last.finish is None:
            if last != Piece():  # what the provider counted is paid for
                yield last
            raise answer.fault(parts.finish)
        yield last
    except ProviderError:
        raise
    except TimeoutError:
        failure = answer.silence()
    except Exception as error:  # noqa: BLE001 every class of a foreign library is mapped, by a table
        if isinstance(parts, OpenAIStream):  # LiteLLM has not looked at what broke it off
            failure = named("MidStreamFallbackError", request.model)
        else:
            failure = mapped(error, request.model)
    finally:
        if parts is not None:
            await parts.aclose()
    if failure is not None:
        # Raised here, outside `except`, so that the provider's own error is not even its `__context__`.
        raise failure


async def _opened(litellm: ModuleType, request: Request) -> Any:
    """Send the request and return LiteLLM's stream; wishes that this model does not take are dropped."""
    arguments = _arguments(request)
    left_out: frozenset[str] = frozenset()
    here = prepared_here(litellm, model=request.litellm, base_url=request.base_url)
    call = partial(opened_here, litellm) if here else litellm.acompletion
    while True:
        try:
            return await call(
                **{name: value for name, value in arguments.items() if name not in left_out}
            )
        except litellm.UnsupportedParamsError as error:  # LiteLLM's own check: nothing was sent
            if left_out == _WISHES:
                raise
            named = left_out | {wish for wish in _WISHES if f"'{wish}'" in str(error)}
            left_out = named if named != left_out else _WISHES


def _spare_walk(opened: Any) -> None:
    from graphs.gateway.openai_client import spare_walk  # it imports openai, which takes its time

    spare_walk(opened.completion_stream)


def _arguments(request: Request) -> dict[str, Any]:
    limits = request.limits
    return {
        "model": request.litellm,
        "messages": list(request.messages),
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "base_url": request.base_url,
        "api_key": request.api_key,
        # All but the connecting is timed here, where the deadline is known.
        "timeout": httpx.Timeout(limits.turn, connect=limits.connect),
        "num_retries": 0,
        "max_retries": 0,
        # If LiteLLM dropped parameters, it would drop a schema too, and repeat a call that was refused for one.
        "drop_params": False,
        "extra_headers": {"Idempotency-Key": request.idempotency_key},
        **request.options,
    }


class _Answer:
    """What has come of an answer, and how long its next part may take."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._longest_silence = request.limits.first_token
        self._silent_for = 0.0
        """Since the last token, the reader's own time left out."""
        self._shown = False
        self._room = _LONGEST_ANSWER + _LONGEST_TOKEN * request.max_tokens
        self._half = ""
        self._usage = Piece()

    def patience(self) -> float:
        """Return the seconds until a silence is too long."""
        left = self._request.deadline - time.monotonic()
        return min(self._longest_silence - self._silent_for, left)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait for the next part, as long as patience lasts.

        Raises:
            TimeoutError: it is at its end.
        """
        began = time.monotonic()
        async with asyncio.timeout(self.patience()):
            yield
        self._silent_for += time.monotonic() - began

    def silence(self) -> ProviderError:
        """Return the error of a patience that is at its end."""
        model = self._request.model
        if time.monotonic() >= self._request.deadline:
            return DeadlineError("the time for this turn is over", model=model)
        return ProviderError(f"{model} was silent for too long", model=model, retryable=True)

    def take(self, piece: Piece) -> Piece | None:
        """Return what a piece shows, if anything; what it counts is told at the end.

        Raises:
            BrokenAnswerError: the answer is longer than any that ends.
        """
        if piece.input_tokens is not None or piece.output_tokens is not None:
            self._usage = Piece(input_tokens=piece.input_tokens, output_tokens=piece.output_tokens)
            piece = replace(piece, input_tokens=None, output_tokens=None)
        if self._half or not piece.text.isascii():
            piece = replace(piece, text=self._whole(piece.text))
        # A model that thinks aloud is not silent; a piece with nothing in it proves nothing.
        if not (piece.text or piece.tool_calls or piece.thought):
            return None
        self._room -= piece.length
        if self._room < 0:
            raise BrokenAnswerError(
                f"the answer of {self._request.model} did not end", model=self._request.model
            )
        self._longest_silence, self._silent_for = self._request.limits.idle, 0.0
        self._shown |= bool(piece.text or piece.tool_calls)
        return piece

    def _whole(self, text: str) -> str:
        """Return a text of whole characters; a server may cut one in two, whose first half waits for the other."""
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return whole(text.removesuffix(self._half))

    def end(self, *, finish: str | None) -> Piece:
        """Return the last piece; without a finish it only counts what a failed answer used."""
        return replace(self._usage, finish=finish if self._shown else None)

    def fault(self, finish: str | None) -> ProviderError:
        """Return the error of an answer that ended without a finish, or in which nothing was shown."""
        model = self._request.model
        if finish == "content_filter":
            return named("ContentPolicyViolationError", model)
        fault = "was cut off" if finish is None else "was empty"
        return BrokenAnswerError(f"the answer of {model} {fault}", model=model, retryable=True)


class _LiteLLMStream:
    """An answer as LiteLLM reads it, from providers that have an API of their own."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @property
    def finish(self) -> str | None:
        # LiteLLM reports a stream that ended early as a success with `stop`; only this tells.
        finish: str | None = self._opened.received_finish_reason
        return finish

    async def next(self) -> Sequence[Piece] | None:
        """Return the next piece, None at the end."""
        chunk = await anext(self._opened, None)
        if chunk is None:
            return None
        used = getattr(chunk, "usage", None)
        delta = chunk.choices[0].delta if chunk.choices else None
        return [
            Piece(
                text=getattr(delta, "content", None) or "",
                tool_calls=[c.model_dump() for c in (getattr(delta, "tool_calls", None) or ())],
                thought=getattr(delta, "reasoning_content", None) or "",
                input_tokens=count(getattr(used, "prompt_tokens", None)),
                output_tokens=count(getattr(used, "completion_tokens", None)),
                logprobs=token_logprobs(chunk.choices[0]) if chunk.choices else (),
            )
        ]

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._opened.aclose()
