"""Signals of an answer that need no further call: how probable its tokens were to the model itself, and its short form.

Token probabilities count only where a calibration was fitted: between models they have no common scale.
"""

import re
from collections.abc import Sequence

from graphs.checking.calibration import Calibration
from graphs.checking.check import Asked, Finding, Given, rated
from graphs.checking.reading import closing, marked, normalised

__all__ = ["LOGPROBS", "LogprobCheck", "short_answer", "token_signal"]

LOGPROBS = "logprobs"
_LONGEST, _MOST_WORDS = 60, 4
_LONGEST_SENTENCE = 12
"""Words of a sentence that is read for what it says something is."""
_NUMBER = re.compile(
    r"([\u20ac\u00a3]?)\s*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*(%|[a-z\u20ac\u00a3]*)"
)
_UNITS = {"%": "percent", "$": "dollar", "\u20ac": "euro", "\u00a3": "pound"}
_PLURAL = re.compile(r"(?<=[a-z]{3})s$")


class LogprobCheck:
    """How probable the tokens of an answer were to the model that wrote it."""

    name = LOGPROBS

    def __init__(self, calibration: Calibration | None) -> None:
        self._calibration = calibration

    async def find(self, answer: Given, asked: Asked) -> Finding | None:
        """Return what the tokens say; None where the provider tells nothing of them."""
        if not answer.logprobs:
            return None
        raw = token_signal(answer.logprobs)
        worth = rated(self._calibration, LOGPROBS, answer, raw)
        said = f"log probability of a token: mean {raw[0]:.2f}, least {raw[1]:.2f}"
        return Finding(
            check=LOGPROBS,
            said=said if worth.probability is not None else f"{said}; not calibrated, so not used",
            probability=worth.probability,
            log_odds=worth.log_odds,
        )


def token_signal(logprobs: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the least log probability of an answer's tokens."""
    return sum(logprobs) / len(logprobs), min(logprobs)


def short_answer(text: str) -> str | None:
    """Return an answer in a form in which equal answers are equal texts; None for a text that is no short answer.

    It is what is marked as the answer, or what the only line says something is.
    """
    found = marked(text)
    if found == text.strip():
        if "\n" in found or _words(found) > _LONGEST_SENTENCE:
            return None
        found = found if _words(found) <= _MOST_WORDS else closing(found)
    plain = normalised(found)
    if not plain or len(plain) > _LONGEST or _words(plain) > _MOST_WORDS:
        return None
    number = _NUMBER.fullmatch(plain)
    if number is None:
        return plain
    unit = number[3] or number[1] or ("$" if _in_dollars(text, found) else "")
    unit = _UNITS.get(unit) or _PLURAL.sub("", unit)
    return f"{float(number[2].replace(',', '')):.12g} {unit}".strip()


def _in_dollars(text: str, found: str) -> bool:
    """Return whether a `$` stands at an answer within a text; two are the marks of a formula."""
    start = text.rfind(found)
    return text[max(start - 1, 0) : start + len(found)].count("$") == 1


def _words(text: str) -> int:
    return len(text.split())
