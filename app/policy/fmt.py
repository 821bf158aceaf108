"""`python -m app.policy fmt`: lays a policy file out, comments kept."""

import argparse
import os
import sys
from pathlib import Path

from agents.errors import PolicyError
from app.policy.loading import print_first
from graphs.policy.formatter import format_program
from graphs.policy.parser import parse
from graphs.policy.read import read_text

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, help="the policy file")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--write", action="store_true", help="write the file instead of printing it")
    way.add_argument(
        "--check", action="store_true", help="only say whether the file is laid out so"
    )


def main(arguments: argparse.Namespace) -> int:
    """Lay the file out and return the exit status; one with syntax errors is left as it is."""
    text = read_text(arguments.file)
    program, findings = parse(text)
    if findings:
        print_first(findings, arguments.file)
        return 1
    formatted = format_program(program)
    if arguments.check:
        if formatted != text:
            print(f"{arguments.file} would be laid out anew", file=sys.stderr)
        return int(formatted != text)
    if not arguments.write:
        sys.stdout.write(formatted)
    elif formatted != text:
        _write(arguments.file, formatted)
    return 0


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing; a symbolic link stays one, and what it leads to is written.

    Raises:
        PolicyError: it cannot be written.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except OSError as error:
        raise PolicyError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)
