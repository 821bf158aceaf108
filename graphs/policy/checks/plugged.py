"""Which signals a classifier from outside reads: nothing is known of what it says."""

from collections.abc import Collection

from graphs.policy.policy import Policy

__all__ = ["plugged_keys"]


def plugged_keys(policy: Policy, classifiers: Collection[str]) -> frozenset[str]:
    """Return the keys of signals for which a classifier is given, by their type or by `type:name`."""
    return frozenset(
        s.key for s in policy.signals.values() if s.key in classifiers or s.type in classifiers
    )
