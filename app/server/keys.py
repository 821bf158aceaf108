"""The keys of callers: who each of them is and what it may, kept as hashes. It reads no request.

A key has 256 random bits, so that one round of SHA-256 hides it; nothing is gained by a slower hash.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field

from agents.errors import CatalogError, InputError, SettingsError
from agents.source import Source
from graphs.routing.choice import preference_weight

__all__ = ["Key", "Keys", "make_key"]

_PREFIX = "sk-moma-"
"""As other keys begin, so that what takes keys out of logs knows it."""
_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of the file: one key, and what its bearer may."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    user: Annotated[str, Field(pattern="^[^/]{1,200}$")]
    """Whose threads these are. What follows a slash is a user that a chat UI names."""
    grants: tuple[str, ...] = ()
    preference: str | float | None = None
    """Where a request names none; None takes the process's setting."""
    budget_usd: _Usd | None = None
    """The most that a turn may cost."""
    models: tuple[str, ...] = ("*",)
    """Wildcards: the models that may serve."""
    agents: tuple[str, ...] = ("*",)
    """Wildcards: the agents that may serve."""
    forwards_users: bool = False
    """Whether the bearer is a chat UI that names its users, each with threads of their own."""
    debug: bool = False
    """Whether the bearer may read whole decision records."""


class Keys:
    """All keys of a server."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_file(cls, path: Path) -> "Keys":
        """Read the keys.

        Raises:
            SettingsError: the file cannot be read or says something else; it names the line.
        """
        try:
            keys = _read(Source.from_file(path, remedy="set it to the path of a file of keys"))
        except CatalogError as error:
            raise SettingsError(f"MOMA_API_KEYS: {error}") from None
        if not keys:
            raise SettingsError(
                f"MOMA_API_KEYS: {path} holds no key; make one: python -m app.server key --user NAME"
            )
        return cls(keys)

    def find(self, given: str) -> Key | None:
        """Return the entry of a key; the time that it takes does not tell how near a wrong key is."""
        hashed = _hash(given)
        found = None
        for key in self._keys:
            if hmac.compare_digest(hashed, key.sha256):
                found = key
        return found


def make_key(**entry: Any) -> tuple[str, str]:
    """Return a new key, and its entry for the file as YAML.

    Raises:
        CatalogError: a file with this entry would not be taken.
    """
    key = _PREFIX + secrets.token_urlsafe(32)
    # A budget of nothing is a budget.
    given = {name: v for name, v in entry.items() if v is not None and v is not False}
    kept = {"sha256": _hash(key), **given}
    text = yaml.safe_dump([kept], sort_keys=False, allow_unicode=True)
    _read(Source.from_text(text, path="the new entry"))
    return key, text


def _read(source: Source) -> list[Key]:
    """Return the keys of a file.

    Raises:
        CatalogError: it says something else; it names the line.
    """
    keys = source.check(source.value or [], list[Key])
    seen: set[str] = set()
    for number, key in enumerate(keys):
        if key.sha256 in seen:  # the last one would hold, and narrowing the first do nothing
            raise source.fault([number, "sha256"], "given twice; a key has one entry")
        seen.add(key.sha256)
        try:
            if key.preference is not None:
                preference_weight(key.preference)
        except InputError as error:
            raise source.fault([number, "preference"], str(error)) from None
    return keys


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
