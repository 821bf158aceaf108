"""Whether each rule can be chosen: rules that come before it for certain may leave it no input."""

from collections.abc import Iterator, Sequence

from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding, Severity

__all__ = ["shadowing"]


def shadowing(space: Space) -> Iterator[Finding]:
    """Find rules that are never chosen, and the fewest rules that take all their inputs."""
    passed: list[int] = []
    for level in space.order.levels():
        several = len(level) > 1
        sharp = [index for index in level if several and space.order.may_precede(index)]
        for index in level:
            before = passed + [
                other for other in sharp if other != index and space.order.before(other, index)
            ]
            if space.find([space.rules[index], *_fail(space, before)]) is None:
                yield from _shadowed(space, index, before)
        passed += level


def _fail(space: Space, rules: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(-space.rules[rule] for rule in rules))


def _shadowed(space: Space, index: int, before: Sequence[int]) -> Iterator[Finding]:
    core = space.oracle.core()
    literal = space.rules[index]
    if not space.oracle.possible([literal]):
        return  # a contradiction, which is found elsewhere
    covers = _cover(space, index, before, core)
    rule = space.policy.rules[index]
    names = [space.policy.rules[cover].name for cover in covers]
    together = (
        f"{names[0]!r} comes before it and takes"
        if len(names) == 1
        else (
            f"{', '.join(map(repr, names[:-1]))} and {names[-1]!r} come before it and take together"
        )
    )
    rest: Severity = (
        "note" if rule.when is None and len(covers) > 1 else "error"
    )  # an ELSE must be written
    yield Finding(
        code="shadowed",
        message=f"rule {rule.name!r} is never chosen: {together} all its inputs",
        severity=rest,
        basis=space.refuted("no shadowing", [literal, *_fail(space, covers)]),
        at=rule.at,
        names=(rule.name, *names),
        hint="move it before, narrow the others, or remove it" if rest == "error" else "",
    )


def _cover(space: Space, index: int, before: Sequence[int], core: set[int]) -> list[int]:
    """Return one rule that covers rule `index`, else a set of which none can be left out."""
    for other in before:
        if space.implies(index, other):
            return [other]
    covers = [other for other in before if -space.rules[other] in core]
    for other in tuple(covers):
        fewer = [cover for cover in covers if cover != other]
        if not space.oracle.possible([space.rules[index], *_fail(space, fewer)]):
            covers = fewer
    return covers
