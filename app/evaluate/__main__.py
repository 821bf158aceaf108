"""Measures routing on labelled data: a report in JSON and Markdown, and plots."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "models": "compare estimators of quality and MoMA's choice on recorded outcomes of models",
    "agents": "measure the choice of agents on labelled conversations",
    "replay": "what another catalogue, profile, policy or preference would make of the turns that are kept",
    "card": "what a new agent card would take from the others",
}
_EPILOG = "Exit status: 0 done, 1 a card is refused, 2 bad usage or bad input."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.evaluate", __doc__, COMMANDS, argv, epilog=_EPILOG)


if __name__ == "__main__":
    sys.exit(main())
