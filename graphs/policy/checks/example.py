"""An input that shows a finding: which signals fire, and a text, a length, a caller or a time that makes them.

It knows nothing of why the input was looked for. A text is made of the keywords alone; where an embedding or
a classifier must fire, no text is invented.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphs.policy.checks.atoms import Atoms, holds, key_of
from graphs.policy.checks.oracle import Model
from graphs.policy.syntax import And, Condition, Not, Reference, references

__all__ = ["Example", "example_of", "true_in"]

Example = dict[str, Any]


def true_in(condition: Condition | None, fires: frozenset[str]) -> bool:
    """Return whether a condition holds where `fires` are the keys that fire: the plain reading, without clauses."""
    if condition is None:
        return True
    if isinstance(condition, Reference):
        return key_of(condition) in fires
    if isinstance(condition, Not):
        return not true_in(condition.part, fires)
    parts = (true_in(part, fires) for part in condition.parts)
    return all(parts) if isinstance(condition, And) else any(parts)


def example_of(atoms: Atoms, model: Model, conditions: Iterable[Condition | None]) -> Example:
    """Return the part of a model that decides `conditions`, as plain values."""
    read = {key_of(reference) for condition in conditions for reference in references(condition)}
    example: Example = {"fires": sorted(key for key in read if holds(model, atoms.literal(key)))}
    kinds = {key.partition(":")[0] for key in read}
    shown = atoms.shown(model)
    for kind, (name, types, show) in _SHOWN.items():
        if kind in shown and (not types or kinds & types):
            example[name] = show(shown[kind])
    return example


def _first(values: list[Any]) -> Any:
    return values[0]


_SHOWN: Mapping[str, tuple[str, frozenset[str], Callable[[list[Any]], Any]]] = {
    "words": ("text", frozenset({"keyword"}), lambda words: " ".join(dict.fromkeys(words))),
    "said": ("said", frozenset({"keyword"}), lambda words: " ".join(dict.fromkeys(words))),
    "tokens": ("tokens", frozenset({"context"}), _first),
    "chars": ("chars", frozenset({"length"}), _first),
    "wordcount": ("words", frozenset({"length"}), _first),
    "language": ("language", frozenset({"language"}), _first),
    "user": ("user", frozenset({"authz", "grant"}), _first),
    "grants": ("grants", frozenset({"authz", "grant"}), sorted),
    "phase": ("phase", frozenset({"phase"}), _first),
    "holder": ("holder", frozenset({"holder"}), _first),
    "time": ("time", frozenset({"time"}), _first),
}
"""How a kind of fact is shown: under which name, for which kinds of signals, and how several are put together."""
