"""Whether two rules can claim one input, with nothing but their confidence to choose between them."""

import random
from collections.abc import Iterator

from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding

__all__ = ["conflicting", "conflicts"]

_NAMED = 4
"""Rules that a message names; the finding's `names` have all of them."""


def conflicts(space: Space) -> Iterator[Finding]:
    """Find rules that can hold with an earlier one of another outcome where neither comes first for certain."""
    rules = space.policy.rules
    for index, others in conflicting(space):
        plain = []
        for other in others:
            narrower, wider = space.implies(index, other), space.implies(other, index)
            if not narrower and not wider:
                plain.append(other)
            elif narrower != wider:  # equal conditions are redundant
                narrow, wide = (index, other) if narrower else (other, index)
                if rules[wide].when is not None:
                    yield _generalisation(space, narrow, wide)
        if plain:
            yield _conflict(space, index, plain)


def conflicting(space: Space) -> Iterator[tuple[int, list[int]]]:
    """Yield each rule with the rules before it in the file that can hold with it and have another outcome."""
    draw = random.Random(0)  # noqa: S311 the same policy is checked the same way
    for level in space.order.levels():
        precede = {index: space.order.may_precede(index) for index in level}
        for position, index in enumerate(level):
            precedes = precede[index]
            open_ = [
                other
                for other in level[:position]
                if space.outcomes[other] != space.outcomes[index]
                and not (precedes and space.order.before(index, other, by_name=False))
                and not (precede[other] and space.order.before(other, index, by_name=False))
            ]
            found = _holding(space, index, open_, draw)
            if found:
                yield index, found


def _holding(space: Space, index: int, open_: list[int], draw: random.Random) -> list[int]:
    """Return which of the rules can hold with rule `index`; an input found settles all that hold in it."""
    rest = space.apart(index, open_)
    while rest:
        claims = [space.rules[other] for other in rest]
        space.vary(draw, claims)
        if space.find_one(claims, beside=[space.rules[index]]) is None:
            space.refuted("no conflict", [space.rules[index], space.atoms.circuit.any_of(claims)])
            break
        rest = space.apart(index, rest)
    never = set(rest)
    return [other for other in open_ if other not in never]


def _conflict(space: Space, index: int, others: list[int]) -> Finding:
    rules = space.policy.rules
    conditions = [rules[index].when, rules[others[0]].when]
    space.simplify()
    model = space.find([space.rules[index], space.rules[others[0]]])
    how = _decides(space, index, others[0])
    names = [repr(rules[other].name) for other in others]
    shown = ", ".join(names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    )
    return Finding(
        code="conflict",
        message=f"rule {rules[index].name!r} can hold together with {shown}, and {how} between them",
        severity="warning",
        basis=space.rests("no conflict", space.exists(conditions)),
        at=rules[index].at,
        names=(rules[index].name, *(rules[other].name for other in others)),
        example=None if model is None else space.shown(model, conditions),
        hint="give them different tiers or priorities, or let one exclude the other",
    )


def _generalisation(space: Space, narrow: int, wide: int) -> Finding:
    first, second = space.policy.rules[narrow], space.policy.rules[wide]
    return Finding(
        code="generalisation",
        message=f"wherever rule {first.name!r} holds {second.name!r} does too, and {_decides(space, narrow, wide)}",
        severity="note",
        basis=space.oracle.basis([space.rules[narrow], -space.rules[wide]]),
        at=first.at,
        names=(first.name, second.name),
    )


def _decides(space: Space, one: int, two: int) -> str:
    named = space.order.before(one, two) or space.order.before(two, one)
    return f"only {'the alphabet' if named else 'confidence'} decides"
