"""`python -m app.policy check`: what is wrong with a policy, and what was proved of it."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from app.policy.loading import Loaded, add_file, load, recipes_of
from app.view import make_console, table
from graphs.policy.checks.report import Verdict, verdicts
from graphs.policy.findings import Finding, faults, in_order

__all__ = ["add_arguments", "main"]

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_file(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings alone")


def main(arguments: argparse.Namespace) -> int:
    """Check, print the findings and return whether there are any."""
    found = {recipe: load(arguments, recipe=recipe) for recipe in recipes_of(arguments)}
    if arguments.json:
        json.dump(
            [_plain(recipe, loaded) for recipe, loaded in found.items()], sys.stdout, indent=2
        )
        print()
    else:
        for recipe, loaded in found.items():
            _print(recipe, loaded, quiet=arguments.quiet)
    return 1 if any(faults(loaded.findings) for loaded in found.values()) else 0


def _print(recipe: str | None, loaded: Loaded, *, quiet: bool) -> None:
    console = make_console(width=None if sys.stdout.isatty() else 10_000)
    findings = in_order(loaded.findings)
    for finding in faults(findings) if quiet else findings:
        console.print(Text(finding.line(str(loaded.path)), style=_STYLES[finding.severity]))
        if finding.example:
            console.print(Text(f"    for example: {_shown(finding.example)}", style="dim"))
    if quiet:
        return
    rows = [(verdict.name, verdict.verdict, verdict.basis) for verdict in _verdicts(loaded)]
    console.print("", table(_title(recipe, loaded), ("property", "verdict", "rests on"), rows))
    console.print(f"\n{_counted(findings)}")


def _title(recipe: str | None, loaded: Loaded) -> str:
    policy = loaded.engine.policy
    what = f"recipe {recipe}, " if recipe else ""
    return (
        f"{what}{len(policy.rules)} rules, {len(policy.signals)} signals, hash {policy.hash[:12]}"
    )


def _counted(findings: Sequence[Finding]) -> str:
    counts = [
        f"{n} {severity}{'' if n == 1 else 's'}"
        for severity in _STYLES
        if (n := sum(f.severity == severity for f in findings))
    ]
    told = "What is proved is the policy's logic, not that its signals are right."
    return f"{', '.join(counts) or 'No findings'}. {told}"


def _shown(example: dict[str, Any]) -> str:
    parts = []
    for key, value in example.items():
        if isinstance(value, list | tuple | set | frozenset):
            value = ", ".join(map(str, value)) or "nothing"
        parts.append(f"{key} {value}")
    return "; ".join(parts)


def _plain(recipe: str | None, loaded: Loaded) -> dict[str, Any]:
    return {
        "file": str(loaded.path),
        "recipe": recipe,
        "hash": loaded.engine.hash,
        "findings": [finding.plain() for finding in in_order(loaded.findings)],
        "verdicts": [verdict.plain() for verdict in _verdicts(loaded)],
    }


def _verdicts(loaded: Loaded) -> list[Verdict]:
    return verdicts(loaded.engine.policy, loaded.findings, classifiers=loaded.classifiers)
