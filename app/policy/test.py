"""`python -m app.policy test`: runs a policy's TEST cases on the real signals."""

import argparse
import sys

from rich.text import Text

from app.policy.loading import add_file, broken, load, recipes_of
from app.view import make_console
from graphs.policy.checks.tests import run_tests
from graphs.policy.findings import in_order

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_file(parser)


def main(arguments: argparse.Namespace) -> int:
    """Run the cases, print those that fail and return whether there are any."""
    console = make_console(width=None if sys.stdout.isatty() else 10_000)
    cases, failed = 0, []
    for recipe in recipes_of(arguments):
        loaded = load(arguments, recipe=recipe)
        if broken(loaded):
            return 1
        failed += run_tests(loaded.engine.policy, loaded.engine)
        cases += len(loaded.engine.policy.tests)
    for finding in in_order(failed):
        console.print(Text(finding.line(str(arguments.file)), style="red"))
    if not cases:
        console.print(f"{arguments.file} has no TEST cases.")
    else:
        console.print(f"{cases - len(failed)} of {cases} cases as expected.")
    return 1 if failed else 0
