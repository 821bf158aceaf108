"""Conditions: whether they hold, and how sure that is.

Truth has three values: a signal that could not be read makes what depends on it unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from graphs.policy.request import Reading, Readings
from graphs.policy.syntax import And, Condition, Not, Or, Reference, references

__all__ = ["ABSENT", "Test", "Truth", "compiled", "confidence_of", "fault_in", "holds"]

ABSENT = Reading(False, 0.0)
"""Of a signal that nobody read."""
Truth = bool | None
"""None is unknown."""
Test = Callable[[Mapping[str, Reading]], Truth]


def holds(condition: Condition | None, readings: Readings) -> Truth:
    """Return whether a condition holds; None if that is unknown since a signal could not be read."""
    return compiled(condition)(readings)


def confidence_of(condition: Condition | None, readings: Readings) -> float:
    """Return how sure a condition is that holds: of AND the mean, of OR the best part that holds, of NOT 1, of none 0.

    As in the published router (arXiv 2603.04444).
    """
    if condition is None:
        return 0.0
    if isinstance(condition, Reference):
        return readings.get(condition.key, ABSENT).score
    if isinstance(condition, Not):
        return 1.0
    if isinstance(condition, And):
        return sum(confidence_of(part, readings) for part in condition.parts) / len(condition.parts)
    return max(
        (confidence_of(part, readings) for part in condition.parts if holds(part, readings)),
        default=0.0,
    )


def fault_in(condition: Condition | None, readings: Readings) -> str:
    """Return the first signal of a condition that could not be read, with why; empty if all could."""
    keys = (reference.key for reference in references(condition))
    faults = ((key, readings.get(key, ABSENT).fault) for key in keys)
    return next((f"{key}: {fault}" for key, fault in faults if fault), "")


@lru_cache(maxsize=1 << 14)
def compiled(condition: Condition | None) -> Test:
    """Return a condition as a function: compiled once, it is asked at every turn."""
    if condition is None:
        return lambda readings: True
    if isinstance(condition, Reference):
        return _fires(condition.key)
    if isinstance(condition, Not):
        return _negated(compiled(condition.part))
    parts = [compiled(part) for part in condition.parts]
    return _any(parts) if isinstance(condition, Or) else _all(parts)


def _fires(key: str) -> Test:
    def fires(readings: Mapping[str, Reading]) -> Truth:
        reading = readings.get(key, ABSENT)
        return None if reading.fault else reading.fires

    return fires


def _negated(test: Test) -> Test:
    def negated(readings: Mapping[str, Reading]) -> Truth:
        truth = test(readings)
        return None if truth is None else not truth

    return negated


def _all(tests: Sequence[Test]) -> Test:
    def every(readings: Mapping[str, Reading]) -> Truth:
        unknown = False
        for test in tests:
            truth = test(readings)
            if truth is False:
                return False
            unknown = unknown or truth is None
        return None if unknown else True

    return every


def _any(tests: Sequence[Test]) -> Test:
    def some(readings: Mapping[str, Reading]) -> Truth:
        unknown = False
        for test in tests:
            truth = test(readings)
            if truth:
                return True
            unknown = unknown or truth is None
        return None if unknown else False

    return some
