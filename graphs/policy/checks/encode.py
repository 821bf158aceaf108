"""Writes conditions as clauses: each part of a condition is a literal, and equal parts share one.

It knows nothing of what signals mean; `atoms` gives it their literals.
"""

from collections.abc import Callable, Iterable

from graphs.policy.checks.oracle import Oracle
from graphs.policy.syntax import And, Condition, Not, Reference

__all__ = ["Circuit"]


class Circuit:
    """Gates over an oracle's variables, each defined in both directions."""

    def __init__(self, oracle: Oracle, *, atom: Callable[[Reference], int]) -> None:
        self._oracle = oracle
        self._atom = atom
        self._gates: dict[tuple[int, ...], int] = {}

    def literal(self, condition: Condition | None) -> int:
        """Return the literal that is true where `condition` holds; None holds always."""
        if condition is None:
            return self._oracle.true
        if isinstance(condition, Reference):
            return self._atom(condition)
        if isinstance(condition, Not):
            return -self.literal(condition.part)
        parts = [self.literal(part) for part in condition.parts]
        return self.all_of(parts) if isinstance(condition, And) else self.any_of(parts)

    def any_of(self, literals: Iterable[int]) -> int:
        """Return a literal that is true where one of `literals` is."""
        return -self.all_of(-literal for literal in literals)

    def all_of(self, literals: Iterable[int]) -> int:
        """Return a literal that is true where all of `literals` are."""
        true = self._oracle.true
        distinct = {literal for literal in literals if literal != true}
        if -true in distinct or any(-part in distinct for part in distinct if part > 0):
            return -true
        parts = sorted(distinct)
        if not parts:
            return true
        if len(parts) == 1:
            return parts[0]
        key = tuple(parts)
        if key not in self._gates:
            gate = self._oracle.variable()
            for part in parts:
                self._oracle.fact([-gate, part])
            self._oracle.fact([gate, *(-part for part in parts)])
            self._gates[key] = gate
        return self._gates[key]
