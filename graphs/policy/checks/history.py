"""Whether what rules say of models counts for all that these would read, or for the newest message alone.

A word that was said before is sent along with each message after it, to the models of whichever rule these fall under.
"""

from collections.abc import Iterator

from graphs.policy.decide import models_of
from graphs.policy.findings import Finding
from graphs.policy.order import Order
from graphs.policy.policy import Policy, Rule, Signal
from graphs.policy.syntax import references

__all__ = ["history"]

_TYPES = frozenset({"jailbreak", "keyword", "pii", "structure"})


def history(policy: Policy) -> Iterator[Finding]:
    """Tell once of each signal on which a choice of models rests and that reads one message."""
    told: set[str] = set()
    for rule in _choosing(policy):
        for key in _rests_on(rule, policy):
            signal = policy.signals.get(key)
            if signal is not None and _reads_one(signal) and key not in told:
                told.add(key)
                yield _finding(signal, rule.name)


def _choosing(policy: Policy) -> Iterator[Rule]:
    """Yield the rules that say something of models: by naming some, or by leaving open what another would narrow."""
    order = Order(policy)
    naming = [place for place, rule in enumerate(policy.rules) if models_of(rule)]
    for place, rule in enumerate(policy.rules):
        narrower = policy.default_model or not all(
            order.certainly_before(other, place) for other in naming
        )
        if models_of(rule) or (models_of(rule) is None and narrower):
            yield rule


def _rests_on(rule: Rule, policy: Policy) -> list[str]:
    """Return the keys on which a rule rests, through the bands of scores and the other members of groups."""
    keys = dict.fromkeys(reference.key for reference in references(rule.when))
    ready: list[str] = []
    while keys:
        key = next(iter(keys))
        del keys[key]
        ready.append(key)
        keys |= dict.fromkeys(k for k in _behind(key, policy) if k not in ready)
    return ready


def _behind(key: str, policy: Policy) -> Iterator[str]:
    type_, _, name = key.partition(":")
    if type_ == "projection" and name in policy.bands:
        score = policy.scores.get(policy.bands[name][0].source)
        yield from (term.signal for term in score.terms) if score else ()
    for group in policy.groups:
        if key in group.members:
            yield from group.members


def _reads_one(signal: Signal) -> bool:
    return signal.type in _TYPES and signal.fields.get("include_history") is not True


def _finding(signal: Signal, rule: str) -> Finding:
    return Finding(
        code="last_message_only",
        message=(
            f"{signal.key}, on which the models of rule {rule!r} rest, reads the newest message alone, "
            "and what was said before reaches the models of other rules"
        ),
        severity="note",
        at=signal.at,
        names=(signal.key, rule),
        hint="include_history: true reads all that a model would be sent",
    )
