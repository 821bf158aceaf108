"""`python -m app.policy compile`: writes what a policy compiles to, all of it under one hash."""

import argparse
import sys
from pathlib import Path

from app.policy.loading import add_file, broken, load
from graphs.catalog import Catalog
from graphs.policy.findings import faults
from graphs.policy.targets.manifest import compile_policy, drift, write

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_file(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="the folder to write, or to look at"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; say what in the folder is not of this policy",
    )


def main(arguments: argparse.Namespace) -> int:
    """Compile, or look for drift, and return the exit status; a policy with errors is not compiled."""
    loaded = load(arguments, recipe=arguments.recipe)
    if broken(loaded):
        return 1
    if arguments.check:
        found = drift(arguments.output, loaded.engine.policy, loaded.text)
        for finding in found:
            print(finding.line(str(arguments.output)))
        return 1 if faults(found) else 0
    models = Catalog.from_file(arguments.catalog).models if arguments.catalog else ()
    files = compile_policy(loaded.engine.policy, loaded.text, loaded.findings, models=models)
    write(arguments.output, files)
    print(
        f"{len(files)} files of the policy {loaded.engine.hash[:12]}: {arguments.output}",
        file=sys.stderr,
    )
    return 0
