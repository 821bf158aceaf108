"""What the errors of LiteLLM mean, by the names of their classes: our own text, and what may be tried next.

It imports no LiteLLM. Provider texts stay behind, because they can echo a key.
"""

import math
import time
from email.utils import parsedate_to_datetime

from agents.errors import ProviderError, RefusedError, Remedy

__all__ = ["MEANING", "mapped", "named"]

_LONGEST_WAIT_S = 86_400.0
"""Who asks to wait for longer, as until the year 9999, has a wrong clock; clients take what they are told."""
_PASSING = frozenset({408, 409, 425, 429})
"""The statuses of refused requests that the same deployment may take later."""
_REQUEST, _POLICY = "refused the request", "refused the text by its content policy"
MEANING: dict[str, tuple[str, bool, Remedy]] = {
    "AuthenticationError": ("refused its key", False, "key"),
    "PermissionDeniedError": ("refused access", False, "key"),
    "NotFoundError": ("does not know this model name", False, "any"),
    "ContextWindowExceededError": ("found the text too long for its window", False, "window"),
    "ContentPolicyViolationError": (_POLICY, False, "provider"),
    "RateLimitError": ("is at its rate limit", True, "any"),
    "Timeout": ("did not answer in time", True, "any"),
    "APIConnectionError": ("could not be reached", True, "any"),
    "ServiceUnavailableError": ("is not available", True, "any"),
    "BadGatewayError": ("is not available", True, "any"),
    "InternalServerError": ("failed on its side", True, "any"),
    "MidStreamFallbackError": ("broke off in its answer", True, "any"),
    "APIResponseValidationError": ("sent something that is not an answer", True, "any"),
    "APIError": ("failed on its side", True, "any"),
    "BadRequestError": (_REQUEST, False, "provider"),
    "UnprocessableEntityError": (_REQUEST, False, "provider"),
    "UnsupportedParamsError": (_REQUEST, False, "any"),
    "BudgetExceededError": ("is over its own budget", False, "key"),
    "GuardrailRaisedException": (_POLICY, False, "provider"),
    "BlockedPiiEntityError": (_POLICY, False, "provider"),
    "OSError": ("could not be reached", True, "any"),
    "TransportError": ("could not be reached", True, "any"),
}
"""What a class of `litellm.exceptions` means, whether the same deployment may do better, and which other one may; a
class that is not here takes the meaning of its nearest base."""
_NO_PROVIDER: tuple[str, bool, Remedy] = (
    "was not called: LiteLLM knows no provider of its `litellm` name, which is as openai/NAME",
    False,
    "any",
)
"""LiteLLM finds no provider to send the request to, and calls that a bad request to one without a name."""
_UNNAMED: dict[int, tuple[str, bool, Remedy]] = {
    402: (_REQUEST, False, "key"),
    403: ("refused access", False, "key"),
    413: ("found the text too long for its window", False, "window"),
}
"""Refusals that LiteLLM has no class for and calls `APIError`."""


def mapped(error: Exception, model: str) -> ProviderError:
    """Return the error of our own for one of a foreign library, without its text."""
    meaning = _meaning(error)
    status = getattr(error, "status_code", None)
    if meaning[1] and isinstance(status, int) and 400 <= status < 500 and status not in _PASSING:
        meaning = _UNNAMED.get(status, MEANING["BadRequestError"])
    return _error(meaning, model, retry_after=_retry_after(error))


def _meaning(error: Exception) -> tuple[str, bool, Remedy]:
    if type(error).__name__ == "BadRequestError" and getattr(error, "llm_provider", None) == "":
        return _NO_PROVIDER
    for base in type(error).__mro__:
        if base.__name__ in MEANING:
            return MEANING[base.__name__]
    return f"failed ({type(error).__name__})", False, "any"


def named(name: str, model: str) -> ProviderError:
    """Return the error that the class of this name would be mapped to."""
    return _error(MEANING[name], model)


def _error(
    meaning: tuple[str, bool, Remedy], model: str, *, retry_after: float | None = None
) -> ProviderError:
    text, retryable, remedy = meaning
    # A key without money is refused as the request is, and is none of the request's.
    wrong = text in (_REQUEST, _POLICY) and remedy != "key"
    kind = RefusedError if wrong else ProviderError
    return kind(
        f"{model} {text}",
        model=model,
        retryable=retryable,
        retry_after=retry_after,
        remedy=remedy,
    )


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
        except (ValueError, OverflowError):  # as of the hour 99999999999
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S) if math.isfinite(seconds) else None
