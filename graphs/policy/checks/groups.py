"""Whether groups are such that one member wins: their meaning, members and default.

That at most one member fires comes from the choice of a single winner, never from a threshold on shares: with three
members even a threshold above a third lets two of them pass.
"""

from collections import Counter
from collections.abc import Iterator

from graphs.policy.findings import Finding, Severity
from graphs.policy.policy import Group, Policy
from graphs.policy.signals.domain import categories

__all__ = ["SEMANTICS", "groups"]

SEMANTICS = ("exclusive", "softmax_exclusive")
_TYPES = ("domain", "embedding")


def groups(policy: Policy) -> Iterator[Finding]:
    """Find faults of groups."""
    member_of = Counter(member for group in policy.groups for member in set(group.members))
    for group in policy.groups:
        yield from _form(group)
        yield from _members(group, policy)
        for member in group.members:
            if member_of[member] > 1:
                message = f"{member!r} is a member of several groups, expected one"
                yield _finding(group, "member_of_two", message, member)


def _form(group: Group) -> Iterator[Finding]:
    if group.semantics not in SEMANTICS:
        message = f"semantics: given {group.semantics!r:.60}, expected {' or '.join(SEMANTICS)}"
        yield _finding(group, "group_semantics", message)
    if not group.temperature > 0:
        message = f"temperature: given {group.temperature:g}, expected a number above 0"
        yield _finding(group, "out_of_range", message)
    if group.default is None:
        message = "has no default, expected the member that fires where none does"
        yield _finding(group, "no_default", message)
    elif group.default not in group.members:
        message = f"the default {group.default!r} is no member"
        yield _finding(group, "default_no_member", message, group.default)
    if len(group.members) < 2:
        message = f"has {len(group.members)} members, expected at least two"
        yield _finding(group, "group_members", message)


def _members(group: Group, policy: Policy) -> Iterator[Finding]:
    types = dict.fromkeys(member.partition(":")[0] for member in group.members)
    if len(types) > 1:
        message = f"has members of the types {' and '.join(types)}, expected one type"
        yield _finding(group, "mixed_group", message)
    elif any(kind not in _TYPES for kind in types):
        message = f"has {next(iter(types))} signals as members, expected {' or '.join(_TYPES)}"
        yield _finding(group, "mixed_group", message)
    claimed: dict[str, str] = {}
    for member in group.members:
        signal = policy.signals.get(member)
        if signal is None or signal.type != "domain":
            continue
        for label in sorted(categories(signal)):
            other = claimed.setdefault(label, member)
            if other != member:
                message = f"{other!r} and {member!r} share the category {label!r}"
                yield _finding(group, "shared_category", message, other, member, severity="warning")


def _finding(
    group: Group, code: str, message: str, *names: str, severity: Severity = "error"
) -> Finding:
    return Finding(
        code=code,
        message=f"group {group.name!r}: {message}",
        severity=severity,
        at=group.at,
        names=(group.name, *names),
    )
