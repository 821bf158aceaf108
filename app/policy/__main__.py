"""Checks, compiles, explains, tests and lays out policy files."""

import sys
from collections.abc import Sequence

from app.commands import run

COMMANDS = {
    "check": "prove what can be proved of a policy and run its TEST cases",
    "compile": "write everything that a policy compiles to, or say what has drifted from it",
    "explain": "say which rule a text falls under, and why",
    "test": "run a policy's TEST cases on the real signals",
    "fmt": "lay a policy file out",
}
_EPILOG = "Exit status: 0 no error and no warning, 1 one of these, 2 bad usage, or a file that cannot be read."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return the exit status."""
    return run("app.policy", __doc__, COMMANDS, argv, epilog=_EPILOG)


if __name__ == "__main__":
    sys.exit(main())
