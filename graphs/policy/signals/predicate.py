"""Comparisons of a number: `{ gt, gte, lt, lte }`, all of which must hold. It knows no signal."""

from collections.abc import Callable, Iterator, Mapping
from operator import ge, gt, le, lt
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.signals.family import Kind, Problem

__all__ = ["PREDICATE", "predicate", "predicate_problems"]

PREDICATE = Kind.FIELDS
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


def predicate(fields: Mapping[str, float]) -> Callable[[float], bool]:
    """Return what tells whether a number fulfils every comparison."""
    checks = [(_COMPARE[name], bound) for name, bound in fields.items()]
    return lambda value: all(compare(value, bound) for compare, bound in checks)


def predicate_problems(
    signal: Signal, *, needed: bool, allowed: bool, most: float | None = None
) -> Iterator[Problem]:
    """Yield what is wrong with a signal's `predicate`; numbers above `most` are never reached."""
    given: Mapping[str, Any] | None = signal.fields.get("predicate")
    if not given:
        if needed:
            yield Problem("predicate", "is missing, expected some of gt, gte, lt, lte")
        return
    if not allowed:
        yield Problem("predicate", "is there, but this feature only exists or does not")
        return
    for name, bound in given.items():
        if name not in _COMPARE:
            yield Problem("predicate", f"{name!r} is none of gt, gte, lt, lte", "unknown_field")
        elif isinstance(bound, bool) or not isinstance(bound, int | float):
            yield Problem("predicate", f"{name} is {bound!r}, expected a number")
        elif most is not None and bound >= most:
            yield Problem(
                "predicate",
                f"{name} is {bound}, expected less than {most:g}, where counting ends",
                "out_of_range",
            )
    numbers = {n: b for n, b in given.items() if n in _COMPARE and isinstance(b, int | float)}
    low = max((b for n, b in numbers.items() if n in ("gt", "gte")), default=None)
    high = min((b for n, b in numbers.items() if n in ("lt", "lte")), default=None)
    if low is not None and high is not None and low > high:
        yield Problem("predicate", f"nothing is above {low} and below {high}", "out_of_range")
