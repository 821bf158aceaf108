"""One call to one model through LiteLLM, streamed, with its retries off. The only module that imports LiteLLM.

It knows nothing of routing, fallback or budgets. What LiteLLM reports as success is checked here: a stream without
a finish reason from the provider, or without any content, is an error. Provider texts never leave this module,
because they can echo a key.
"""

import asyncio
import math
import os
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any
from urllib.request import getproxies_environment

import httpx

from agents.errors import BrokenAnswerError, DeadlineError, ProviderError

_SAFE_ENVIRONMENT = {
    # Without it, importing LiteLLM fetches a price map from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Without it, counting the tokens of some models asks a hub for their tokenizer first.
    "HF_HUB_OFFLINE": "1",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WISHES = frozenset({"temperature", "top_p", "seed", "logprobs"})
"""What may be left out for a model that does not take it; a schema, a tool or a stop may not."""
_PASSING = frozenset({408, 409, 425, 429})
"""The statuses of refused requests that the same deployment may take later."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an answer."""

    text: str = ""
    tool_calls: Sequence[dict[str, Any]] = ()
    """Partial tool calls, as OpenAI streams them."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish: str | None = None


def load() -> ModuleType:
    """Import LiteLLM, which takes seconds, with its network calls and its prints off."""
    for name, value in _SAFE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _spare_loopback()
    import litellm
    import openai.resources.chat  # noqa: F401 or the first call imports it on the event loop, for half a second

    litellm.suppress_debug_info = True
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
    litellm = await asyncio.to_thread(load)
    answer, chunks = _Answer(request), None
    failure: ProviderError | None = None
    if (
        answer.patience() <= 0
    ):  # the import took the turn's time; LiteLLM would leave a call half made
        raise answer.silence()
    try:
        async with asyncio.timeout(answer.patience()):
            chunks = await _opened(litellm, request)
        while True:
            async with asyncio.timeout(answer.patience()):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            if (piece := answer.take(chunk)) is not None:
                yield piece
        yield answer.end(finish=chunks.received_finish_reason)
    except ProviderError:
        raise
    except TimeoutError:
        failure = answer.silence()
    except Exception as error:  # noqa: BLE001 every class of a foreign library is mapped, by a table below
        failure = _mapped(error, request.model)
    finally:
        if chunks is not None:
            await chunks.aclose()
    if failure is not None:
        # Raised here, outside `except`, so that the provider's own error is not even its `__context__`.
        raise failure


async def _opened(litellm: ModuleType, request: Request) -> Any:
    """Send the request and return LiteLLM's stream; wishes that this model does not take are dropped."""
    arguments = _arguments(request)
    try:
        return await litellm.acompletion(**arguments)
    except litellm.UnsupportedParamsError:  # LiteLLM's own check: nothing was sent
        return await litellm.acompletion(
            **{name: value for name, value in arguments.items() if name not in _WISHES}
        )


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
        self._first_by = time.monotonic() + request.limits.first_token
        self._begun = False
        self._shown = False
        self._usage = Piece()

    def patience(self) -> float:
        """Return the seconds until a silence is too long."""
        now = time.monotonic()
        silence = self._request.limits.idle if self._begun else self._first_by - now
        return min(silence, self._request.deadline - now)

    def silence(self) -> ProviderError:
        """Return the error of a patience that is at its end."""
        model = self._request.model
        if time.monotonic() >= self._request.deadline:
            return DeadlineError("the time for this turn is over", model=model)
        return ProviderError(f"{model} was silent for too long", model=model, retryable=True)

    def take(self, chunk: Any) -> Piece | None:
        """Return what a chunk of LiteLLM's shows, if anything."""
        if (counted := getattr(chunk, "usage", None)) is not None:
            self._usage = Piece(
                input_tokens=counted.prompt_tokens, output_tokens=counted.completion_tokens
            )
        if not chunk.choices:
            return None
        delta = chunk.choices[0].delta
        calls = [call.model_dump() for call in (getattr(delta, "tool_calls", None) or ())]
        # A model that thinks aloud has begun; a chunk that only opens the message proves nothing.
        self._begun |= bool(delta.content or calls or getattr(delta, "reasoning_content", None))
        if not (delta.content or calls):
            return None
        self._shown = True
        return Piece(text=delta.content or "", tool_calls=calls)

    def end(self, *, finish: str | None) -> Piece:
        """Return the last piece.

        Raises:
            BrokenAnswerError: the provider did not say that it finished, or nothing was shown.
        """
        # LiteLLM reports a stream that ended early as a success with `stop`; only its
        # `received_finish_reason` tells.
        fault = "was cut off" if finish is None else None if self._shown else "was empty"
        if fault:
            model = self._request.model
            raise BrokenAnswerError(f"the answer of {model} {fault}", model=model, retryable=True)
        return replace(self._usage, finish=finish)


_MEANING: dict[str, tuple[str, bool]] = {
    "AuthenticationError": ("refused its key", False),
    "PermissionDeniedError": ("refused access", False),
    "NotFoundError": ("does not know this model name", False),
    "ContextWindowExceededError": ("found the text too long for its window", False),
    "ContentPolicyViolationError": ("refused the text by its content policy", False),
    "RateLimitError": ("is at its rate limit", True),
    "Timeout": ("did not answer in time", True),
    "APIConnectionError": ("could not be reached", True),
    "ServiceUnavailableError": ("is not available", True),
    "BadGatewayError": ("is not available", True),
    "InternalServerError": ("failed on its side", True),
    "MidStreamFallbackError": ("broke off in its answer", True),
    "APIResponseValidationError": ("sent something that is not an answer", True),
    "APIError": ("failed on its side", True),
    "BadRequestError": ("refused the request", False),
    "UnprocessableEntityError": ("refused the request", False),
    "BudgetExceededError": ("is over its own budget", False),
    "GuardrailRaisedException": ("refused the text by its content policy", False),
    "BlockedPiiEntityError": ("refused the text by its content policy", False),
    "OSError": ("could not be reached", True),
    "TransportError": ("could not be reached", True),
}
"""What a class of `litellm.exceptions` means, and whether the same deployment may do better; a class that is not here
takes the meaning of its nearest base."""


def _mapped(error: Exception, model: str) -> ProviderError:
    meaning, retryable = _meaning(error)
    status = getattr(error, "status_code", None)
    if retryable and isinstance(status, int) and 400 <= status < 500 and status not in _PASSING:
        # LiteLLM has no class for some refusals, 403 and 413 among them, and calls them `APIError`.
        meaning, retryable = ("refused access" if status == 403 else "refused the request"), False
    return ProviderError(
        f"{model} {meaning}", model=model, retryable=retryable, retry_after=_retry_after(error)
    )


def _meaning(error: Exception) -> tuple[str, bool]:
    for base in type(error).__mro__:
        if base.__name__ in _MEANING:
            return _MEANING[base.__name__]
    return f"failed ({type(error).__name__})", False


def _retry_after(error: Exception) -> float | None:
    """Return the seconds that the provider asks to wait, given in seconds or as a date."""
    headers = getattr(error, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
    text = str((headers or {}).get("retry-after") or "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
