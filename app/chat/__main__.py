"""Talk to MoMA in the terminal, or answer one turn for a script."""

import argparse
import asyncio
import json
import os
import sys
import uuid

from agents.errors import MomaError
from app.settings import Settings, read_settings

_EPILOG = "Exit status: 0 answered, 2 bad usage, bad input or a broken set-up."


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
    arguments = _arguments(argv)
    try:
        settings = read_settings()
        return asyncio.run(_chat(arguments, settings))
    except MomaError as error:
        print(f"moma: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has gone; what Python flushes at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


async def _chat(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.chat.commands import Session, check_thread
    from app.chat.loop import converse, note
    from app.chat.turn import Ended, run_turn
    from graphs import Context, Services, build_graph
    from graphs.checkpoints import open_sqlite

    thread = (
        check_thread(arguments.thread) if arguments.thread is not None else uuid.uuid4().hex[:12]
    )
    services = Services.from_catalog(settings.read_catalog(), settings.options(on_progress=note))
    try:
        async with open_sqlite(settings.threads_file) as saver:
            graph = build_graph(services=services, checkpointer=saver)
            if arguments.once is None:
                return await converse(Session(graph, services, thread, Context()), settings)
            text = sys.stdin.read() if arguments.once == "-" else arguments.once
            async for part in run_turn(graph, text, thread=thread, context=Context()):
                if isinstance(part, Ended):
                    print(
                        json.dumps(part.plain(), ensure_ascii=False)
                        if arguments.json
                        else part.answer
                    )
                    sys.stdout.flush()
    finally:
        services.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
