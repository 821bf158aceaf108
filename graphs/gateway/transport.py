"""One call to one model through LiteLLM, streamed, with its retries off. The only module that imports LiteLLM.

It knows nothing of routing, fallback or budgets. What LiteLLM reports as success is checked here: a stream without
a finish reason from the provider, or without any content, is an error. Provider texts never leave this module,
because they can echo a key.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from agents.errors import BrokenAnswerError, ProviderError

_SAFE_ENVIRONMENT = {
    # Without it, importing LiteLLM fetches a price map from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


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
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    """`response_format`, `temperature`, `tools` and the like; never an address or a key."""


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
    """Import LiteLLM, which takes seconds, with its network calls and its own retries off."""
    for name, value in _SAFE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import litellm

    litellm.telemetry = False
    litellm.drop_params = True
    litellm.num_retries = 0
    litellm.suppress_debug_info = True
    return litellm


async def stream(request: Request) -> AsyncIterator[Piece]:
    """Call the model and yield its answer as it comes; the last piece has the finish reason and the usage.

    Raises:
        ProviderError: the call failed; `may_retry` says whether the same deployment may do better.
        BrokenAnswerError: the answer was cut, empty or malformed.
    """
    litellm = await asyncio.to_thread(load)
    try:
        async with asyncio.timeout(request.limits.connect + request.limits.first_token):
            chunks = await litellm.acompletion(**_arguments(request))
        async for piece in _pieces(chunks, request):
            yield piece
    except (ProviderError, asyncio.CancelledError, GeneratorExit):
        raise
    except TimeoutError:
        raise _silent(request) from None
    except Exception as error:  # noqa: BLE001 every class of a foreign library is mapped, by a table below
        raise _mapped(error, request.model) from None


def _arguments(request: Request) -> dict[str, Any]:
    return {
        "model": request.litellm,
        "messages": list(request.messages),
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "base_url": request.base_url,
        "api_key": request.api_key,
        "timeout": request.limits.first_token,
        "stream_timeout": request.limits.idle,
        "num_retries": 0,
        "max_retries": 0,
        **request.options,
    }


async def _pieces(chunks: Any, request: Request) -> AsyncIterator[Piece]:
    iterator = chunks.__aiter__()
    shown, usage, limit = False, Piece(), request.limits.first_token
    while True:
        try:
            async with asyncio.timeout(limit):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise _silent(request) from None
        limit = request.limits.idle
        if (counted := getattr(chunk, "usage", None)) is not None:
            usage = Piece(
                input_tokens=counted.prompt_tokens, output_tokens=counted.completion_tokens
            )
        if not chunk.choices:
            continue
        delta = chunk.choices[0].delta
        calls = [call.model_dump() for call in (getattr(delta, "tool_calls", None) or ())]
        if delta.content or calls:
            shown = True
            yield Piece(text=delta.content or "", tool_calls=calls)
    finish = getattr(chunks, "received_finish_reason", None)
    if finish is None:
        # LiteLLM reports a stream that ended early as a success with `stop`; only this attribute tells.
        raise BrokenAnswerError(
            f"the answer of {request.model} was cut off", model=request.model, retryable=True
        )
    if not shown:
        raise BrokenAnswerError(
            f"the answer of {request.model} was empty", model=request.model, retryable=True
        )
    yield Piece(finish=finish, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)


def _silent(request: Request) -> ProviderError:
    return ProviderError(
        f"{request.model} was silent for too long", model=request.model, retryable=True
    )


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
}
"""What a class of `litellm.exceptions` means, and whether the same deployment may do better; a class that is not here
takes the meaning of its nearest base."""


def _mapped(error: Exception, model: str) -> ProviderError:
    for base in type(error).__mro__:
        if base.__name__ in _MEANING:
            meaning, retryable = _MEANING[base.__name__]
            return ProviderError(f"{model} {meaning}", model=model, retryable=retryable)
    return ProviderError(f"{model} failed ({type(error).__name__})", model=model, retryable=False)
