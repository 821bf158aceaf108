"""Measures routing on labelled data and writes a report."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "models": "compare estimators of quality and MoMA's choice on recorded outcomes of models",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.evaluate", __doc__, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
