"""Whether the signals that conditions, scores, groups and composers name are declared."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphs.policy.checks.names import nearest
from graphs.policy.findings import Finding
from graphs.policy.policy import Policy
from graphs.policy.signals.complexity import LEVELS
from graphs.policy.syntax import Condition, Place, references

__all__ = ["conditions", "signal_names", "used_keys"]


def signal_names(policy: Policy) -> Iterator[Finding]:
    """Find keys that are asked for and that nothing reads."""
    known = _known(policy)
    for key, at, by in _asked(policy):
        if key not in known:
            yield Finding(
                code="unknown_signal",
                message=f"{by} asks for {_shown(key)}, which is not declared",
                at=at,
                names=(key,),
                hint=_hint(key, known),
            )
    for mapping in policy.mappings:
        if mapping.source not in policy.scores:
            yield Finding(
                code="unknown_score",
                message=f"mapping {mapping.name!r} reads the score {mapping.source!r:.80}, which is not declared",
                at=mapping.at,
                names=(mapping.source,),
                hint=nearest(mapping.source, policy.scores),
            )


def conditions(policy: Policy) -> Iterator[tuple[str, Condition | None, Place]]:
    """Yield who has a condition, the condition, and where it stands."""
    for rule in policy.rules:
        yield f"rule {rule.name!r}", rule.when, rule.at
    for kind, declared in (("agent", policy.agents), ("grant", policy.grants)):
        for block in declared.values():
            yield f"{kind} {block.name!r}", block.when, block.at


def used_keys(policy: Policy) -> set[str]:
    """Return the keys of signals that something asks for, without their levels."""
    return {":".join(key.split(":")[:2]) for key, _, _ in _asked(policy)}


def _asked(policy: Policy) -> Iterator[tuple[str, Place, str]]:
    for by, condition, at in conditions(policy):
        for reference in references(condition):
            yield reference.key, reference.at if reference.at.line else at, by
    for score in policy.scores.values():
        for term in score.terms:
            yield term.signal, score.at, f"score {score.name!r}"
    for group in policy.groups:
        for member in group.members:
            yield member, group.at, f"group {group.name!r}"
        if group.default is not None:
            yield group.default, group.at, f"group {group.name!r}"
    for signal in policy.signals.values():
        for key in _composed(signal.fields.get("composer")):
            yield key, signal.at, f"signal {signal.name!r}"


def _composed(node: Any) -> Iterator[str]:
    """Yield the keys that a composer asks for; its form is for the signals' own check."""
    if not isinstance(node, Mapping):
        return
    parts = node.get("conditions")
    for part in parts if isinstance(parts, list | tuple) else ():
        yield from _composed(part)
    if isinstance(node.get("type"), str) and isinstance(node.get("name"), str):
        yield f"{node['type']}:{node['name']}"


def _known(policy: Policy) -> set[str]:
    known = set(policy.signals) | {f"projection:{band}" for band in policy.bands}
    for signal in policy.signals.values():
        if signal.type == "complexity":
            known |= {f"{signal.key}:{level}" for level in LEVELS}
    return known


def _shown(key: str) -> str:
    kind, _, name = key.partition(":")
    return f'{kind}("{name:.80}")'


def _hint(key: str, known: set[str]) -> str:
    kind, _, name = key.partition(":")
    for other in sorted(known):
        if other.partition(":")[2] == name:
            return f"did you mean {_shown(other)}?"
    hint = nearest(key, (k for k in known if k.startswith(f"{kind}:"))) or nearest(key, known)
    start, end = hint.find("'"), hint.rfind("'")
    return f"did you mean {_shown(hint[start + 1 : end])}?" if hint else "declare it as a SIGNAL"
