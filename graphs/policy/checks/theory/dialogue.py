"""What is known of a request's form: how many messages and tools it has, and of what it is made."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal
from graphs.policy.signals.dialogue import MODALITIES, counted
from graphs.policy.signals.predicate import predicate

__all__ = ["write_dialogue"]

Bounds = Mapping[str, float]
_DEFAULT: Bounds = {"gt": 0}
_AXES: Mapping[str, tuple[str, Callable[[int], int], Callable[[float], float]]] = {
    "user": ("messages", lambda n: n + 1, lambda bound: bound - 1),
    "all": ("messages", lambda n: 2 * n + 1, lambda bound: (bound - 1) / 2),
    "tools": ("tools", lambda n: n, lambda bound: bound),
}
"""What a source counts by how many messages came before, or tools there are, and the other way round."""


def write_dialogue(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let conversation and modality signals fire on what there is; those that a request does not tell are free."""
    made = {name: atoms.fact("modality", name) for name in MODALITIES}
    atoms.oracle.fact([made["text"]])  # whatever else a message has, its text is read
    axes: defaultdict[str, dict[str, Callable[[int], bool]]] = defaultdict(dict)
    ends: defaultdict[str, set[int]] = defaultdict(set)
    for signal in signals:
        if signal.type == "modality":
            name = str(signal.fields.get("modality", signal.name)).casefold()
            if name in made:
                atoms.define(signal.key, made[name])
            continue
        source, bounds = counted(signal), _bounds(signal)
        if source is None or bounds is None:
            continue
        holds = predicate(bounds)
        if source in made:
            atoms.define(signal.key, _either(made[source], holds(1), holds(0), atoms))
            continue
        axis, count, back = _AXES[source]
        axes[axis][signal.key] = lambda n, holds=holds, count=count: holds(count(n))  # type: ignore[misc]
        ends[axis] |= {end for bound in bounds.values() for end in _around(back(bound))}
    for axis, tests in axes.items():
        samples = _samples(tests, {0, *ends[axis]})
        for key, literal in atoms.one_of(axis, samples, keys=list(tests)).items():
            atoms.define(key, literal)


def _samples(
    tests: Mapping[str, Callable[[int], bool]], numbers: Iterable[int]
) -> list[tuple[int, frozenset[str]]]:
    return [(n, frozenset(k for k, test in tests.items() if test(n))) for n in sorted(numbers)]


def _either(variable: int, there: bool, missing: bool, atoms: Atoms) -> int:
    if there == missing:
        return atoms.oracle.true if there else -atoms.oracle.true
    return variable if there else -variable


def _around(bound: float) -> set[int]:
    return {n for n in range(math.floor(bound) - 1, math.floor(bound) + 3) if n >= 0}


def _bounds(signal: Signal) -> Bounds | None:
    """Return a signal's comparisons, None if they cannot be read, which the signals' own check tells."""
    given = signal.fields.get("predicate") or _DEFAULT
    if not isinstance(given, dict):
        return None
    for name, bound in given.items():
        number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if name not in ("gt", "gte", "lt", "lte") or not number or not math.isfinite(bound):
            return None
    return given
