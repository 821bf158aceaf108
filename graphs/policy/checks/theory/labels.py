"""What is known of signals that read one label of a text: its language, and its domain.

A text has one language. That a classifier gives one domain is an assumption: it may be asked for several.
"""

from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["categories", "write_domains", "write_languages"]


def write_languages(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let one language fire, or none."""
    codes: dict[str, set[str]] = {}
    for signal in signals:
        codes.setdefault(language(signal), set()).add(signal.key)
    samples = [("other", frozenset[str]())] + [(code, frozenset(k)) for code, k in codes.items()]
    atoms.one_of("language", samples, keys=[s.key for s in signals])


def language(signal: Signal) -> str:
    """Return the code of a language signal: its `code`, else its name."""
    return str(signal.fields.get("code") or signal.name).lower()


def write_domains(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let a domain fire on its categories, of which a text has at most one."""
    labels: dict[str, int] = {}
    for signal in signals:
        for label in categories(signal):
            labels[label] = labels.get(label) or atoms.fact("domain", label)
        atoms.define(
            signal.key, atoms.circuit.any_of(labels[label] for label in categories(signal))
        )
    atoms.oracle.at_most_one(list(labels.values()), assumed=True)


def categories(signal: Signal) -> tuple[str, ...]:
    """Return the labels on which a domain signal fires: its categories, else its name."""
    given = signal.fields.get("mmlu_categories") or signal.fields.get("categories") or ()
    listed = given if isinstance(given, list | tuple) else (given,)
    return tuple(dict.fromkeys(str(label).lower() for label in listed)) or (signal.name.lower(),)
