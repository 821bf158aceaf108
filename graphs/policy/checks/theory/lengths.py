"""What is known of context signals: a prompt has one length, and a signal fires on a range of them."""

import math
from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["span", "write_lengths"]

_UNITS = {"K": 1_000, "M": 1_000_000}


def write_lengths(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let the ends of all ranges part the lengths; within a part the same signals fire."""
    spans = {signal.key: found for signal in signals if (found := span(signal)) is not None}
    ends = {0, *(low for low, _ in spans.values()), *(high + 1 for _, high in spans.values())}
    samples = [
        (int(end), frozenset(key for key, (low, high) in spans.items() if low <= end <= high))
        for end in sorted(ends)
        if math.isfinite(end) and end >= 0
    ]
    atoms.one_of("tokens", samples, keys=list(spans))


def span(signal: Signal) -> tuple[float, float] | None:
    """Return the least and the greatest length on which a context signal fires; None if they cannot be read."""
    low = tokens(signal.fields.get("min_tokens", 0))
    high = tokens(signal.fields.get("max_tokens", math.inf))
    return None if low is None or high is None else (low, high)


def tokens(given: object) -> float | None:
    """Read a number of tokens: 8000, "8000", "8K", "1M"."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given
    text = str(given).strip().upper()
    unit = _UNITS.get(text[-1:], 1)
    try:
        return float(text[:-1] if unit > 1 else text) * unit
    except ValueError:
        return None
