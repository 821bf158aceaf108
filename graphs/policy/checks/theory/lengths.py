"""What is known of context and length signals: a prompt has one length, and a signal fires on a range of them."""

import math
from collections.abc import Iterable, Mapping, Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal
from graphs.policy.signals.length import token_count

__all__ = ["mixes_units", "write_contexts", "write_lengths"]

Spans = Mapping[str, tuple[float, float]]
"""The least and the greatest length on which signals fire, by their keys."""


def write_contexts(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let context signals fire on their ranges of tokens."""
    spans = {signal.key: span for signal in signals if (span := _span(signal, "tokens"))}
    for key, literal in _parted("tokens", spans, atoms).items():
        atoms.define(key, literal)


def write_lengths(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let length signals fire on their ranges of characters and words."""
    parts: dict[str, list[int]] = {signal.key: [] for signal in signals}
    for unit in ("chars", "words"):
        spans = {signal.key: span for signal in signals if (span := _span(signal, unit))}
        for key, literal in _parted("wordcount" if unit == "words" else unit, spans, atoms).items():
            parts[key].append(literal)
    for key, literals in parts.items():
        atoms.define(key, atoms.circuit.all_of(literals))


def mixes_units(signals: Iterable[Signal]) -> bool:
    """Return whether length signals ask for characters and for words: how the two go together is not written here."""
    asked = [field for s in signals if s.type == "length" for field in s.fields]
    return all(any(field.endswith(unit) for field in asked) for unit in ("chars", "words"))


def _parted(kind: str, spans: Spans, atoms: Atoms) -> Mapping[str, int]:
    """Return a literal for each span: the ends of all part the lengths, and an input is in one of the parts."""
    ends = {0, *(low for low, _ in spans.values()), *(high + 1 for _, high in spans.values())}
    samples = [
        (int(end), frozenset(key for key, (low, high) in spans.items() if low <= end <= high))
        for end in sorted(ends)
        if math.isfinite(end) and end >= 0
    ]
    return atoms.one_of(kind, samples, keys=list(spans))


def _span(signal: Signal, unit: str) -> tuple[float, float] | None:
    """Return the ends of a signal's range, both included; None if they cannot be read."""
    low = token_count(signal.fields.get(f"min_{unit}", 0))
    high = signal.fields.get(f"max_{unit}", math.inf)
    high = high if high == math.inf else token_count(high)
    return None if low is None or high is None else (low, high)
