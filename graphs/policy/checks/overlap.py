"""Whether two embedding signals that lead to different ends fire on the same texts, as far as examples show.

It looks at the examples that the signals declare, at the texts of TEST cases, and at the centroids. A common group
settles an overlap, and so does a policy in which both cannot decide one turn.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, product

import numpy as np

from graphs.policy.checks.caps import Caps, Rows, inside
from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding
from graphs.policy.policy import Policy
from graphs.policy.syntax import Condition, Not, Reference
from graphs.routing.encoder import Encoder, encode_checked

__all__ = ["overlaps"]

_NEAR = 0.7
"""The cosine of two centroids from which on the published router warns."""
_SHOWN = 3


def overlaps(space: Space, caps: Mapping[str, Caps], encoder: Encoder) -> Iterator[Finding]:
    """Find pairs of signals whose overlap matters."""
    if len(caps) < 2:
        return
    policy = space.policy
    queries = list(dict.fromkeys(test.query for test in policy.tests))
    rows = _rows(queries, encoder)
    asked = _asked(policy)
    grouped = {frozenset(p) for g in policy.groups for p in combinations(g.members, 2)}
    for one, two in combinations(caps.values(), 2):
        if frozenset((one.key, two.key)) in grouped or set(one.examples) == set(two.examples):
            continue
        shared = _shared(one, two, queries, rows)
        cosine = float(_centroid(one) @ _centroid(two))
        if (shared or cosine >= _NEAR) and (rules := _rivals(space, one.key, two.key, asked)):
            yield _finding(space, one, two, shared, cosine, rules)


def _rows(texts: list[str], encoder: Encoder) -> Rows:
    if not texts:
        return np.empty((0, encoder.dim))
    return np.asarray(encode_checked(encoder, texts), dtype=np.float64)


def _centroid(caps: Caps) -> Rows:
    middle = caps.rows.mean(axis=0)
    length = np.linalg.norm(middle)
    found: Rows = middle / length if length > 0 else middle
    return found


def _shared(one: Caps, two: Caps, queries: list[str], rows: Rows) -> list[tuple[str, float, float]]:
    """Return examples and queries on which both fire, with both scores."""
    texts = [*one.examples, *two.examples, *queries]
    vectors = np.concatenate([one.rows, two.rows, rows])
    first, second = inside(one, texts, vectors), inside(two, texts, vectors)
    return [
        (text, first[text], second[text])
        for text in dict.fromkeys(texts)
        if text in first and text in second
    ]


def _asked(policy: Policy) -> Mapping[str, list[int]]:
    """Return for each key the rules whose conditions ask that it fires."""
    asked: dict[str, list[int]] = {}
    for index, rule in enumerate(policy.rules):
        for key in set(_positive(rule.when)):
            asked.setdefault(key, []).append(index)
    return asked


def _positive(condition: Condition | None, *, positive: bool = True) -> Iterator[str]:
    if isinstance(condition, Reference):
        if positive:
            yield condition.key
    elif isinstance(condition, Not):
        yield from _positive(condition.part, positive=not positive)
    elif condition is not None:
        for part in condition.parts:
            yield from _positive(part, positive=positive)


def _rivals(
    space: Space, one: str, two: str, asked: Mapping[str, list[int]]
) -> tuple[int, int] | None:
    """Return two rules of different outcomes that both signals can bring about at once."""
    fire = [space.atoms.literal(one), space.atoms.literal(two)]
    for first, second in product(asked.get(one, ()), asked.get(two, ())):
        if first == second or space.outcomes[first] == space.outcomes[second]:
            continue
        if space.oracle.possible([*fire, space.rules[first], space.rules[second]]):
            return first, second
    return None


def _finding(
    space: Space,
    one: Caps,
    two: Caps,
    shared: list[tuple[str, float, float]],
    cosine: float,
    rules: tuple[int, int],
) -> Finding:
    names = [space.policy.rules[index].name for index in rules]
    shown = "; ".join(f"{t[:60]!r} ({a:.2f}, {b:.2f})" for t, a, b in shared[:_SHOWN])
    where = f"both fire on {shown}" if shared else f"their centroids have the cosine {cosine:.2f}"
    return Finding(
        code="overlap",
        message=f"{one.key!r} (rule {names[0]!r}) and {two.key!r} (rule {names[1]!r}): {where}",
        severity="warning",
        basis="tested" if shared else "proved under assumptions",
        at=max(space.policy.signals[one.key].at, space.policy.signals[two.key].at),
        names=(one.key, two.key, *names),
        example={"fires": sorted((one.key, two.key)), **({"text": shared[0][0]} if shared else {})},
        hint="put them into one group, raise a threshold, or let one rule exclude the other",
    )
