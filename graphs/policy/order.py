"""The order in which rules count when several hold: by what is declared, and by confidence where that leaves it open.

    some rule that holds has a tier     tier (none is 0), catch-all last, confidence, priority, name
    none has, strategy "confidence"     catch-all last, confidence, priority, name
    none has, strategy "priority"       priority, confidence, name
    a tree                              its branches as they stand

A lower tier, a higher confidence and a higher priority come first, names in alphabetical order, as in the published
router (arXiv 2603.04444 and its code).
"""

from collections.abc import Sequence
from typing import Any

from graphs.policy.conditions import confidence_of
from graphs.policy.policy import Policy
from graphs.policy.request import Readings

__all__ = ["Order"]


class Order:
    """The order of a policy's rules; a rule is named by its place in `policy.rules`."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.rules
        self._tree = any(rule.tree is not None for rule in policy.rules)
        self._tiers = any(rule.tier > 0 for rule in policy.rules)
        self._by_priority = policy.strategy == "priority"

    def ranked(self, places: Sequence[int], readings: Readings) -> list[int]:
        """Return rules that hold, the first to count first."""
        if self._tree or len(places) < 2:
            return sorted(places)
        tiered = any(self._rules[place].tier > 0 for place in places)

        def key(place: int) -> tuple[Any, ...]:
            rule = self._rules[place]
            confidence = -confidence_of(rule.when, readings)
            if tiered or not self._by_priority:
                tier = rule.tier if tiered else 0
                return (tier, rule.when is None, confidence, -rule.priority, rule.name)
            return (-rule.priority, confidence, rule.name)

        return sorted(places, key=key)

    def certainly_before(self, first: int, other: int) -> bool:
        """Return whether `first` comes before `other` whenever both hold, whatever else holds and however surely."""
        a, b = self._rules[first], self._rules[other]
        if self._tree:
            return first < other
        if a.tier != b.tier:
            return a.tier < b.tier
        by_confidence = a.when is not None and b.when is None
        if not self._by_priority or a.tier > 0:
            return by_confidence
        # Without a tier, priority decides as long as no rule with a tier holds, and confidence otherwise.
        by_priority = a.priority > b.priority
        return by_priority and by_confidence if self._tiers else by_priority
