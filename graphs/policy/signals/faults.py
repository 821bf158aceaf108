"""What is wrong with a signal as it is written: its type, its fields, their values.

It reads no turn. A signal without an error here can be read, or needs a classifier, which is a note.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from graphs.policy.findings import Finding
from graphs.policy.policy import Signal
from graphs.policy.signals.domain import domain_fault
from graphs.policy.signals.family import Family, Kind, Problem, is_texts
from graphs.policy.signals.length import token_count
from graphs.policy.signals.patterns import pattern_fault
from graphs.policy.signals.table import FAMILIES

__all__ = [
    "domain_fault",
    "known_fields",
    "needs_plugin",
    "pattern_fault",
    "signal_faults",
    "value_problem",
]

_FOR_ALL: Mapping[str, Kind] = {"description": Kind.TEXT}


def known_fields(type_: str) -> Mapping[str, Kind]:
    """Return the fields of a type of signal with what their values are to be; none for an unknown type."""
    family = FAMILIES.get(type_)
    return {**_FOR_ALL, **family.fields} if family else {}


def needs_plugin(signal: Signal) -> str | None:
    """Return why a signal can only be read by a classifier, None if it can be read without one."""
    family = FAMILIES.get(signal.type)
    if family is None:
        return f"needs a classifier: nothing here reads {signal.type}"
    return family.plugin(signal)


def signal_faults(signal: Signal, *, classifiers: Collection[str] = ()) -> list[Finding]:
    """Return what is wrong with a signal: errors, and notes on how it is read.

    Args:
        signal: as it was lowered.
        classifiers: the types and keys, `type:name`, for which there is a classifier.
    """
    given = signal.key in classifiers or signal.type in classifiers
    family = FAMILIES.get(signal.type)
    if family is None:
        return [] if given else [_unknown_type(signal)]
    problems = list(_field_problems(signal, family))
    if not any(problem.severe for problem in problems):
        problems += family.problems(signal)
    if given:
        return [_finding(signal, p) for p in problems if p.severe and p.code != "missing_field"]
    if not any(problem.severe for problem in problems) and (why := family.plugin(signal)):
        problems.append(Problem("", why, "needs_plugin", severe=False))
    return [_finding(signal, problem) for problem in problems]


def _unknown_type(signal: Signal) -> Finding:
    return Finding(
        code="unknown_signal_type",
        message=f"{signal.key}: {signal.type!r} is no type of signal",
        at=signal.at,
        names=(signal.key,),
        hint=_nearest(signal.type, FAMILIES) or "give a classifier for that type",
    )


def _finding(signal: Signal, problem: Problem) -> Finding:
    where = f"{signal.key}: `{problem.field}`" if problem.field else signal.key
    return Finding(
        code=problem.code,
        message=f"{where} {problem.message}",
        severity="error" if problem.severe else "note",
        at=signal.at,
        names=(signal.key,),
        hint=problem.hint,
    )


def _field_problems(signal: Signal, family: Family) -> Iterator[Problem]:
    known = known_fields(signal.type)
    for name in sorted(family.required - set(signal.fields)):
        yield Problem(name, f"is missing, expected {known[name]}", "missing_field")
    for name, value in signal.fields.items():
        if name not in known:
            yield Problem(
                name,
                f"is no field of a {signal.type} signal",
                "unknown_field",
                hint=_nearest(name, known) or f"expected some of {', '.join(sorted(known))}",
            )
        elif problem := value_problem(name, value, known[name]):
            yield problem
        elif name in family.choices and str(value).casefold() not in family.choices[name]:
            words = [word for word in family.choices[name] if word]
            yield Problem(
                name,
                f"is {value!r}, expected one of {', '.join(words)}",
                hint=_nearest(str(value).casefold(), words),
            )


def _nearest(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else ""


def value_problem(name: str, value: Any, kind: Kind) -> Problem | None:
    """Return what is wrong with the value of a field, None if it is of its kind."""
    if not _FITS[kind](value):
        return Problem(name, f"is {_shown(value)}, expected {kind}")
    if (kind is Kind.SHARE and not 0 <= value <= 1) or (kind is Kind.COUNT and value < 0):
        return Problem(name, f"is {value}, expected {kind}", "out_of_range")
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(each: Callable[[Any], bool], *, least: int = 1) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(each, value))


def _is_fields(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


_FITS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: _is_text,
    Kind.TEXTS: is_texts,
    Kind.ANY_TEXTS: _list_of(_is_text, least=0),
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.SHARE: _is_number,
    Kind.NUMBER: _is_number,
    Kind.COUNT: _is_count,
    Kind.TOKENS: lambda value: token_count(value) is not None,
    Kind.FIELDS: _is_fields,
    Kind.BLOCKS: _list_of(_is_fields),
    Kind.VALUE: _is_plain,
    Kind.VALUES: _list_of(_is_plain),
}
