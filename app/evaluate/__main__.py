"""Measures routing on labelled data and writes a report."""

import sys

from app.commands import run

COMMANDS = {
    "models": "compare estimators of quality and MoMA's choice on recorded outcomes of models",
}

if __name__ == "__main__":
    sys.exit(run("app.evaluate", __doc__, COMMANDS, None))
