"""Whether numbers lie where they can: priorities, tiers, ports, windows, and the ends of bands.

Thresholds and the other fields of signals are for the signals' own check.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from graphs.policy.checks.theory.bands import overlap, reach
from graphs.policy.findings import Finding, Severity
from graphs.policy.policy import Bands, Policy, Rule
from graphs.policy.syntax import Place

__all__ = ["numbers"]

_HIGHEST_PORT = 65535
_POSITIVE = ("context_window_size", "max_output_tokens")


def numbers(policy: Policy) -> Iterator[Finding]:
    """Find numbers out of their range."""
    for rule in policy.rules:
        yield from _rule(rule)
    for mapping in policy.mappings:
        yield from _bands(mapping, policy)
    for block in policy.backends.values():
        for port in _ports(block.fields):
            if (
                isinstance(port, bool)
                or not isinstance(port, int)
                or not 1 <= port <= _HIGHEST_PORT
            ):
                yield _out(f"backend {block.name!r} port", port, f"1 to {_HIGHEST_PORT}", block.at)
    for block in policy.models.values():
        for field in _POSITIVE:
            given = block.fields.get(field, 1)
            if isinstance(given, bool) or not isinstance(given, int) or given < 1:
                yield _out(
                    f"model {block.name!r} {field}", given, "a whole number from 1 on", block.at
                )


def _rule(rule: Rule) -> Iterator[Finding]:
    if rule.priority < 0:
        yield _out(f"rule {rule.name!r} PRIORITY", rule.priority, "0 or more", rule.at)
    if rule.tier < 0:
        yield _out(f"rule {rule.name!r} TIER", rule.tier, "1 or more, or none", rule.at)


def _bands(mapping: Bands, policy: Policy) -> Iterator[Finding]:
    who = f"mapping {mapping.name!r}"
    if mapping.slope <= 0:
        yield _out(f"{who} slope", mapping.slope, "above 0", mapping.at)
    score = policy.scores.get(mapping.source)
    for band in mapping.bands:
        if not overlap(band, band):
            message = f"{who}: no score lies in the band {band.name!r}: its upper end is below its lower one"
            yield _finding("empty_band", message, mapping.at, band.name)
        elif score is not None and not reach(score).meets(band):
            ends = reach(score)
            message = (
                f"{who}: the band {band.name!r} is never reached: the score {score.name!r} lies from "
                f"{ends.low:g} to {ends.high:g}"
            )
            yield _finding("unreached_band", message, mapping.at, band.name, severity="warning")
    for one, two in itertools.combinations(mapping.bands, 2):
        if overlap(one, two):
            message = f"{who}: the bands {one.name!r} and {two.name!r} overlap, so both fire there"
            yield _finding(
                "overlapping_bands", message, mapping.at, one.name, two.name, severity="warning"
            )


def _ports(fields: Mapping[str, Any]) -> Iterator[Any]:
    if "port" in fields:
        yield fields["port"]
    endpoints = fields.get("endpoints")
    for entry in endpoints if isinstance(endpoints, list) else ():
        if isinstance(entry, dict) and "port" in entry:
            yield entry["port"]


def _out(what: str, given: object, expected: str, at: Place) -> Finding:
    return _finding("out_of_range", f"{what}: given {given!r}, expected {expected}", at)


def _finding(
    code: str, message: str, at: Place, *names: str, severity: Severity = "error"
) -> Finding:
    return Finding(code=code, message=message, severity=severity, at=at, names=names)
