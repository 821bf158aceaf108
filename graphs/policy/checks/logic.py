"""Proves a policy's structure by SAT: exhaustive, and without contradiction, shadowing, conflict and redundancy.

Verdicts are about which signals fire together, whatever the texts are; how accurate a signal is, they do not know.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graphs.policy.checks.conflicts import conflicts
from graphs.policy.checks.coverage import coverage
from graphs.policy.checks.oracle import Oracle
from graphs.policy.checks.redundancy import redundancy
from graphs.policy.checks.shadowing import shadowing
from graphs.policy.checks.space import Axiom, Space
from graphs.policy.checks.vacuity import vacuity
from graphs.policy.findings import Basis, Finding
from graphs.policy.policy import Policy

__all__ = ["Proofs", "prove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What was found, and what each property rests on."""

    findings: tuple[Finding, ...]
    bases: Mapping[str, Basis]
    asked: int
    """How many questions the solver was asked."""


def prove(
    policy: Policy, *, axioms: Iterable[Axiom] = (), classifiers: Collection[str] = ()
) -> Proofs:
    """Check the logic of `policy`.

    Args:
        policy: what is checked.
        axioms: what is assumed of its signals besides what their kinds say.
        classifiers: the types and keys of signals that a classifier reads: nothing is known of these.
    """
    with Oracle() as oracle:
        space = Space(policy, oracle, axioms=axioms, classifiers=classifiers)
        findings = [*coverage(space), *shadowing(space)]
        findings += vacuity(space)
        dead = frozenset(f.names[0] for f in findings if f.code in ("shadowed", "contradiction"))
        findings += conflicts(space)
        findings += redundancy(space, dead=dead)
        there = space.exists(rule.when for rule in policy.rules)
        for about in (
            "no contradiction",
            "no shadowing",
            "no redundancy",
        ):  # each rule has an input
            space.rests(about, there)
        return Proofs(findings=tuple(findings), bases=dict(space.bases), asked=oracle.asked)
