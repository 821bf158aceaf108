"""authz and grant signals: who is calling, by what whoever authenticated them says. They read no text.

A grant stands for a subject by its bare name or as `kind:name`; a user is known by `request.user` alone or by the
grant `user:name`, never by a bare grant of that name. A role is held as `role:name`; without subjects also as `name`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading, Request
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.turn import Turn

__all__ = ["AUTHZ", "GRANT", "granted", "subjects_of"]

KINDS = ("user", "group", "role", "grant")


def _authz(signal: Signal, _: Kit) -> Read:
    accepted = granted(signal)
    users = {name for kind, name in subjects_of(signal) if kind == "user"}

    def read(turn: Turn) -> Reading:
        request: Request = turn.request
        found = request.grants & accepted
        why = request.user if request.user in users else min(found, default="")
        fires = request.user in users or bool(found)
        return fired(fires, float(fires), None, why)

    return read


def _authz_problems(signal: Signal) -> Iterator[Problem]:
    subjects = signal.fields.get("subjects")
    if not signal.fields.get("role") and not subjects:
        yield Problem("role", "is missing, and so are `subjects`: nobody would be meant")
    for subject in subjects or ():
        yield from _subject_problems(subject)


def _subject_problems(subject: Mapping[str, Any]) -> Iterator[Problem]:
    kind, name = subject.get("kind"), subject.get("name")
    if not isinstance(kind, str) or kind.casefold() not in KINDS:
        yield Problem("subjects", f"a kind is {kind!r}, expected one of {', '.join(KINDS)}")
    if not isinstance(name, str) or not name.strip():
        yield Problem("subjects", f"a name is {name!r}, expected a text")
    for unknown in sorted(set(subject) - {"kind", "name"}):
        yield Problem("subjects", f"{unknown!r} is neither kind nor name", "unknown_field")


def granted(signal: Signal) -> frozenset[str]:
    """Return the grants for which a grant or an authz signal fires; none of another signal."""
    if signal.type == "grant":
        return frozenset({str(signal.fields.get("grant", signal.name))})
    if signal.type != "authz":
        return frozenset()
    subjects = subjects_of(signal)
    accepted = {f"{kind}:{name}" for kind, name in subjects}
    accepted |= {name for kind, name in subjects if kind != "user"}
    if role := signal.fields.get("role"):
        accepted |= {f"role:{role}"} if subjects else {f"role:{role}", str(role)}
    return frozenset(accepted)


def subjects_of(signal: Signal) -> list[tuple[str, str]]:
    """Return the kinds and names of an authz signal's subjects; what is none is left out."""
    given = signal.fields.get("subjects")
    found = [s for s in given if isinstance(s, Mapping)] if isinstance(given, list | tuple) else []
    return [(str(s.get("kind", "")).casefold(), str(s.get("name", ""))) for s in found]


def _grant(signal: Signal, _: Kit) -> Read:
    wanted = signal.fields.get("grant", signal.name)

    def read(turn: Turn) -> Reading:
        fires = wanted in turn.request.grants
        return fired(fires, float(fires), None, wanted if fires else "")

    return read


AUTHZ = Family(
    fields={"role": Kind.TEXT, "subjects": Kind.BLOCKS}, prepare=_authz, problems=_authz_problems
)
GRANT = Family(fields={"grant": Kind.TEXT}, prepare=_grant)
