"""What a client is told of a turn that nothing may serve: the reason of what it asked for, and whether to come again.

It masks nothing and reads the decision record alone. Clients send a 5xx again by themselves, so it is kept for what may
pass: a breaker that is open, an agent that failed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agents.contract import OutcomeEvent
from agents.errors import NoModelError, ProviderError
from app.server.errors import ApiError, of_status

__all__ = ["refusal_of"]

_SHOWN = 20
"""Candidates whose reasons are told."""
_GAVE_BACK = "gave back"
_FAILED = "failed"
_OF_REQUEST = {
    "modality": 400,
    "tools": 400,
    "form": 400,
    "window": 400,
    "phase": 400,
    _GAVE_BACK: 400,
    "budget": 402,
    "price": 402,
    "policy": 403,
    "residency": 403,
}
"""What a refusal says of the request, or of what its caller may have."""
_Refused = Mapping[str, str]


def refusal_of(record: Mapping[str, Any], *, asked: Collection[str]) -> ApiError:
    """Return the error of a turn that nothing may serve.

    Args:
        record: of the turn.
        asked: the agents and models that alone may serve; empty leaves the choice open.
    """
    agents = record.get("agents") or {}
    models = (record.get("models") or {}).get("masked") or []
    given_back = [_given_back(m, record.get("runs") or ()) for m in agents.get("masked") or ()]
    masked = [m for m in (*models, *given_back) if m["code"] != "not_included"]
    if asked:
        masked = models = [m for m in masked if m["candidate"] in asked]
    masked.sort(key=lambda m: m["code"] == "excluded")
    reasons = "; ".join(f"{m['candidate']}: {m['reason']}" for m in masked[:_SHOWN])
    fault = reasons or (asked and agents.get("reason")) or "there is no model"
    codes = frozenset(m["code"] for m in models)
    all_codes = frozenset(m["code"] for m in masked)
    status = _status(codes, all_codes, narrowed=bool(asked))
    return _error(status, f"nothing may serve this message: {fault}", codes)


def _given_back(masked: _Refused, runs: Sequence[Mapping[str, Any]]) -> _Refused:
    """Return the refusal of an agent that gave the turn back with the reason that it gave; any other as it is."""
    ran = (r for r in reversed(runs) if r["agent"] == masked["candidate"])
    run = next(ran, None) if masked["code"] == "tried" else None
    if run is None:
        return masked
    failed = run["event"] == OutcomeEvent.FAILED
    reason = ": ".join(text for text in (masked["reason"], run["reason"]) if text)
    return {**masked, "code": _FAILED if failed else _GAVE_BACK, "reason": reason}


def _status(codes: frozenset[str], all_codes: frozenset[str], *, narrowed: bool) -> int:
    """Return the status by the codes of those that were asked for, or of the models, and by those of everybody."""
    # A model that has no key could not have answered anything: those that could say what is wrong with the request.
    if told := [_OF_REQUEST[code] for code in codes if code in _OF_REQUEST]:
        return min(told)
    if "health" in all_codes:
        return NoModelError.status
    if _FAILED in all_codes:
        return ProviderError.status
    # Where key and request leave nobody to be asked, that is theirs to change.
    left_out = "excluded" in all_codes or (narrowed and not all_codes)
    return 403 if left_out else 404


def _error(status: int, message: str, codes: frozenset[str]) -> ApiError:
    if status == 400 and codes & {_GAVE_BACK, "phase"}:
        return ApiError(400, message, code="agent_declined", param="model")
    if status == 400:
        code = "context_length_exceeded" if "window" in codes else "unsupported_value"
        return ApiError(400, message, code=code, param="messages")
    if status == 403:
        return ApiError(403, message, code="policy" if "policy" in codes else "no_model")
    if status == 404:
        return ApiError(404, message, code="model_not_found", param="model")
    return of_status(status, message)
