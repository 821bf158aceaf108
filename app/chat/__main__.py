"""Talk to MoMA in the terminal, or answer one turn for a script."""

import argparse
import asyncio
import io
import json
import logging
import sys
import uuid
from typing import TYPE_CHECKING

from agents.errors import MomaError, SetupError
from app.ending import ended
from app.leaving import leave

if TYPE_CHECKING:
    from app.settings import Settings
    from graphs import Services

_EPILOG = (
    "Exit status: 0 answered, 1 nobody could or may, 2 bad usage, bad input or a broken set-up."
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.chat", description=__doc__, epilog=_EPILOG)
    parser.add_argument(
        "--once", metavar="TEXT", help="answer one turn and leave; - reads it from standard input"
    )
    parser.add_argument("--json", action="store_true", help="with --once: print one JSON object")
    parser.add_argument(
        "--thread", metavar="ID", help="go on with this thread (default: a new one)"
    )
    arguments = parser.parse_args(argv)
    if arguments.json and arguments.once is None:
        parser.error("--json goes with --once TEXT")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Run the chat and return the exit status."""
    return ended(lambda: _main(argv))


def _main(argv: list[str] | None) -> int:
    for stream in (sys.stdin, sys.stdout):  # no odd character in one may end the chat
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    arguments = _arguments(argv)
    # Here, where an interrupt is no traceback: they take a second.
    from app.settings import read_settings
    from app.telemetry import exporting, logging_to

    settings = read_settings()
    home = settings.make_home()
    # A terminal is no place for a log: what went wrong in a turn is said in its answer and its record.
    (log := home / "chat.log").touch(mode=0o600)
    with logging_to(logging.FileHandler(log)), exporting("moma-chat"):
        return asyncio.run(_chat(arguments, settings))


async def _chat(arguments: argparse.Namespace, settings: "Settings") -> int:
    from app.assembly import make_services
    from app.chat.commands import Session, check_thread
    from app.chat.loop import converse, note
    from graphs import Context, build_graph
    from graphs.checkpoints import open_threads
    from graphs.record import is_refused, troubles
    from graphs.spoken import Ended, run_turn
    from graphs.turn import readable

    thread = uuid.uuid4().hex[:12] if arguments.thread is None else check_thread(arguments.thread)
    services = make_services(settings, on_progress=note)
    failure = None
    try:
        async with open_threads(settings.threads_place) as saver:
            graph = build_graph(services=services, checkpointer=saver)
            if arguments.once is None:
                return await converse(Session(graph, services, thread), home=settings.home)
            text = sys.stdin.read() if arguments.once == "-" else arguments.once
            await asyncio.to_thread(_load, services)
            async for part in run_turn(graph, text, thread=thread, context=Context()):
                if isinstance(part, Ended):
                    plain = json.dumps(part.plain(), ensure_ascii=False)
                    print(plain if arguments.json else readable(part.answer), flush=True)
                    for trouble in troubles(part.record):
                        print(f"moma: {trouble}", file=sys.stderr)
                    refused = "nothing may serve this message" if is_refused(part.record) else None
                    if failure := part.record["error"] or refused:
                        print(f"moma: {failure}", file=sys.stderr)
    finally:
        services.close()
    return int(failure is not None)


def _load(services: "Services") -> None:
    """Load the routers; a script is told of a broken set-up instead of getting the default model's answer."""
    try:
        services.router()
    except SetupError:
        raise
    except MomaError:
        return  # an endpoint that is down for now: the turn opens to the default, and its record says so


if __name__ == "__main__":
    leave(main())
