"""What is known of signals that read shares of one whole: of languages, and of domains.

A share of one half leaves no second one. For domains this is an assumption, that one text has one domain; that two
shares are exactly one half is left out of account.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal
from graphs.policy.signals.domain import categories
from graphs.policy.signals.language import language_of

__all__ = ["write_domains", "write_languages"]

THRESHOLD = 0.5
"""Of both kinds, where none is given."""


def write_languages(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let one language fire, or none."""
    _write({signal.key: frozenset({language_of(signal)}) for signal in signals}, signals, atoms)
    for signal in signals:
        variable = atoms.fact("language", language_of(signal))
        atoms.oracle.fact([-variable, atoms.raw(signal.key)])
        atoms.oracle.fact([variable, -atoms.raw(signal.key)])


def write_domains(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let domains without a category in common exclude each other, and follow from narrower ones."""
    named = [signal for signal in signals if categories(signal)]
    _write({signal.key: frozenset(categories(signal)) for signal in named}, named, atoms)


def _write(labels: Mapping[str, frozenset[str]], signals: Sequence[Signal], atoms: Atoms) -> None:
    """Write what follows from the labels whose shares each signal sums."""
    least = {signal.key: _threshold(signal) for signal in signals}
    for one, two in combinations(labels, 2):
        for first, second in ((one, two), (two, one)):
            if labels[first] <= labels[second] and least[first] >= least[second]:
                atoms.oracle.fact([-atoms.raw(first), atoms.raw(second)])
        if labels[one].isdisjoint(labels[two]) and least[one] + least[two] >= 1:
            atoms.oracle.assume([-atoms.raw(one), -atoms.raw(two)])


def _threshold(signal: Signal) -> float:
    given = signal.fields.get("threshold", THRESHOLD)
    return given if isinstance(given, int | float) and not isinstance(given, bool) else 0.0
