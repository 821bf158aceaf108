"""Takes keys and personal data out of texts that leave the dialogue: logs, errors, the decision record.

Personal data means e-mail addresses, phone numbers, numbers of payment cards, and IBANs; names and addresses are not
recognised, so prompts are not logged at all. Keys are known by their form, and by the environment that holds them.

    logging.getLogger().handlers[0].addFilter(RedactingFilter())  # for whoever embeds the graph
"""

import functools
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from graphs.check_digits import iban_at, is_card

__all__ = ["RedactingFilter", "hide", "keep_quiet", "redact", "redact_fields", "trace_of"]

_TALKATIVE = (
    "LiteLLM",
    "LiteLLM Router",
    "LiteLLM Proxy",
    "aiosqlite",
    "openai",
    "mcp",
    "a2a",
    "httpx2",
)
"""These write down whole requests or whole checkpoints at the level of debugging."""

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_hidden: set[str] = set()
"""Variables that hold keys and are not known by their name."""
_SHORTEST_SECRET = 8
"""Shorter values are ordinary words, as in `SOME_TOKEN=none`."""
_KEYS = re.compile(
    r"""
    -----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    | (?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*                                # a JSON web token
    | \b(?:sk|pk|rk|gsk|xai|hf|glpat|ghp|gho|ghs|github_pat|xox[abprs]|lsv2)[-_][\w-]{16,}
    | \bAIza[\w-]{30,} | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = r"(?:api[_-]?key|x-api-key|password|secret|access[_-]?token)\\*['\"]?\s*[:=]\s*"
_NAMED_KEY = re.compile(
    rf"""(\bbearer\s+ | \bbasic\s+(?-i:(?=[A-Za-z0-9+/]{{8,}}={{0,2}}(?![\w-]))(?=[a-z]*[A-Z0-9+/=]))
    | authorization\\*['"]?\s*[:=]\s*\\*['"]?(?:[a-z][\w-]*\s+)?
    | {_NAME}\\*['"]?)
    (?!\[key\])([^\s'",;&\\]{{6,}} | [^\s'"]{{6,}})""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED_KEY = re.compile(
    rf"""({_NAME}(\\*['"]))
    [^\n]{{6,500}}?(?=\2)""",
    re.IGNORECASE | re.VERBOSE,
)
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@\[]*:)(?!\d{1,5}(?:[/?#\s]|$))[^\s'\"<>]{1,200}(@)")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}|\d{13,19})(?![\w-]|\.\d)"
)
_PHONE = re.compile(
    r"""(?<![\w.-])(?:
      (?:\+|00)\d{1,3}[ /()-]{0,2}\d(?:[ /()-]{0,2}\d){6,12}   # with the country
    | \(?0\d{1,4}\)?[ /-]{1,2}\d(?:[ /-]?\d){4,9}              # with the area
    | \(?[2-9]\d\d\)?[ .-]\d{3}[ .-]\d{4}                      # as in North America
    )(?![\w-]|\.\d)""",
    re.VERBOSE,
)
_FREE_TEXT = frozenset({"reason", "error", "degraded"})
"""What in a record is written by agents or comes from errors."""
_OWN_TEXT = frozenset({"masked", "considered", "frontier"})
"""What the router writes, by the thousand where there are so many agents: ids, numbers and sentences of its own."""


def redact(text: str) -> str:
    """Return `text` with keys and personal data replaced by what they were, as `[key]` or `[e-mail]`."""
    for secret in _secrets():
        text = text.replace(secret, "[key]")
    text = _KEYS.sub("[key]", text)
    text = _QUOTED_KEY.sub(r"\1[key]", text)
    text = _NAMED_KEY.sub(r"\1[key]", text)
    text = _PASSWORD_IN_URL.sub(r"\1[key]\2", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _without(_IBAN, iban_at, "[iban]", text)
    text = _without(_CARD, lambda found: found if is_card(found) else "", "[card]", text)
    return _PHONE.sub("[phone]", text)


def redact_fields(record: Any) -> Any:
    """Return a JSON-plain record with its free texts redacted; ids and numbers stay as they are."""
    if isinstance(record, dict):
        return {
            name: redact(value)
            if name in _FREE_TEXT and isinstance(value, str)
            else value
            if name in _OWN_TEXT
            else redact_fields(value)
            for name, value in record.items()
        }
    return [redact_fields(item) for item in record] if isinstance(record, list) else record


def trace_of(error: BaseException) -> str:
    """Return where a foreign error and those that led to it arose, the first one first.

    Their texts are left out: they may quote the prompt, which no pattern could know.
    """
    parts: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        parts.append("".join(traceback.format_tb(at.__traceback__)) + type(at).__name__)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n".join(reversed(parts))


class RedactingFilter(logging.Filter):
    """Redacts what a handler is about to write, tracebacks included; it lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place."""
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001 a line that cannot be formed is its writer's fault, not the caller's
            said = f"{record.msg} (its arguments do not fit)"
        record.msg, record.args = redact(said), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def keep_quiet() -> None:
    """Keep what users say out of the logs even where all debugging is on, unless a logger was set by name before."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


def hide(names: Iterable[str]) -> None:
    """Take the values of these variables of the environment for keys from now on, whatever they are called."""
    _hidden.update(names)


def _secrets() -> list[str]:
    """Return the values of the environment that are keys, the longest first."""
    names = [*_secret_names(tuple(os.environ)), *_hidden]
    values = (os.environ.get(name, "") for name in names)
    return sorted({v for v in values if len(v) >= _SHORTEST_SECRET}, key=len, reverse=True)


@functools.lru_cache(maxsize=4)
def _secret_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if _SECRET_NAME.search(name))


def _without(pattern: re.Pattern[str], checked: Callable[[str], str], label: str, text: str) -> str:
    """Return `text` with `label` for what passes a check; what fails it may hide one that begins later."""
    pieces, done, at = [], 0, 0
    while match := pattern.search(text, at):
        found = checked(match[0])
        at = match.start() + (len(found) or 1)
        if found:
            pieces += [text[done : match.start()], label]
            done = at
    return "".join([*pieces, text[done:]])
