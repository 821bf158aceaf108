"""What can be true of an input: a literal for each signal's key, and what the literals stand for in an example.

A signal has two literals: what it says by itself, and what it says once the groups have chosen their winners. It knows
neither rules nor how the kinds of signals constrain each other; `theory` writes that.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.policy.checks.encode import Circuit
from graphs.policy.checks.oracle import Model, Oracle
from graphs.policy.policy import Signal
from graphs.policy.syntax import Reference

__all__ = ["Atoms", "Fact", "key_of"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a variable says of an input, for examples: `words` contain "urgent", `tokens` are 9000."""

    kind: str
    value: Any


def key_of(reference: Reference) -> str:
    """Return the key that a reference reads: a complexity signal without a level is asked whether it is hard."""
    if reference.type == "complexity" and ":" not in reference.name:
        return f"{reference.key}:hard"
    return reference.key


def declaration(signal: Signal, *, without: Iterable[str] = ()) -> str:
    """Return what a signal reads, as a text that is equal for signals that always agree."""
    skipped = {"description", *without}
    fields = {key: value for key, value in signal.fields.items() if key not in skipped}
    return json.dumps([signal.type, fields], sort_keys=True, default=str)


class Atoms:
    """The literals of keys."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.circuit = Circuit(oracle, atom=self.read)
        self.facts: dict[int, Fact] = {}
        """What variables say of an input besides which signals fire."""
        self._raw: dict[str, int] = {}
        self._chosen: dict[str, int] = {}

    @property
    def keys(self) -> Iterable[str]:
        """The keys that have a literal."""
        return self._raw.keys() | self._chosen.keys()

    def read(self, reference: Reference) -> int:
        """Return the literal of a reference."""
        return self.literal(key_of(reference))

    def literal(self, key: str) -> int:
        """Return the literal that is true where a condition that asks for `key` finds that it fires."""
        return self._chosen[key] if key in self._chosen else self.raw(key)

    def raw(self, key: str) -> int:
        """Return the literal of what the signal says before any group chooses; a free one if nothing is known of it."""
        if key not in self._raw:
            self._raw[key] = self.oracle.variable()
        return self._raw[key]

    def define(self, key: str, literal: int) -> None:
        """Let `key` fire by itself where `literal` is true."""
        self._raw[key] = literal

    def choose(self, key: str, literal: int) -> None:
        """Let `key` fire after its group's choice where `literal` is true."""
        self._chosen[key] = literal

    def fact(self, kind: str, value: Any) -> int:
        """Return a variable that says something of an input."""
        variable = self.oracle.variable()
        self.facts[variable] = Fact(kind, value)
        return variable

    def one_of(
        self, kind: str, samples: Iterable[tuple[Any, frozenset[str]]], *, keys: Sequence[str]
    ) -> Mapping[str, int]:
        """Let an input be as exactly one of `samples`, and return for each of `keys` the literal of its samples.

        Args:
            kind: what the samples' values are.
            samples: a value each, and which of `keys` fire there; those on which the same keys fire are one.
            keys: the keys in question.
        """
        distinct: dict[frozenset[str], int] = {}
        for value, fire in samples:
            if fire not in distinct:
                distinct[fire] = self.fact(kind, value)
        self.oracle.at_most_one(list(distinct.values()))
        self.oracle.fact(distinct.values())
        return {
            key: self.circuit.any_of(v for fire, v in distinct.items() if key in fire)
            for key in keys
        }

    def shown(self, model: Model) -> Mapping[str, list[Any]]:
        """Return the values of a model's facts, by kind."""
        values: dict[str, list[Any]] = {}
        for variable, fact in self.facts.items():
            if holds(model, variable):
                values.setdefault(fact.kind, []).append(fact.value)
        return values


def holds(model: Model, literal: int) -> bool:
    """Return whether a literal is true in a model; a variable that no clause names is false."""
    index = abs(literal) - 1
    value = index < len(model) and model[index] > 0
    return value == (literal > 0)
