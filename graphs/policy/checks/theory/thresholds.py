"""What is known of signals that differ only in how much is enough: who passes the higher threshold passes the lower.

Where a plug-in may read a signal by its name, that two of them read the same is an assumption.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from graphs.policy.checks.atoms import Atoms, declaration
from graphs.policy.policy import Signal

__all__ = ["threshold_of", "write_alike"]

_OURS = frozenset({"conversation", "embedding", "reask", "structure"})
_PLUGGED = frozenset({"jailbreak", "pii"})
_DEFAULT = 0.5
Clause = Iterable[int]


def write_alike(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let signals of one type that read the same agree, and the stricter one imply the other.

    Signals of types that read their own name, or that only plug-ins read, are left free.
    """
    if not signals or signals[0].type not in _OURS | _PLUGGED:
        return
    add = atoms.oracle.fact if signals[0].type in _OURS else atoms.oracle.assume
    alike: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        alike[declaration(signal, without=["threshold"])].append(signal)
    for found in alike.values():
        found.sort(key=lambda signal: (threshold_of(signal) is not None, threshold_of(signal) or 0))
        for lower, higher in pairwise(found):
            _compare(lower, higher, atoms, add)
    if signals[0].type == "embedding":
        _subsets(signals, atoms)


def _compare(lower: Signal, higher: Signal, atoms: Atoms, add: Callable[[Clause], None]) -> None:
    least, most = threshold_of(lower), threshold_of(higher)
    if (least is None) != (most is None):
        return
    add([-atoms.raw(higher.key), atoms.raw(lower.key)])
    if least == most:
        add([-atoms.raw(lower.key), atoms.raw(higher.key)])


def threshold_of(signal: Signal) -> float | None:
    """Return a signal's threshold; None if it leaves it to the program and it is not known here."""
    given = signal.fields.get("threshold", _DEFAULT if signal.type == "embedding" else None)
    return given if isinstance(given, int | float) and not isinstance(given, bool) else None


def _subsets(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let an embedding signal imply those that have all its candidates and more, and ask no more of them."""
    alike: defaultdict[str, list[tuple[frozenset[str], float, str]]] = defaultdict(list)
    for signal in signals:
        candidates, threshold = signal.fields.get("candidates"), threshold_of(signal)
        nearest = str(signal.fields.get("aggregation_method", "max")).casefold() != "mean"
        if nearest and isinstance(candidates, list | tuple) and threshold is not None:
            how = declaration(signal, without=["threshold", "candidates", "aggregation_method"])
            alike[how].append((frozenset(map(str, candidates)), threshold, signal.key))
    for found in alike.values():
        for candidates, threshold, key in found:
            for others, least, other in found:
                if key != other and candidates <= others and threshold >= least:
                    atoms.oracle.fact([-atoms.raw(key), atoms.raw(other)])
