"""Collects outcomes of models, judges them, fits profiles on them, changes those, and lets feedback correct them."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "collect": "ask questions of models, grade the answers, write a table of outcomes",
    "judge": "let a model compare the answers of others, and write a table of outcomes",
    "fit": "fit a profile on tables of recorded outcomes",
    "calibrate": "fit what checks of answers are worth, on graded answers",
    "add-model": "make a new model routable from a few hundred graded queries",
    "remove-model": "take a model out of a profile",
    "feedback": "look at what users' feedback says of a profile, apply it, reject a source, go back",
}

_EPILOG = (
    "Exit status: 0 done, 1 not all that was asked for could be had, 2 bad usage or bad input."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.profile", __doc__, COMMANDS, argv, epilog=_EPILOG)


if __name__ == "__main__":
    sys.exit(main())
