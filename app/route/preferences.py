"""The option `--preference`: names and numbers with commas between."""

import argparse

from agents.errors import InputError
from graphs.routing.choice import NAMED, preference_weight

__all__ = ["add_preferences"]


def add_preferences(parser: argparse.ArgumentParser) -> None:
    """Declare the option; a name stays a name, a number becomes one."""
    parser.add_argument(
        "--preference",
        type=_preferences,
        default=["auto"],
        help="cost, auto, performance or 0..1, with commas between (default: auto)",
    )


def _preferences(text: str) -> list[str | float]:
    found: list[str | float] = []
    for word in text.split(","):
        preference = word.strip() if word.strip() in NAMED else _number(word)
        if preference in found:
            raise argparse.ArgumentTypeError(f"{word.strip()!r} is given twice")
        found.append(preference)
    return found


def _number(word: str) -> float:
    try:
        preference_weight(word)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return float(word)
