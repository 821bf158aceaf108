"""Faults that are seen without logic: cycles, grants that rest on texts, names that stand twice, what nobody uses."""

from collections.abc import Collection, Iterator

from graphs.policy.checks.plugged import plugged_keys
from graphs.policy.checks.signal_names import used_keys
from graphs.policy.findings import Finding, Severity
from graphs.policy.policy import Policy
from graphs.policy.signals.caller import granted
from graphs.policy.syntax import NOWHERE, Place, references

__all__ = ["structure"]

_GRANTING = frozenset({"authz", "grant", "time"})


def structure(policy: Policy, classifiers: Collection[str] = ()) -> Iterator[Finding]:
    """Find faults of form."""
    yield from _cycles(policy)
    yield from _grants(policy, plugged_keys(policy, classifiers))
    yield from _twice(policy)
    yield from _idle(policy)


def _cycles(policy: Policy) -> Iterator[Finding]:
    """Find mappings whose score reads, at last, their own bands."""
    makes = {f"projection:{band.name}": m.name for m in policy.mappings for band in m.bands}
    reads: dict[str, list[str]] = {}
    for mapping in policy.mappings:
        score = policy.scores.get(mapping.source)
        terms = score.terms if score else ()
        reads[mapping.name] = [makes[t.signal] for t in terms if t.signal in makes]
    told: set[str] = set()
    for mapping in policy.mappings:
        path = _way_back(mapping.name, reads)
        if path and told.isdisjoint(path):
            told |= set(path)
            message = f"projections read each other in a circle: {' -> '.join([*path, path[0]])}"
            yield _finding(
                "cycle", message, mapping.at, *path, hint="let one of them read signals only"
            )


def _way_back(start: str, reads: dict[str, list[str]]) -> list[str]:
    """Return a way from `start` back to it, empty if there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for after in reads[way[-1]]:
            if after == start:
                return way
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return []


def _grants(policy: Policy, plugged: Collection[str]) -> Iterator[Finding]:
    """Find grants that rest on what a text says, or on grants that are given in the same way."""
    kinds = ", ".join(sorted(_GRANTING))
    for grant in policy.grants.values():
        for reference in references(grant.when):
            at = reference.at if reference.at.line else grant.at
            asked = f'{reference.type}("{reference.name}")'
            signal = policy.signals.get(reference.key)
            if reference.type not in _GRANTING or reference.key in plugged:
                by = ", which a classifier reads" if reference.key in plugged else ""
                message = f"grant {grant.name!r} rests on {asked}{by}"
                hint = f"who holds a grant may rest on {kinds} signals only, without a classifier"
                yield _finding("grant_from_text", message, at, grant.name, hint=hint)
                continue
            for name in sorted(granted(signal) & policy.grants.keys()) if signal else ():
                message = (
                    f"grant {grant.name!r} asks for the grant {name!r}, which a GRANT gives too"
                )
                hint = "ask for what that GRANT asks for"
                yield _finding("cycle", message, at, grant.name, name, hint=hint)


def _twice(policy: Policy) -> Iterator[Finding]:
    bands: dict[str, str] = {}
    for mapping in policy.mappings:
        for band in mapping.bands:
            other = bands.setdefault(band.name, mapping.name)
            if other != mapping.name or sum(b.name == band.name for b in mapping.bands) > 1:
                message = (
                    f"the band {band.name!r} of mapping {mapping.name!r} stands in {other!r} too"
                )
                yield _finding("duplicate", message, mapping.at, band.name)
    rules: set[str] = set()
    for rule in policy.rules:
        if rule.name in rules and rule.tree is None:  # reading tells of branches
            yield _finding("duplicate", f"rule {rule.name!r} stands twice", rule.at, rule.name)
        rules.add(rule.name)


def _idle(policy: Policy) -> Iterator[Finding]:
    """Tell what has no effect; none of it is a fault."""
    used = used_keys(policy)
    for signal in policy.signals.values():
        if signal.key not in used:
            message = f"signal {signal.key!r} is used by nothing"
            yield _finding("unused_signal", message, signal.at, signal.key, severity="note")
    sources = {mapping.source for mapping in policy.mappings}
    for score in policy.scores.values():
        if score.name not in sources:
            message = f"score {score.name!r} has no mapping, so nothing can ask for it"
            yield _finding("unused_score", message, score.at, score.name, severity="note")
    for rule in policy.rules:
        answers = any(p.type == "fast_response" for p in rule.plugins)
        if not rule.models and not rule.agents and not answers:
            message = (
                f"rule {rule.name!r} names no model and no agent, so it leaves open who answers"
            )
            yield _finding("no_model", message, rule.at, rule.name, severity="note")


def _finding(
    code: str,
    message: str,
    at: Place = NOWHERE,
    *names: str,
    hint: str = "",
    severity: Severity = "error",
) -> Finding:
    return Finding(code=code, message=message, severity=severity, at=at, names=names, hint=hint)
