"""What is known of who calls: one user, any set of groups; an authz signal fires for its subjects."""

from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["write_callers"]


def write_callers(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let authz signals with the same subjects agree, and those of different users exclude each other."""
    users: dict[str, int] = {}
    grants: dict[str, int] = {}
    for signal in signals:
        chosen: list[int] = []
        for kind, name in subjects(signal):
            if kind == "user":
                chosen.append(users.setdefault(name, 0) or _new(users, "user", name, atoms))
            else:
                grant = f"{kind}:{name}"
                chosen.append(grants.setdefault(grant, 0) or _new(grants, "grants", grant, atoms))
        if chosen:
            atoms.define(signal.key, atoms.circuit.any_of(chosen))
    atoms.oracle.at_most_one(list(users.values()))


def subjects(signal: Signal) -> list[tuple[str, str]]:
    """Return the kinds and names of an authz signal's subjects; what is none is left out."""
    given = signal.fields.get("subjects")
    found = [s for s in given if isinstance(s, dict)] if isinstance(given, list | tuple) else []
    return [(str(s.get("kind", "")).lower(), str(s.get("name", ""))) for s in found]


def _new(known: dict[str, int], kind: str, value: str, atoms: Atoms) -> int:
    known[value] = atoms.fact(kind, value)
    return known[value]
