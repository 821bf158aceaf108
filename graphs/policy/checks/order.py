"""Which of two rules comes first for certain, when both hold, and whether the policy says so.

It follows the order in `graphs.policy.order`. Where scores decide, nothing is certain, except that a rule whose
confidence is 1 whenever it holds comes before those that it precedes with equal confidence. Between rules that are
equal in all else their names decide: certain, but hardly meant.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from graphs.policy.checks.sureness import is_sure
from graphs.policy.policy import Policy, Rule
from graphs.policy.syntax import Condition, Not, Reference

__all__ = ["CertainOrder"]

Rank = tuple[float, ...]


class CertainOrder:
    """What is certain of the order of a policy's rules, by their index."""

    def __init__(self, policy: Policy, *, plugged: Collection[str] = ()) -> None:
        self._rules = policy.rules
        self._tree = any(rule.tree is not None for rule in policy.rules)
        self._tiers = any(rule.tier > 0 for rule in policy.rules)
        self._by_priority = policy.strategy == "priority"
        self._sure = [_confidence(rule.when, policy, plugged) for rule in policy.rules]
        self._ranks = [self._rank(i, rule) for i, rule in enumerate(policy.rules)]

    def _rank(self, index: int, rule: Rule) -> Rank:
        """Return what tells rules apart whatever the input is."""
        if self._tree:
            return (index,)
        if self._tiers and (rule.tier == 0 and self._by_priority):
            return (0,)  # how they are ordered depends on whether a rule with a tier holds
        if self._tiers or not self._by_priority:
            return (rule.tier, rule.when is None)
        return (-rule.priority,)

    def before(self, first: int, second: int, *, by_name: bool = True) -> bool:
        """Return whether rule `first` is chosen before `second` whatever their signals' scores are.

        Args:
            first: a rule.
            second: another.
            by_name: whether it is enough that only the names decide.
        """
        if self._ranks[first] != self._ranks[second]:
            return self._ranks[first] < self._ranks[second]
        if self._tiers and self._by_priority and self._rules[first].tier == 0:
            return self._by_tiers(first, second, by_name) and self._by_rest(first, second, by_name)
        return self._surer(first, second, by_name)

    def may_precede(self, index: int) -> bool:
        """Return whether rule `index` comes before another of its rank for certain, if any does."""
        mixed = self._tiers and self._by_priority and self._rules[index].tier == 0
        return mixed or self._sure[index] is not None

    def _by_tiers(self, first: int, second: int, by_name: bool) -> bool:
        """Return what is certain of two rules without tiers where a rule with a tier holds."""
        last = self._rules[first].when is None, self._rules[second].when is None
        return last[0] < last[1] if last[0] != last[1] else self._surer(first, second, by_name)

    def _by_rest(self, first: int, second: int, by_name: bool) -> bool:
        """Return what is certain of them where none does."""
        one, two = self._rules[first].priority, self._rules[second].priority
        return one > two if one != two else self._surer(first, second, by_name)

    def _surer(self, first: int, second: int, by_name: bool) -> bool:
        """Return whether confidence, then priority, then the name puts `first` first."""
        sure, other = self._sure[first], self._sure[second]
        if sure == 1 and other == 0:
            return True
        if not (sure == 1 or sure == other == 0):
            return False
        one, two = self._rules[first], self._rules[second]
        if one.priority != two.priority:
            return one.priority > two.priority
        return by_name and one.name < two.name

    def levels(self) -> list[list[int]]:
        """Return the rules' indexes, those that no rank tells apart together, the first rank first."""
        levels: Mapping[Rank, list[int]] = defaultdict(list)
        for index, rank in enumerate(self._ranks):
            levels[rank].append(index)
        return [levels[rank] for rank in sorted(levels)]


def _confidence(
    condition: Condition | None, policy: Policy, plugged: Collection[str]
) -> float | None:
    """Return the confidence that a condition has whenever it holds; None if scores decide."""
    if condition is None:
        return 0
    return 1 if _sure(condition, policy, plugged) else None


def _sure(condition: Condition, policy: Policy, plugged: Collection[str]) -> bool:
    if isinstance(condition, Reference):
        signal = policy.signals.get(condition.key)
        return signal is not None and signal.key not in plugged and is_sure(signal)
    return isinstance(condition, Not) or all(
        _sure(part, policy, plugged) for part in condition.parts
    )
