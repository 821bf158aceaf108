"""Whether what rules say of models counts for all that these would read, or for the newest message alone.

A word that was said before is sent along with each message after it, to the models of whichever rule these fall under.
"""

from collections.abc import Iterator

from graphs.policy.findings import Finding
from graphs.policy.policy import Policy, Signal
from graphs.policy.syntax import references

__all__ = ["history"]

_TYPES = frozenset({"keyword", "pii", "structure"})


def history(policy: Policy) -> Iterator[Finding]:
    """Tell once of each signal on which a choice of models rests and that reads one message."""
    told: set[str] = set()
    for rule in policy.rules:
        if not rule.models:
            continue
        for reference in references(rule.when):
            signal = policy.signals.get(reference.key)
            if signal is not None and _reads_one(signal) and signal.key not in told:
                told.add(signal.key)
                yield _finding(signal, rule.name)


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
