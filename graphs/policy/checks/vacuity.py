"""Whether conditions say anything: one that can never hold, one that always does, an alternative that adds nothing."""

from collections.abc import Iterator

from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding
from graphs.policy.syntax import And, Condition, Not, Or, Place, Reference, references

__all__ = ["vacuity"]


def vacuity(space: Space) -> Iterator[Finding]:
    """Find conditions of rules, agents and grants that cannot hold or cannot fail."""
    for index, rule in enumerate(space.policy.rules):
        known = space.seen(yes=[index]) and space.seen(no=[index])
        yield from _of(space, f"rule {rule.name!r}", rule.name, rule.when, rule.at, known=known)
    for kind, declared in (("agent", space.policy.agents), ("grant", space.policy.grants)):
        for block in declared.values():
            yield from _of(space, f"{kind} {block.name!r}", block.name, block.when, block.at)


def _of(
    space: Space, who: str, name: str, when: Condition | None, at: Place, *, known: bool = False
) -> Iterator[Finding]:
    """Check one condition; `known` says that it was seen to hold and to fail."""
    if when is None:
        return
    literal = space.literal(when)
    if not known and space.find([literal]) is None:
        basis = space.refuted("no contradiction", [literal])
        yield Finding(
            code="contradiction",
            message=f"the condition of {who} can never hold: {_why(space, when)}",
            basis=basis,
            at=at,
            names=(name,),
            hint="correct or remove it",
        )
        return
    if not known and space.find([-literal]) is None:
        basis = space.refuted("no contradiction", [-literal])
        yield Finding(
            code="tautology",
            message=f"the condition of {who} always holds",
            severity="warning",
            basis=basis,
            at=at,
            names=(name,),
            hint="leave WHEN out if that is meant",
        )
    for part, literals in _alternatives(space, when, positive=True, around=()):
        if not space.oracle.possible(literals):
            yield Finding(
                code="dead_clause",
                message=f"an alternative in the condition of {who} can never hold: {_text(part)}",
                severity="warning",
                basis=space.refuted("no contradiction", literals),
                at=next((r.at for r in references(part)), at),
                names=(name,),
                hint="correct or remove it",
            )


def _alternatives(
    space: Space, condition: Condition, *, positive: bool, around: tuple[int, ...]
) -> Iterator[tuple[Condition, tuple[int, ...]]]:
    """Yield each alternative within a condition, and what must hold together for it to count."""
    if isinstance(condition, Reference):
        return
    if isinstance(condition, Not):
        yield from _alternatives(space, condition.part, positive=not positive, around=around)
        return
    literals = [
        space.literal(part) if positive else -space.literal(part) for part in condition.parts
    ]
    if isinstance(condition, Or) == positive:  # a negated AND is a choice too
        for part, literal in zip(condition.parts, literals, strict=True):
            yield (part if positive else Not(part)), (*around, literal)
            yield from _alternatives(space, part, positive=positive, around=around)
        return
    for index, part in enumerate(condition.parts):
        others = (*literals[:index], *literals[index + 1 :])
        yield from _alternatives(space, part, positive=positive, around=(*around, *others))


def _why(space: Space, when: Condition) -> str:
    """Return the smallest part of a condition that cannot hold, as text."""
    if isinstance(when, And):
        literals = {space.literal(part): part for part in when.parts}
        space.oracle.possible(literals)
        needed = [part for literal, part in literals.items() if literal in space.oracle.core()]
        if needed:
            return " AND ".join(map(_text, needed))
    return _text(when)


def _text(condition: Condition) -> str:
    if isinstance(condition, Reference):
        return f'{condition.type}("{condition.name}")'
    if isinstance(condition, Not):
        return f"NOT {_text(condition.part)}"
    word = " AND " if isinstance(condition, And) else " OR "
    return f"({word.join(map(_text, condition.parts))})"
