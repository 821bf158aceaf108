"""What is known of who calls: one user, any set of grants; an authz signal fires for its subjects.

That a caller bears the grant `user:NAME` of no one else is an assumption: whoever authenticates may give any.
"""

from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Policy, Signal
from graphs.policy.signals.caller import subjects_of

__all__ = ["Callers", "write_callers", "write_grants"]


class Callers:
    """The variables of users and grants, each made when it is first asked for."""

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms
        self._known: dict[tuple[str, str], int] = {}

    def __call__(self, kind: str, name: str) -> int:
        """Return the variable of a user or a grant."""
        if (kind, name) not in self._known:
            self._known[kind, name] = self._atoms.fact(kind, name)
        return self._known[kind, name]

    def exclude(self) -> None:
        """Let a caller be one user."""
        names = [name for kind, name in self._known if kind == "user"]
        oracle, any_of = self._atoms.oracle, self._atoms.circuit.any_of
        oracle.at_most_one([self("user", name) for name in names])
        either = [any_of([self("user", n), self("grants", f"user:{n}")]) for n in names]
        oracle.at_most_one(either, assumed=True)

    def tie(self, grant: str, literal: int) -> None:
        """Let a grant be held where `literal` is true and nowhere else, if any signal asks for it."""
        variable = self._known.get(("grants", grant))
        if variable is not None:
            self._atoms.oracle.fact([-variable, literal])
            self._atoms.oracle.fact([variable, -literal])


def write_callers(signals: Sequence[Signal], atoms: Atoms) -> Callers:
    """Let authz and grant signals fire for the users and grants that they name; return the variables of these."""
    callers = Callers(atoms)
    for signal in signals:
        if signal.type == "grant":
            name = str(signal.fields.get("grant", signal.name))
            atoms.define(signal.key, callers("grants", name))
            continue
        literals = [callers(kind, name) for kind, name in _accepted(signal)]
        if literals:
            atoms.define(signal.key, atoms.circuit.any_of(literals))
    callers.exclude()
    return callers


def write_grants(policy: Policy, callers: Callers, atoms: Atoms) -> None:
    """Let what a GRANT block gives be held where its condition holds, whatever the caller brings."""
    for grant in policy.grants.values():
        callers.tie(grant.name, atoms.circuit.literal(grant.when))


def _accepted(signal: Signal) -> list[tuple[str, str]]:
    """Return the users and grants for which an authz signal fires."""
    found: list[tuple[str, str]] = []
    for kind, name in subjects_of(signal):
        found += [("user", name)] if kind == "user" else [("grants", name)]
        found.append(("grants", f"{kind}:{name}"))
    if role := signal.fields.get("role"):
        found += (
            [("grants", f"role:{role}")]
            if found
            else [("grants", f"role:{role}"), ("grants", str(role))]
        )
    return found
