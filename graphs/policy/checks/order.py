"""Which of two rules comes first for certain, when both hold.

It knows the order of rules, not their conditions' logic. Where signals' scores decide, nothing is certain, except
that a rule whose confidence is 1 whenever it holds comes before those that it precedes with equal confidence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from graphs.policy.checks.theory.bands import CERTAIN_TYPES
from graphs.policy.policy import Policy, Rule
from graphs.policy.syntax import And, Condition, Not, Or, Reference

__all__ = ["Order"]

Rank = tuple[float, ...]
_TREE, _TIER, _REST = 0, 1, 2


class Order:
    """The order of a policy's rules, by their index."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.rules
        self._strategy = policy.strategy
        trees = list(dict.fromkeys(rule.tree for rule in policy.rules if rule.tree is not None))
        self._ranks = [self._rank(i, rule, trees) for i, rule in enumerate(policy.rules)]
        self._ties = [_tie(rule) for rule in policy.rules]
        self._sure = [_sure(rule.when) for rule in policy.rules]

    def _rank(self, index: int, rule: Rule, trees: Sequence[str]) -> Rank:
        if rule.tree is not None:
            return (_TREE, trees.index(rule.tree), index)
        if rule.tier > 0:
            return (_TIER, rule.tier, rule.when is None)
        if self._strategy == "priority":
            return (_REST, -rule.priority)
        return (_REST, rule.when is None)

    def before(self, first: int, second: int) -> bool:
        """Return whether rule `first` is chosen before `second` whatever their signals' scores are."""
        if self._ranks[first] != self._ranks[second]:
            return self._ranks[first] < self._ranks[second]
        sure, other = self._sure[first], self._sure[second]
        if sure == 1 and other == 0:
            return True
        return self._ties[first] < self._ties[second] and (sure == 1 or sure == other == 0)

    def levels(self) -> list[list[int]]:
        """Return the rules' indexes, those that no rank tells apart together, the first rank first."""
        levels: Mapping[Rank, list[int]] = defaultdict(list)
        for index, rank in enumerate(self._ranks):
            levels[rank].append(index)
        return [levels[rank] for rank in sorted(levels)]


def _tie(rule: Rule) -> tuple[int, str]:
    return -rule.priority, rule.name


def _sure(condition: Condition | None) -> float | None:
    """Return the confidence that a condition has whenever it holds; None if scores decide."""
    if condition is None:
        return 0
    return 1 if _crisp(condition) else None


def _crisp(condition: Condition) -> bool:
    if isinstance(condition, Reference):
        return condition.type in CERTAIN_TYPES
    if isinstance(condition, And):
        return all(map(_crisp, condition.parts))
    if isinstance(condition, Or):
        return all(map(_crisp, condition.parts))
    return isinstance(condition, Not)
