"""Says what is configured, reachable and masked, and why; `machine` prints the transition table."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from agents.errors import MomaError
from app.chat import view
from app.chat.commands import Session, run_command
from app.settings import Settings, read_settings
from graphs import Services, build_graph
from graphs.machine import TRANSITIONS, Event, Phase, faults
from graphs.masks import Need, model_refusal

_EPILOG = "Exit status: 0 sound, 1 faults found, 2 bad usage or a broken set-up."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the doctor and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m app.doctor", description=__doc__, epilog=_EPILOG
    )
    parser.add_argument("what", nargs="?", choices=["machine"], help="print the transition table")
    arguments = parser.parse_args(argv)
    console = view.make_console()
    try:
        if arguments.what == "machine":
            return _machine(console)
        return _examine(console, read_settings())
    except MomaError as error:
        Console(stderr=True).print(Text(f"moma: {error}"), soft_wrap=True)
        return 2


def _machine(console: Console) -> int:
    """Print the table, a column a phase, and its faults."""
    table = Table("event", *(phase.value for phase in Phase), box=None, header_style=view.QUIET)
    for event in Event:
        cells = []
        for phase in Phase:
            after = TRANSITIONS[phase, event]
            cells.append("·" if after == phase else after.value)
        table.add_row(event.value, *cells)
    wide = Console(width=max(console.width, 150), highlight=False)
    wide.print(table)
    found = faults()
    wide.print(Text(f"· stays. {len(TRANSITIONS)} transitions, {len(found)} faults."))
    for fault in found:
        wide.print(Text(fault, style="red"))
    return 1 if found else 0


def _examine(console: Console, settings: Settings) -> int:
    """Print what is configured and what would be masked for a plain turn; try the encoder and the local models."""
    services = Services.from_catalog(settings.read_catalog(), settings.options())
    try:
        session = Session(build_graph(services=services), services, thread="doctor")
        console.print(_settings(settings))
        console.print(run_command(session, "/agents"))
        console.print(run_command(session, "/models"))
        problems = [*_encoder(services), *_pool(services)]
    finally:
        services.close()
    for problem in problems:
        console.print(Text(problem, style="red"))
    console.print(Text(f"{len(problems)} problems." if problems else "No problems."))
    return 1 if problems else 0


def _settings(settings: Settings) -> RenderableType:
    values = settings.model_dump()
    shown = {
        f"MOMA_{name.upper()}": str(value)
        for name, value in values.items()
        if value not in (None, "", ())
    }
    return view.facts({**shown, "threads": str(settings.threads_file)})


def _encoder(services: Services) -> list[str]:
    try:
        services.router().embed("Is this encoder well?")
    except MomaError as error:
        return [f"the encoder cannot be used: {error}"]
    return []


def _pool(services: Services) -> list[str]:
    refusals = [
        model_refusal(facts, caller=services.caller(None), need=Need(tokens=1))
        for facts in services.model_facts(input_tokens=1)
    ]
    problems = [f"the model {r.candidate}: {r.reason}" for r in refusals if r and r.code == "file"]
    if all(refusals):
        problems.append("no model may serve: set a provider's key or install the local model")
    return problems


if __name__ == "__main__":
    sys.exit(main())
