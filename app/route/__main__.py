"""Computes routes on recorded data, without running anything."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "agents": "decide for each turn of recorded conversations which agent takes it",
    "cascade": "ask models one after another on recorded answers, until one more is not worth its price",
    "models": "choose a model for each query at each preference",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.route", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
