"""metadata and event signals: what the caller sent along, and event-like words in the text.

Metadata is what a caller says of itself, so it is no proof of who they are. An event signal without a `key` looks for
its words in the text; its score is 0.5 and half of the share of its criteria that are met.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.keyword import phrase_finder
from graphs.policy.signals.passage import View
from graphs.policy.signals.turn import Turn

__all__ = ["EVENT", "METADATA", "compared", "comparison"]

TESTS = ("equals", "in", "exists")
URGENT = ("urgent", "urgently", "immediately", "asap", "deadline", "time-sensitive", "right now")
CRITERIA = ("event_types", "severities", "action_codes")


def _tests(signal: Signal) -> dict[str, Any]:
    """Return the comparison, written in the signal or in its `predicate`."""
    given = signal.fields.get("predicate") or signal.fields
    return {name: given[name] for name in TESTS if name in given}


def comparison(signal: Signal) -> tuple[str, Any] | None:
    """Return how a signal compares the value of its key, and with what; None if it is not written as it must be."""
    given = signal.fields.get("predicate")
    if not (given is None or isinstance(given, Mapping)) or any(_metadata_problems(signal)):
        return None
    return next(iter((_tests(signal) or {"exists": True}).items()))


def compared(how: str, wanted: Any, there: bool, value: object) -> bool:
    """Return whether a key that is `there` or not, with its value, is as it is wanted."""
    if how == "exists":
        return bool(there == wanted)
    if how == "in":
        return there and any(_same(value, option) for option in wanted)
    return there and _same(value, wanted)


def _metadata(signal: Signal, _: Kit) -> Read:
    key = signal.fields.get("key", signal.name)
    how, wanted = next(iter((_tests(signal) or {"exists": True}).items()))

    def read(turn: Turn) -> Reading:
        there = key in turn.request.metadata
        fires = compared(how, wanted, there, turn.request.metadata.get(key))
        return fired(fires, float(fires), None, f"{key} is {'there' if there else 'not there'}")

    return read


def _same(value: object, wanted: object) -> bool:
    """Compare without taking 1 for true."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _metadata_problems(signal: Signal) -> Iterator[Problem]:
    predicate = signal.fields.get("predicate")
    for unknown in sorted(set(predicate or ()) - set(TESTS)):
        yield Problem("predicate", f"{unknown!r} is none of {', '.join(TESTS)}", "unknown_field")
    tests = _tests(signal)
    if len(tests) > 1 or (predicate and any(name in signal.fields for name in TESTS)):
        yield Problem("predicate", "compares more than once, expected one of equals, in, exists")
    if not isinstance(tests.get("in", []), list):
        yield Problem("predicate", f"`in` is {tests['in']!r}, expected a list")
    if not isinstance(tests.get("exists", True), bool):
        yield Problem("predicate", f"`exists` is {tests['exists']!r}, expected true or false")


def _event(signal: Signal, kit: Kit) -> Read:
    if "key" in signal.fields:
        return _metadata(signal, kit)
    criteria = [signal.fields[name] for name in CRITERIA if name in signal.fields]
    if signal.fields.get("temporal"):
        criteria.append(list(URGENT))
    finders = [[(word, phrase_finder(word)) for word in words] for words in criteria]

    def read(turn: Turn) -> Reading:
        found = [_first(words, turn) for words in finders]
        met = [word for word in found if word]
        score = 0.5 + 0.5 * len(met) / len(found) if met else 0.0
        return fired(bool(met), score, None, ", ".join(met))

    return read


def _first(words: list[tuple[str, Callable[[View], bool]]], turn: Turn) -> str | None:
    (passage,) = turn.passages()
    return next((word for word, find in words if any(map(find, passage.views))), None)


def _event_problems(signal: Signal) -> Iterator[Problem]:
    if "key" in signal.fields:
        yield from _metadata_problems(signal)
    elif not any(signal.fields.get(name) for name in (*CRITERIA, "temporal")):
        yield Problem("key", f"is missing, and so are {', '.join(CRITERIA)} and temporal")


_TEST_FIELDS = {
    "key": Kind.TEXT,
    "predicate": Kind.FIELDS,
    "equals": Kind.VALUE,
    "in": Kind.VALUES,
    "exists": Kind.FLAG,
}
METADATA = Family(fields=_TEST_FIELDS, prepare=_metadata, problems=_metadata_problems)
EVENT = Family(
    fields={**_TEST_FIELDS, **dict.fromkeys(CRITERIA, Kind.TEXTS), "temporal": Kind.FLAG},
    prepare=_event,
    problems=_event_problems,
)
