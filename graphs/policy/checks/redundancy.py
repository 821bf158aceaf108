"""Whether a rule says what another says already: the same condition, or an input's next rule does the same."""

from collections import defaultdict
from collections.abc import Iterator

from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding

__all__ = ["redundancy"]


def redundancy(space: Space, *, dead: frozenset[str]) -> Iterator[Finding]:
    """Find rules that could be left out; `dead` ones have an error already."""
    live = [i for i, rule in enumerate(space.policy.rules) if rule.name not in dead]
    equal = set()
    for index, other in _equivalent(space, live):
        equal |= {index, other}
        yield _finding(space, index, other, "has the same condition as", also=True)
    for index, other in _superfluous(space, [i for i in live if i not in equal]):
        yield _finding(space, index, other, "changes nothing: its inputs would go to", also=False)


def _equivalent(space: Space, live: list[int]) -> Iterator[tuple[int, int]]:
    """Yield rules that hold on the same inputs, each with the first of them."""
    alike: dict[int, list[int]] = defaultdict(list)
    traces = {index: space.trace(index) for index in live}  # asking leaves more of a trace
    for index in live:
        rule = space.policy.rules[index]
        if rule.tree is not None or rule.when is None:
            continue  # branches of a tree are settled by their order, rules without WHEN are fallbacks
        firsts = alike[traces[index]]
        for first in firsts:
            if space.implies(index, first) and space.implies(first, index):
                yield index, first
                break
        else:
            firsts.append(index)


def _superfluous(space: Space, live: list[int]) -> Iterator[tuple[int, int]]:
    """Yield rules without which every input has the same outcome, each with the rule that takes its inputs."""
    alike: dict[str, list[int]] = defaultdict(list)
    for index in live:
        alike[space.outcomes[index]].append(index)
    gone: set[int] = set()
    for same in alike.values():
        for index in same:
            for other in same:
                if other != index and other not in gone and _takes_over(space, index, other):
                    gone.add(index)
                    yield index, other
                    break


def _takes_over(space: Space, index: int, other: int) -> bool:
    """Return whether `other` covers `index` and no rule of another outcome comes between them."""
    order = space.order
    if (
        space.policy.rules[index].when is None
        or order.before(other, index)
        or not space.implies(index, other)
    ):
        return False
    between = [
        rule
        for rule, outcome in enumerate(space.outcomes)
        if outcome != space.outcomes[index]
        and not order.before(rule, index)
        and not order.before(other, rule)
    ]
    earlier = [-space.rules[rule] for rule in range(len(space.rules)) if order.before(rule, index)]
    if any(space.rules[rule] == space.oracle.true for rule in between):
        return False
    one = space.atoms.circuit.any_of(space.rules[rule] for rule in between)
    return space.find([space.rules[index], one, *earlier]) is None


def _finding(space: Space, index: int, other: int, how: str, *, also: bool) -> Finding:
    rule, kept = space.policy.rules[index], space.policy.rules[other]
    literals = [space.rules[index], -space.rules[other]]
    return Finding(
        code="redundant",
        message=f"rule {rule.name!r} {how} {kept.name!r}",
        # A rule of its own name can be wanted for the record alone.
        severity="warning" if also else "note",
        basis=space.refuted("no redundancy", literals),
        at=rule.at,
        names=(rule.name, kept.name),
        hint="merge them" if also else "remove it",
    )
