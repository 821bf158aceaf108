"""What goes wrong, in OpenAI's form of an error, with the status that clients act on.

MoMA's own errors are safe to show. Of any other error only its kind is told, and only to the log.
"""

import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from agents.errors import (
    BudgetError,
    DeadlineError,
    InputError,
    LengthError,
    MomaError,
    NoModelError,
    OverloadError,
    ProviderError,
    RefusedError,
    ThreadError,
)

__all__ = ["QUOTA", "ApiError", "as_api_error", "error_response", "of_status"]

_log = logging.getLogger(__name__)
_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 429: "rate_limit_error",
}  # fmt: skip
QUOTA = "insufficient_quota"
"""OpenAI's code for money that is spent: clients do not try again by themselves."""


class ApiError(Exception):
    """An error as the client sees it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.retry_after = retry_after
        self.counted = False
        """Whether the turn that it ended was counted."""

    @property
    def kind(self) -> str:
        """OpenAI's type of the error."""
        if self.code == QUOTA:
            return QUOTA
        own = "invalid_request_error" if self.status < 500 else "server_error"
        return _TYPES.get(self.status, own)

    def body(self) -> dict[str, Any]:
        """Return what is sent."""
        text = str(self)
        error = {"message": text, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to it."""
        if self.status == 401:
            return {"www-authenticate": "Bearer"}
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after)))
        if self.code == QUOTA:
            headers["x-should-retry"] = "false"  # OpenAI's clients would by themselves
        return headers


def as_api_error(error: Exception) -> ApiError:
    """Return what the client is told of `error`."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, MomaError):
        return _of_moma(error)
    _log.error("a request failed (%s)", type(error).__name__, exc_info=error)
    return ApiError(500, "the server failed; its log says why", code="internal_error")


def of_status(status: int, message: str, *, retry_after: float | None = None) -> ApiError:
    """Return the error of a turn that no model could answer, by the status that it ended with.

    Money is said to be there again the next day, which holds for a day's budgets alone.
    """
    if status == BudgetError.status:
        return ApiError(429, message, code=QUOTA, retry_after=_until_tomorrow())
    codes = {
        DeadlineError.status: "deadline_exceeded",
        NoModelError.status: "no_model",
        RefusedError.status: "request_refused",
    }
    return ApiError(status, message, code=codes.get(status, "no_answer"), retry_after=retry_after)


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that tells `error`."""
    return Response(
        json.dumps(error.body()),
        status_code=error.status,
        headers={**(headers or {}), **error.headers()},
        media_type="application/json",
    )


def _of_moma(error: MomaError) -> ApiError:
    text = str(error)
    if isinstance(error, ThreadError):
        return ApiError(404, text, code="thread_not_found")
    if isinstance(error, LengthError):
        return ApiError(413, text, code="context_length_exceeded", param="messages")
    if isinstance(error, InputError):
        return ApiError(400, text, code="invalid_value")
    if isinstance(error, OverloadError):
        return ApiError(error.status, text, code="overloaded", retry_after=error.retry_after)
    if isinstance(error, ProviderError):
        return of_status(error.status, text, retry_after=error.retry_after)
    if error.status < 500:
        return ApiError(error.status, text)
    if error.status == 503:
        return ApiError(503, text, code="unavailable", retry_after=1.0)
    _log.error("a request failed: %s", text)
    return ApiError(error.status, text, code="internal_error")


def _until_tomorrow() -> float:
    """Return the seconds until the budgets of a day begin anew."""
    now = datetime.now(UTC)
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - now).total_seconds()
