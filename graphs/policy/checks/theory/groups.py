"""What is known of groups: one winner among the members that fire by themselves, the default if none does."""

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Group, Policy

__all__ = ["write_groups"]


def write_groups(policy: Policy, atoms: Atoms) -> None:
    """Give the members of each group a second literal: whether the group chose them."""
    taken: set[str] = set()
    for group in policy.groups:
        members = tuple(dict.fromkeys(group.members))
        if members and taken.isdisjoint(members):  # a member of two groups is a fault of its own
            _write_group(group, members, atoms)
            taken.update(members)


def _write_group(group: Group, members: tuple[str, ...], atoms: Atoms) -> None:
    raw = {member: atoms.raw(member) for member in members}
    chosen = {member: atoms.oracle.variable() for member in members}
    atoms.oracle.at_most_one(list(chosen.values()))
    for member, literal in chosen.items():
        atoms.choose(member, literal)
        if member != group.default:
            atoms.oracle.fact([-literal, raw[member]])
    if group.default in chosen:
        default = chosen[group.default]
        atoms.oracle.fact(chosen.values())
        for other in members:
            if other != group.default:  # it wins without firing only where nobody fires
                atoms.oracle.fact([-default, raw[group.default], -raw[other]])
    else:
        for literal in raw.values():
            atoms.oracle.fact([-literal, *chosen.values()])
