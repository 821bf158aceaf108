"""`python -m app.policy explain`: which rule a text falls under, by which signals, and what that lets serve."""

import argparse
import json
import sys
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.text import Text

from agents.errors import InputError
from app.policy.loading import add_file, broken, load
from app.view import facts, make_console, signals_table, table
from graphs.policy.conditions import holds
from graphs.policy.engine import Engine
from graphs.policy.formatter import format_condition
from graphs.policy.judge import Judgement
from graphs.policy.request import Request
from graphs.policy.signals.dialogue import RESTING_PHASES

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_file(parser)
    parser.add_argument("text", help="what the user would write")
    parser.add_argument("--user", default="local", help="who would write it (default: local)")
    parser.add_argument("--grants", default="", help="what they are granted, with commas between")
    parser.add_argument("--time", help="when, as 2026-11-28T10:00+01:00 (default: this moment)")
    parser.add_argument("--phase", default="idle", choices=RESTING_PHASES, help="of the dialogue")
    parser.add_argument(
        "--previous", action="append", default=[], help="what they wrote before; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def main(arguments: argparse.Namespace) -> int:
    """Print the verdict and return the exit status."""
    if not arguments.text.strip():
        raise InputError("the text is empty; give what a user would write")
    loaded = load(arguments, recipe=arguments.recipe)
    if broken(loaded):
        return 1
    request = Request(
        text=arguments.text,
        previous=tuple(arguments.previous),
        user=arguments.user,
        grants=frozenset(g.strip() for g in arguments.grants.split(",") if g.strip()),
        now=_moment(arguments.time),
        phase=arguments.phase,
    )
    judgement = loaded.engine.judge(request)
    if arguments.json:
        json.dump(judgement.plain(), sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    console = make_console()
    for part in explained(loaded.engine, judgement):
        console.print(part)
    return 0


def explained(engine: Engine, judgement: Judgement) -> list[RenderableType]:
    """Return a judgement, drawn: the rule, what it lets serve, its signals, and the rules that were passed over."""
    verdict = judgement.verdict
    rule = verdict.rule
    parts: list[RenderableType] = [
        facts(
            {
                "rule": f"{verdict.rule_name or 'none'}{f', of the tree {rule.tree}' if rule and rule.tree else ''}",
                "because": format_condition(rule.when)
                if rule and rule.when
                else "it holds always"
                if rule
                else None,
                "says": rule.description if rule else None,
                "models": _named(verdict.models),
                "agents": _named(verdict.agents),
                "plugins": ", ".join(p.type for p in rule.plugins) if rule else None,
                "in doubt": ", ".join(r.name for r in verdict.doubtful),
                "unreadable": "; ".join(verdict.faults),
                "also hold": ", ".join(verdict.held[1:]),
                "grants": ", ".join(sorted(judgement.grants)),
                "policy": engine.hash[:12],
            }
        ),
        Text(),
    ]
    if verdict.audit:
        parts += [signals_table(verdict.audit), Text()]
    shut = list(judgement.shut.items())
    parts += [table("agents that are shut", ("agent", "because"), shut), Text()] if shut else []
    rows = [(r.name, _held(holds(r.when, judgement.readings))) for r in engine.policy.rules]
    parts.append(table("rules", ("rule", "holds"), rows))
    return parts


def _held(truth: bool | None) -> str:
    return "unknown" if truth is None else "yes" if truth else "no"


def _named(names: tuple[str, ...] | None) -> str:
    return "any" if names is None else ", ".join(names) or "none"


def _moment(given: str | None) -> datetime:
    if given is None:
        return datetime.now(UTC).astimezone()
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise InputError(
            f"--time: given {given!r:.40}, expected as 2026-11-28T10:00+01:00"
        ) from None
    try:
        return moment.astimezone()
    except (OverflowError, ValueError):
        raise InputError(f"--time: given {given!r:.40}, which no clock here can show") from None
