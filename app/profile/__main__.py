"""Fits profiles of models on recorded outcomes, adds models to them, takes models out, lets feedback correct them."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "fit": "fit a profile on tables of recorded outcomes",
    "add-model": "make a new model routable from a few hundred graded queries",
    "remove-model": "take a model out of a profile",
    "feedback": "look at what users' feedback says of a profile, apply it, reject a source, go back",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.profile", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
