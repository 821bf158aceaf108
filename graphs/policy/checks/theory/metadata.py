"""What is known of metadata: a key is not there, or has one value, and signals ask for some of these."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from graphs.policy.checks.atoms import Atoms, declaration
from graphs.policy.policy import Signal
from graphs.policy.signals.metadata import compared, comparison

__all__ = ["write_metadata"]

_OTHER = object()
"""A value that no signal names."""


def write_metadata(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let each key have one value or none; event signals that look for words are free."""
    keys: defaultdict[str, dict[str, tuple[str, Any]]] = defaultdict(dict)
    words: dict[str, str] = {}
    for signal in signals:
        if signal.type == "event" and "key" not in signal.fields:
            same = words.setdefault(declaration(signal), signal.key)
            atoms.define(signal.key, atoms.raw(same))
        elif (asked := comparison(signal)) is not None:
            keys[str(signal.fields.get("key", signal.name))][signal.key] = asked
    for key, asked_of in keys.items():
        _write(key, asked_of, atoms)


def _write(key: str, asked: dict[str, tuple[str, Any]], atoms: Atoms) -> None:
    named = {_apart(v): v for how, wanted in asked.values() for v in _values(how, wanted)}
    samples = [
        (shown, frozenset(k for k, (how, wanted) in asked.items() if compared(how, wanted, *given)))
        for shown, given in (
            (f"{key} is not there", (False, None)),
            (f"{key} is another", (True, _OTHER)),
            *((f"{key} is {value!r}", (True, value)) for value in named.values()),
        )
    ]
    for signal, literal in atoms.one_of("metadata", samples, keys=list(asked)).items():
        atoms.define(signal, literal)


def _values(how: str, wanted: Any) -> Sequence[Any]:
    if how == "exists":
        return ()
    return wanted if how == "in" else (wanted,)


def _apart(value: Any) -> tuple[bool, Any]:
    """Return a key under which 1 and true are two values."""
    plain = isinstance(value, str | int | float)
    return isinstance(value, bool), value if plain else repr(value)
