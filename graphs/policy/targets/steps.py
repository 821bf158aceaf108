"""The order in which a policy's rules are tried, as far as it is known before a turn.

What is left open is decided by confidence, which needs the signals' readings: `graphs.policy.order` does that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from graphs.policy.decide import Verdict
from graphs.policy.policy import Policy, Rule

__all__ = ["Step", "agents_of", "steps"]

Within = Literal[
    "first",  # the first of the list that holds
    "surest",  # of those that hold the one with the highest confidence
    "mixed",  # the one with the highest priority; but if a rule of a later step holds as well, the surest
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rules that stand at the same place of the order."""

    title: str
    rules: tuple[Rule, ...]
    within: Within
    """Which of several that hold is taken."""
    tree: str | None = None
    tiered: bool = False
    """Whether it is a tier, or what stands before all tiers."""


def agents_of(rule: Rule) -> tuple[str, ...] | None:
    """Return the agents that a rule lets take the turn, as the decision says; None leaves it open."""
    return Verdict(rule=rule, confidence=0.0, hash="", held=()).agents


def steps(policy: Policy) -> tuple[Step, ...]:
    """Return the rules by place, the first place first."""
    if any(rule.tree is not None for rule in policy.rules):
        return tuple(_as_written(policy.rules))
    if any(rule.tier > 0 for rule in policy.rules):
        return tuple(_by_tier(policy))
    return tuple(_by_strategy(policy.rules, policy.strategy))


def _as_written(rules: Sequence[Rule]) -> Iterator[Step]:
    for tree, found in groupby(rules, key=lambda rule: rule.tree):
        title = "as written" if tree is None else f"tree {tree}"
        yield Step(title=title, rules=tuple(found), within="first", tree=tree)


def _by_tier(policy: Policy) -> Iterator[Step]:
    def place(rule: Rule) -> tuple[int, bool]:
        return rule.tier, rule.when is None

    if policy.strategy == "priority" and (loose := [r for r in policy.rules if r.tier <= 0]):
        # Which order they have among themselves depends on whether a rule with a tier holds too.
        yield _step(loose, title="no tier", within="mixed", tiered=True)
        later = [rule for rule in policy.rules if rule.tier > 0]
    else:
        later = list(policy.rules)
    for (tier, always), found in groupby(sorted(later, key=place), key=place):
        title = f"tier {tier}" if tier > 0 else "no tier"
        title += ", whatever is said" if always else ""
        yield _step(list(found), title=title, tiered=True)


def _by_strategy(rules: Sequence[Rule], strategy: str) -> Iterator[Step]:
    def place(rule: Rule) -> tuple[bool, int]:
        return (rule.when is None, 0) if strategy == "confidence" else (False, -rule.priority)

    for (always, priority), found in groupby(sorted(rules, key=place), key=place):
        if strategy == "confidence":
            title = "whatever is said" if always else "by confidence"
        else:
            title = f"priority {-priority}"
        yield _step(list(found), title=title)


def _step(
    rules: list[Rule], *, title: str, within: Within = "surest", tiered: bool = False
) -> Step:
    ordered = tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.name)))
    # Rules without a condition are equally sure of themselves.
    alike = len(ordered) == 1 or all(rule.when is None for rule in ordered)
    return Step(title=title, rules=ordered, within="first" if alike else within, tiered=tiered)
