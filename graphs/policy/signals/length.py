"""context and length signals: how long the prompt is in tokens, how long the text is in characters or words.

`8K` is 8,000 tokens, `1M` a million. If the request does not say how many tokens the prompt has, they are estimated as
the gateway does: a token for each 4 bytes of UTF-8 of a text, and 4 a message. All bounds are inclusive.
"""

import re
from collections.abc import Iterator

from graphs.policy.policy import Signal
from graphs.policy.request import Reading, Request
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.turn import Turn

__all__ = ["CONTEXT", "LENGTH", "prompt_tokens", "token_count"]

BYTES_A_TOKEN, TOKENS_A_MESSAGE = 4, 4
_TOKENS = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([kKmM]?)\s*", re.ASCII)
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


def token_count(value: object) -> int | None:
    """Return the number that `8000`, `"8K"` or `"0.5M"` stands for, None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    match = _TOKENS.fullmatch(value) if isinstance(value, str) else None
    return round(float(match[1]) * _UNITS[match[2].lower()]) if match else None


def prompt_tokens(request: Request) -> int:
    """Return the tokens that the request names, or the estimate."""
    if request.tokens is not None:
        return request.tokens
    texts = (request.text, *request.previous, *request.context)
    lengths = (len(text.encode(errors="replace")) for text in texts)
    return sum(-(-length // BYTES_A_TOKEN) + TOKENS_A_MESSAGE for length in lengths)


def _context(signal: Signal, _: Kit) -> Read:
    low = token_count(signal.fields.get("min_tokens", 0)) or 0
    high = token_count(signal.fields["max_tokens"]) if "max_tokens" in signal.fields else None

    def read(turn: Turn) -> Reading:
        tokens = turn.once("tokens", lambda: prompt_tokens(turn.request))
        fires = low <= tokens and (high is None or tokens <= high)
        return fired(fires, float(fires), None, f"{tokens} tokens")

    return read


def _context_problems(signal: Signal) -> Iterator[Problem]:
    low, high = (token_count(signal.fields.get(n)) for n in ("min_tokens", "max_tokens"))
    if low is None and high is None:
        yield Problem("min_tokens", "and `max_tokens` are both missing, expected one of them")
    elif low is not None and high is not None and low > high:
        yield Problem("min_tokens", f"is {low}, above `max_tokens`, {high}", "out_of_range")


def _length(signal: Signal, _: Kit) -> Read:
    bounds = [
        (unit, signal.fields.get(f"min_{unit}", 0), signal.fields.get(f"max_{unit}"))
        for unit in ("chars", "words")
        if f"min_{unit}" in signal.fields or f"max_{unit}" in signal.fields
    ]

    def read(turn: Turn) -> Reading:
        have = {"chars": len(turn.request.text), "words": len(turn.request.text.split())}
        fires = all(low <= have[u] and (high is None or have[u] <= high) for u, low, high in bounds)
        return fired(fires, float(fires), None, f"{have['chars']} chars, {have['words']} words")

    return read


def _length_problems(signal: Signal) -> Iterator[Problem]:
    if not set(signal.fields) & {"min_chars", "max_chars", "min_words", "max_words"}:
        yield Problem("min_chars", "is missing, and so are `max_chars`, `min_words`, `max_words`")
    for unit in ("chars", "words"):
        low, high = signal.fields.get(f"min_{unit}"), signal.fields.get(f"max_{unit}")
        if low is not None and high is not None and low > high:
            yield Problem(f"min_{unit}", f"is {low}, above `max_{unit}`, {high}", "out_of_range")
    words, chars = signal.fields.get("min_words", 0), signal.fields.get("max_chars")
    if chars is not None and 2 * words - 1 > chars:
        yield Problem(
            "min_words",
            f"is {words}: so many have more characters than `max_chars`, {chars}",
            "out_of_range",
        )


CONTEXT = Family(
    fields={"min_tokens": Kind.TOKENS, "max_tokens": Kind.TOKENS},
    prepare=_context,
    problems=_context_problems,
)
LENGTH = Family(
    fields=dict.fromkeys(("min_chars", "max_chars", "min_words", "max_words"), Kind.COUNT),
    prepare=_length,
    problems=_length_problems,
)
