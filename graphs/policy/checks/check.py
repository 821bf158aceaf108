"""Checks a policy before it runs: names, numbers, groups and forms, then its logic, then where its embeddings lie.

It reads no text of a user and runs no TEST case; `tests` does.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from graphs.policy.checks.caps import axioms, caps_of
from graphs.policy.checks.fields import fields
from graphs.policy.checks.groups import groups
from graphs.policy.checks.history import history
from graphs.policy.checks.known import Known
from graphs.policy.checks.logic import prove
from graphs.policy.checks.numbers import numbers
from graphs.policy.checks.oracle import Oracle
from graphs.policy.checks.overlap import overlaps
from graphs.policy.checks.plugged import plugged_keys
from graphs.policy.checks.signal_names import signal_names
from graphs.policy.checks.space import Space
from graphs.policy.checks.structure import structure
from graphs.policy.checks.target_names import target_names
from graphs.policy.findings import Finding, in_order
from graphs.policy.policy import Policy
from graphs.policy.signals.faults import signal_faults
from graphs.policy.signals.reader import used_signals
from graphs.routing.encoder import Encoder

__all__ = ["check_policy"]

_GIVE = "until a classifier is given for it the policy does not become active"


def check_policy(
    policy: Policy,
    *,
    encoder: Encoder | None = None,
    known: Known | None = None,
    classifiers: Collection[str] = (),
) -> list[Finding]:
    """Return all that is found, by place.

    Args:
        policy: what is checked.
        encoder: tells where examples lie; without one, embedding signals are held independent of each other.
        known: the installation's names; without them only those that the file declares are compared.
        classifiers: the types and keys, `type:name`, of signals for which there is a classifier.
    """
    findings = [*_forms(policy, known or Known(), classifiers)]
    plugged = plugged_keys(policy, classifiers)
    caps = caps_of(policy, encoder, plugged=plugged) if encoder is not None else {}
    assumed = list(axioms(caps))
    findings += prove(policy, axioms=assumed, classifiers=classifiers).findings
    if encoder is not None and len(caps) > 1:
        with Oracle() as oracle:
            findings += overlaps(
                Space(policy, oracle, axioms=assumed, classifiers=classifiers), caps, encoder
            )
    return in_order(findings)


def _forms(policy: Policy, known: Known, classifiers: Collection[str]) -> Iterator[Finding]:
    yield from signal_names(policy)
    yield from target_names(policy, known)
    yield from fields(policy)
    yield from numbers(policy)
    yield from groups(policy)
    yield from structure(policy, classifiers)
    yield from history(policy)
    yield from _signals(policy, classifiers)


def _signals(policy: Policy, classifiers: Collection[str]) -> Iterator[Finding]:
    """Find what the signals' own module finds wrong with their fields.

    What lacks its classifier is a warning where it is asked for: such a policy does not become active here.
    """
    asked = {signal.key for signal in used_signals(policy)[0]}
    for signal in policy.signals.values():
        for finding in signal_faults(signal, classifiers=classifiers):
            lacks = finding.code == "needs_plugin" and signal.key in asked
            yield replace(finding, severity="warning", hint=_GIVE) if lacks else finding
