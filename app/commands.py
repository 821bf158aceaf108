"""What the commands with sub-commands share: loading the one that is asked for."""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from app.ending import ended
from graphs.quick_imports import no_collection

__all__ = ["run"]

_EPILOG = "Exit status: 0 done, 2 bad usage or bad input."


def run(
    name: str,
    description: str | None,
    commands: Mapping[str, str],
    argv: Sequence[str] | None,
    *,
    epilog: str = _EPILOG,
) -> int:
    """Run a sub-command and return the exit status.

    Args:
        name: what is typed, without the sub-command.
        description: what the command does.
        commands: for each sub-command its help; the module `name.sub`, with `_` for `-`, has `add_arguments(parser)`
            and `main(arguments)`.
        argv: the arguments; None takes the process's.
        epilog: says what the exit status means.
    """
    return ended(lambda: _run(name, description, commands, argv, epilog))


def _run(
    name: str,
    description: str | None,
    commands: Mapping[str, str],
    argv: Sequence[str] | None,
    epilog: str,
) -> int:
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}", description=description, epilog=epilog
    )
    given = list(sys.argv[1:] if argv is None else argv)
    asked = given[0] if given else None
    sub = parser.add_subparsers(
        dest="command", required=True, metavar="{" + ",".join(commands) + "}"
    )
    for command, text in commands.items():
        child = sub.add_parser(command, help=text, description=text, epilog=epilog)
        if command == asked:  # the others' imports are not paid for
            # `graphs`, imported above, has set how many threads NumPy takes: as few as in a turn, so that fits are
            # as fast and equal whatever the number of processors.
            with no_collection():
                module = importlib.import_module(f"{name}.{command.replace('-', '_')}")
            module.add_arguments(child)
            child.set_defaults(main=module.main)
    arguments = parser.parse_args(given)
    status: int = arguments.main(arguments)
    return status
