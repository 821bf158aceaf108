"""What is known of signals that differ only in how much is enough: who passes the higher threshold passes the lower."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from graphs.policy.checks.atoms import Atoms, declaration
from graphs.policy.policy import Signal

__all__ = ["write_thresholds"]


def write_thresholds(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let the stricter of two signals that read the same imply the other."""
    alike: defaultdict[str, list[tuple[float, Signal]]] = defaultdict(list)
    for signal in signals:
        threshold = signal.fields.get("threshold")
        if isinstance(threshold, int | float) and not isinstance(threshold, bool):
            alike[declaration(signal, without=["threshold"])].append((threshold, signal))
    for found in alike.values():
        found.sort(key=lambda pair: pair[0])
        for (_, lower), (_, higher) in pairwise(found):
            atoms.oracle.fact([-atoms.raw(higher.key), atoms.raw(lower.key)])
    if signals and signals[0].type == "embedding":
        _subsets(signals, atoms)


def _subsets(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let an embedding signal imply those of the same kind that have all its candidates, and ask no more of them."""
    alike: defaultdict[str, list[tuple[frozenset[str], float, str]]] = defaultdict(list)
    for signal in signals:
        read = _nearest(signal)
        if read is not None:
            alike[declaration(signal, without=["threshold", "candidates"])].append(read)
    for found in alike.values():
        for candidates, threshold, key in found:
            for others, least, other in found:
                if candidates < others and threshold >= least:
                    atoms.oracle.fact([-atoms.raw(key), atoms.raw(other)])


def _nearest(signal: Signal) -> tuple[frozenset[str], float, str] | None:
    """Return candidates, threshold and key of a signal that asks for the nearest candidate only."""
    fields: dict[str, Any] = signal.fields
    candidates, threshold = fields.get("candidates"), fields.get("threshold")
    if fields.get("aggregation_method", "max") not in ("max", "any") or isinstance(threshold, bool):
        return None
    if not isinstance(candidates, list | tuple) or not isinstance(threshold, int | float):
        return None
    return frozenset(map(str, candidates)), threshold, signal.key
