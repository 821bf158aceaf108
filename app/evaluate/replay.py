"""`python -m app.evaluate replay`: decides stored turns once more under another configuration; a report and plots."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.errors import CheckpointError, InputError
from app.assembly import make_options
from app.evaluate.replay_report import markdown, summary
from app.evaluate.stored import StoredTurn, stored_turns
from app.evaluate.written import write_report
from app.lines import read_lines
from app.settings import Settings, read_settings
from graphs import Context, Services
from graphs.checkpoints import open_threads
from graphs.counterfactual import reconsider
from graphs.routing.choice import preference_weight

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--threads", help="a SQLite file or a postgresql:// address (default: MOMA_CHECKPOINTS)"
    )
    parser.add_argument("--shadow", type=Path, help="compare what a shadow wrote instead")
    parser.add_argument("--catalog", type=Path, help="another catalogue (default: MOMA_CATALOG)")
    parser.add_argument("--profile", type=Path, help="another profile (default: MOMA_PROFILE)")
    parser.add_argument("--policy", type=Path, help="another policy (default: MOMA_POLICY)")
    parser.add_argument("--preference", help="cost, auto, performance or 0..1")
    parser.add_argument(
        "--grants", default="", help="what callers have, with commas between; it is not stored"
    )
    parser.add_argument(
        "--assume-keys", action="store_true", help="take the keys of all models for set"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="no more than so many turns")
    parser.add_argument("--output", type=Path, required=True, help="a folder for report and plots")
    parser.add_argument("--no-plots", action="store_true", help="write the report only")


def main(arguments: argparse.Namespace) -> int:
    """Write the report and return the exit status."""
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"--limit is {arguments.limit}, expected 1 or more")
    settings = None if arguments.shadow else _settings(arguments)
    if not arguments.no_plots:
        from app.evaluate import replay_plots  # matplotlib is an extra: say so before the work
    unread: list[str] = []
    if settings is None:
        rows, under = list(_of_shadow(arguments.shadow)), {"shadow": arguments.shadow.name}
    else:
        rows = asyncio.run(_replayed(arguments, settings, unread))
        under = _under(settings)
    report = {**summary(rows), "under": under, "unread_threads": unread, "turns_compared": rows}
    output: Path = arguments.output
    write_report(output, "replay", report, markdown(report))
    if not arguments.no_plots:
        replay_plots.draw(report, output)
    print(
        f"{report['turns']} turns, {report['changed']} would change: {output / 'replay.md'}",
        file=sys.stderr,
    )
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    """Return the operator's settings with what the command line changes of them."""
    if arguments.preference is not None:
        preference_weight(arguments.preference)
    given = {
        "checkpoints": arguments.threads,
        "catalog": arguments.catalog,
        "profile": arguments.profile,
        "policy": arguments.policy,
        "preference": arguments.preference,
    }
    settings = read_settings().model_copy(update={k: v for k, v in given.items() if v is not None})
    settings.read_catalog()  # so that a fault in it is told before anything is loaded
    threads = arguments.threads
    if threads is not None and "://" not in threads and not Path(threads).is_file():
        raise InputError(f"--threads: {threads}: no such file, expected saved threads")
    return settings


def _under(settings: Settings) -> dict[str, Any]:
    return {
        "catalog": str(settings.catalog),
        "profile": str(settings.profile) if settings.profile else None,
        "policy": str(settings.policy) if settings.policy else None,
        "preference": settings.preference,
        "encoder": settings.encoder,
    }


async def _replayed(
    arguments: argparse.Namespace, settings: Settings, unread: list[str]
) -> list[dict[str, Any]]:
    catalog = settings.read_catalog()
    if arguments.assume_keys:
        needed = {name for model in catalog.models for name in (model.key, model.base_url_env)}
        os.environ.update({name: "assumed" for name in needed if name and name not in os.environ})
    services = Services.from_catalog(catalog, make_options(settings))
    grants = [word.strip() for word in arguments.grants.split(",") if word.strip()]
    rows: list[dict[str, Any]] = []
    try:
        await asyncio.to_thread(services.router)  # a broken set-up is told here, not turn by turn
        async with open_threads(settings.threads_place) as saver:
            for thread in await saver.thread_ids():
                try:
                    turns = [turn async for turn in stored_turns(saver, thread) if turn.routed]
                except CheckpointError:
                    unread.append(thread)
                    continue
                for turn in turns:
                    if len(rows) == arguments.limit:
                        return rows
                    rows.append(await _compared(turn, services, grants))
    finally:
        services.close()
    return rows


async def _compared(turn: StoredTurn, services: Services, grants: Sequence[str]) -> dict[str, Any]:
    context = Context(user=turn.owner, grants=grants)
    compared = await reconsider(
        turn.record, turn.text, services, values=turn.before, context=context
    )
    return compared.plain()


_NUMBERS = ("spent_usd", "then_usd", "now_usd", "then_quality", "now_quality")


def _is_name(given: object) -> bool:
    return given is None or isinstance(given, str)


def _of_shadow(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what a shadow wrote.

    Raises:
        InputError: a line is no comparison.
    """
    for number, row in read_lines(path):
        sides = [row.get("then"), row.get("now")]
        sound = all(
            isinstance(s, dict) and {"kind", "id"} <= s.keys() and _is_name(s["id"]) for s in sides
        )
        numbers = [row.get(name, "") for name in _NUMBERS]
        sound = sound and all(n is None or isinstance(n, int | float) for n in numbers)
        if not sound or not isinstance(row.get("change"), str):
            raise InputError(
                f"{path}, line {number}: given {str(row)!r:.60}, expected a line that a shadow wrote"
            )
        yield row
