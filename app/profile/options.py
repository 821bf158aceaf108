"""Numbers on the command line, checked as they are read."""

import argparse
import math

__all__ = ["amount", "count", "rate"]


def count(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}, expected a whole number from 1 on")
    return int(text)


def amount(text: str) -> float:
    """Return an amount of money, 0 or more."""
    return _number(text, least=0.0)


def rate(text: str) -> float:
    """Return how often something may happen."""
    return _number(text, least=1e-3)


def _number(text: str, *, least: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise argparse.ArgumentTypeError(f"given {text!r}, expected a number from {least:g} on")
    return value
