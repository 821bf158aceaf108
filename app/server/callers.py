"""Who sends a request and what they may: the bearer of a key, or the one user of a server on loopback without keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.server.errors import ApiError
from app.server.keys import Key, Keys
from graphs.feedback import source_of
from graphs.state import Context

__all__ = ["ApiCaller", "caller_of"]

_OPEN_WEBUI_USER = "x-openwebui-user-id"
LONGEST_USER = 200
_ANYBODY = Key(sha256="", user=Context().user, debug=True)
"""Who may use a server without keys: whoever is at this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCaller:
    """Who sends a request."""

    user: str
    key: Key

    @property
    def place(self) -> str:
        """Where the caller's threads are: a prefix that no other caller has."""
        return source_of(self.user)


def caller_of(headers: Mapping[str, str], keys: Keys | None) -> ApiCaller:
    """Return who sends a request.

    Args:
        headers: of the request.
        keys: of the server; None lets anybody in, which is for loopback alone.

    Raises:
        ApiError: the key is missing or none of the server's.
    """
    if keys is None:
        return ApiCaller(user=_ANYBODY.user, key=_ANYBODY)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    key = keys.find(given.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise ApiError(
            401,
            "the key is missing or not valid; send it as Authorization: Bearer KEY",
            code="invalid_api_key",
        )
    named = headers.get(_OPEN_WEBUI_USER, "").strip()
    if not key.forwards_users or not named:
        return ApiCaller(user=key.user, key=key)
    if len(named) > LONGEST_USER:
        raise ApiError(400, f"{_OPEN_WEBUI_USER}: at most {LONGEST_USER} characters are taken")
    return ApiCaller(user=f"{key.user}/{named}", key=key)
