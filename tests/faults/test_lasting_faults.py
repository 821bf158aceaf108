"""Test 12: each exception of LiteLLM's. What lasts is never repeated on its deployment; who can help is asked."""

import inspect
from typing import Any

import httpx
import pytest

from graphs.gateway import fallback, transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.models import Model
from tests.support.bars import bar
from tests.support.turns import chat_of, run

PASSING = {
    "APIConnectionError", "APIError", "APIResponseValidationError", "BadGatewayError", "InternalServerError",
    "JSONSchemaValidationError", "MidStreamFallbackError", "MockException", "RateLimitError",
    "ServiceUnavailableError", "Timeout",
}  # fmt: skip
"""What may be gone a moment later."""
ANOTHER_KEY, ANOTHER_PROVIDER, A_LARGER_WINDOW = {"other_key", "other"}, {"other"}, {"larger"}
HELPS = {
    "AuthenticationError": ANOTHER_KEY,
    "BadRequestError": ANOTHER_PROVIDER,
    "BlockedPiiEntityError": ANOTHER_PROVIDER,
    "BudgetExceededError": ANOTHER_KEY,
    "ContentPolicyViolationError": ANOTHER_PROVIDER,
    "ContextWindowExceededError": A_LARGER_WINDOW,
    "GuardrailRaisedException": ANOTHER_PROVIDER,
    "ImageFetchError": ANOTHER_PROVIDER,
    "InvalidRequestError": ANOTHER_PROVIDER,
    "LiteLLMUnknownProvider": ANOTHER_PROVIDER,
    "PermissionDeniedError": ANOTHER_KEY,
    "RejectedRequestError": ANOTHER_PROVIDER,
    "UnprocessableEntityError": ANOTHER_PROVIDER,
    "VectorStoreSearchError": ANOTHER_PROVIDER,
}
"""Which of the deployments below can help after a lasting failure of `first`; those that are not here: any."""
OTHERS = ("twin", "other_key", "other", "larger")


def _models() -> list[Model]:
    """A deployment and four others: a twin, another key, another provider, and a twin with a larger window."""
    common: dict[str, Any] = {"litellm": "openai/fake", "context_tokens": 8_000, "price": None}
    one, two = "http://127.0.0.1:9/v1", "http://127.0.0.2:9/v1"
    return [
        Model(id="first", base_url=one, **common),
        Model(id="twin", base_url=one, **common),
        Model(id="other_key", base_url=one, key="OTHER_KEY", **common),
        Model(id="other", base_url=two, **common),
        Model(id="larger", base_url=one, **{**common, "context_tokens": 99_000}),
    ]


def _classes() -> list[type[Exception]]:
    exceptions = transport.load().exceptions
    return [
        found
        for _, found in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(found, Exception) and found.__module__ == exceptions.__name__
    ]


def _raised(kind: type[Exception]) -> Exception:
    """Return an instance; each class wants other arguments."""
    request = httpx.Request("POST", "http://127.0.0.1:9")
    known: dict[str, Any] = {
        "message": "m", "model": "m", "llm_provider": "openai",
        "status_code": getattr(kind, "status_code", 500),
        "response": httpx.Response(500, request=request), "request": request,
        "body": None, "headers": {}, "failures": [],
    }  # fmt: skip
    parameters = inspect.signature(kind.__init__).parameters
    given = {
        name: known.get(name, 1.0 if "cost" in name or "budget" in name else "x")
        for name, parameter in list(parameters.items())[1:]
        if parameter.default is inspect.Parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    return kind(**given)


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.faults)])
async def test_12_permanent_errors(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    raised: list[Exception] = []

    async def opened(litellm: Any, request: Any) -> Any:
        called.append(request.model)
        raise raised[-1]

    monkeypatch.setattr(transport, "_opened", opened)
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.001)
    classes, wrong = _classes(), list[str]()
    for kind in classes:
        raised.append(_raised(kind))
        called.clear()
        gateway = Gateway(_models())
        ended = await run(gateway, chat_of("Hi.", gateway))
        assert ended.error is not None
        repeats = len(called) - len(set(called))
        if kind.__name__ not in PASSING and repeats:
            wrong.append(f"{kind.__name__} was repeated: {called}")
        if kind.__name__ in PASSING and "first" not in called[1:]:
            wrong.append(f"{kind.__name__} was not repeated: {called}")
        # Each of the others in turn, alone with the first.
        helping = set()
        for other in OTHERS:
            called.clear()
            gateway = Gateway(_models())
            await run(gateway, chat_of("Hi.", gateway, order=["first", other]))
            helping |= set(called) - {"first"}
        if helping != HELPS.get(kind.__name__, set(OTHERS)):
            wrong.append(f"{kind.__name__} went to {sorted(helping)}")
    assert not wrong, "\n".join(wrong)
    if full:
        bar(
            12,
            "every class of litellm.exceptions",
            len(classes),
            "0 lasting ones repeated, 0 fallbacks that cannot help",
            "0 repeats; fallback only where it can help",
        )
