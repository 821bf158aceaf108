"""A policy as clauses: its rules' literals, their order, and the inputs found so far, which save many questions.

It knows how to ask; the files beside it know what to ask and what to make of the answer.
"""

import random
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from graphs.policy.checks.atoms import Atoms, key_of
from graphs.policy.checks.example import Example, example_of
from graphs.policy.checks.oracle import Model, Oracle
from graphs.policy.checks.order import CertainOrder
from graphs.policy.checks.outcomes import outcome
from graphs.policy.checks.plugged import plugged_keys
from graphs.policy.checks.theory import write_theory
from graphs.policy.checks.theory.lengths import mixes_units
from graphs.policy.findings import Basis
from graphs.policy.policy import Policy
from graphs.policy.syntax import Condition, references

__all__ = ["CRISP_TYPES", "Axiom", "Space"]

Axiom = tuple[tuple[str, bool], ...]
"""An assumption about signals: at least one of the keys fires, or does not where it stands with False."""

CRISP_TYPES = frozenset(
    {
        "authz",
        "context",
        "conversation",
        "grant",
        "holder",
        "keyword",
        "length",
        "language",
        "metadata",
        "modality",
        "phase",
        "structure",
        "time",
    }
)
"""Kinds of signals that fire or not by a fixed rule; of the others it is assumed that an input can be as needed."""


class Space:
    """A policy's rules over an oracle."""

    def __init__(
        self,
        policy: Policy,
        oracle: Oracle,
        *,
        axioms: Iterable[Axiom] = (),
        classifiers: Collection[str] = (),
    ) -> None:
        self.policy = policy
        self.oracle = oracle
        self.atoms = Atoms(oracle)
        self._plugged = plugged_keys(policy, classifiers)
        write_theory(policy, self.atoms, plugged=self._plugged)
        for axiom in axioms:
            oracle.assume(self.atoms.raw(k) if fires else -self.atoms.raw(k) for k, fires in axiom)
        self.rules: Sequence[int] = [self.literal(rule.when) for rule in policy.rules]
        """The rules' literals, by their index."""
        self._signed = [(abs(literal) - 1, 1 if literal > 0 else -1) for literal in self.rules]
        self.order = CertainOrder(policy, plugged=self._plugged)
        self.outcomes = [outcome(rule) for rule in policy.rules]
        self.bases: dict[str, Basis] = {}
        """What each property rests on, where it is not only the policy's text."""
        self._seen = [0] * len(policy.rules)
        self._examples = 0
        self._free = sorted(
            {*map(abs, map(self.atoms.literal, self.atoms.keys)), *self.atoms.facts}
        )
        self.simplify()

    def literal(self, condition: Condition | None) -> int:
        """Return the literal of a condition."""
        return self.atoms.circuit.literal(condition)

    def find(self, literals: Iterable[int]) -> Model | None:
        """Return an input in which `literals` are true, and remember which rules hold in it."""
        return self._remember(self.oracle.example(literals))

    def find_one(self, literals: Iterable[int], *, beside: Iterable[int]) -> Model | None:
        """Return an input in which one of `literals` is true and all of `beside`, and remember it too."""
        return self._remember(self.oracle.one_of(literals, beside=beside))

    def _remember(self, model: Model | None) -> Model | None:
        if model is not None:
            bit = 1 << self._examples
            self._examples += 1
            for index, (variable, sign) in enumerate(self._signed):
                if model[variable] * sign > 0:
                    self._seen[index] |= bit
        return model

    def apart(self, index: int, others: Iterable[int]) -> list[int]:
        """Return which of `others` were not seen to hold where rule `index` does."""
        inputs = self._seen[index]
        return [other for other in others if not self._seen[other] & inputs]

    def vary(self, draw: random.Random, wanted: Iterable[int]) -> None:
        """Let the next input be unlike those before, and many of the literals `wanted` be true in it."""
        bits = draw.getrandbits(len(self._free) or 1)
        self.oracle.prefer(v if bits >> n & 1 else -v for n, v in enumerate(self._free))
        self.oracle.prefer(wanted)

    def simplify(self) -> None:
        """Let the next inputs fire no more signals than they need."""
        self.oracle.prefer(-variable for variable in self._free)

    def seen(self, *, yes: Iterable[int] = (), no: Iterable[int] = ()) -> bool:
        """Return whether an input is remembered in which the rules `yes` hold and the rules `no` do not."""
        inputs = (1 << self._examples) - 1
        for index in yes:
            inputs &= self._seen[index]
        for index in no:
            inputs &= ~self._seen[index]
        return inputs != 0

    def trace(self, index: int) -> int:
        """Return in which of the inputs found so far a rule holds; equivalent rules have equal traces."""
        return self._seen[index]

    def implies(self, first: int, second: int) -> bool:
        """Return whether rule `second` holds wherever rule `first` does."""
        if self.rules[first] == self.rules[second]:
            return True
        if self._seen[first] & ~self._seen[second]:
            return False
        return self.find([self.rules[first], -self.rules[second]]) is None

    def refuted(self, about: str, literals: Iterable[int]) -> Basis:
        """Return what a refusal rests on, and keep it for the property that it is about."""
        return self.rests(about, self.oracle.basis(literals))

    def rests(self, about: str, basis: Basis) -> Basis:
        """Keep what a property rests on: the weakest of what its verdicts do."""
        if basis != "proved" or about not in self.bases:
            self.bases[about] = basis
        return basis

    def shown(self, model: Model, conditions: Iterable[Condition | None]) -> Example:
        """Return an input for a person: what fires of the keys that `conditions` read, and what they rest on."""
        return example_of(self.atoms, model, conditions)

    def exists(self, conditions: Iterable[Condition | None]) -> Basis:
        """Return what it rests on that there is an input as found: crisp signals can be had, others are assumed to."""
        keys = {
            key_of(reference) for condition in conditions for reference in references(condition)
        }
        return "proved" if keys <= self._crisp else "proved under assumptions"

    @cached_property
    def _crisp(self) -> frozenset[str]:
        """The keys that crisp signals decide alone."""
        signals = self.policy.signals
        types = CRISP_TYPES - ({"length"} if mixes_units(signals.values()) else set())
        crisp = {key for key, signal in signals.items() if signal.type in types} - self._plugged
        grown = True
        while grown:
            bands = {
                f"projection:{name}"
                for name, (mapping, _) in self.policy.bands.items()
                if (score := self.policy.scores.get(mapping.source))
                and {t.signal for t in score.terms} <= crisp
            }
            grown = not bands <= crisp
            crisp |= bands
        return frozenset(crisp)
