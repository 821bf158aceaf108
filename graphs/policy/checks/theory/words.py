"""What is known of keyword signals: a text holds each of the words or not, and a signal asks for some, all or none."""

import re
from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms, declaration
from graphs.policy.policy import Signal

__all__ = ["write_words"]

_PLAIN = re.compile(r"\w+(?: \w+)*")


def write_words(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let signals over the same words agree, and those that ask for fewer of them follow from each other."""
    words: dict[tuple[str, bool, str], int] = {}
    shared: dict[str, str] = {}
    for signal in signals:
        asked = keywords(signal)
        operator = str(signal.fields.get("operator", "OR")).upper()
        method = str(signal.fields.get("method", "") or "exact")
        if not asked or method == "bm25" or operator not in ("OR", "AND", "NOR"):
            first = shared.setdefault(declaration(signal), signal.key)
            atoms.define(signal.key, atoms.raw(first))  # its score is of the whole set
            continue
        sensitive = bool(signal.fields.get("case_sensitive", False))
        how = (
            declaration(signal, without=["keywords", "operator", "case_sensitive", "method"])
            + method
        )
        literals = []
        for word in asked:
            named = (how, sensitive, word if sensitive else word.lower())
            if named not in words:
                words[named] = atoms.fact("words", word)
            literals.append(words[named])
        holds = (
            atoms.circuit.all_of(literals) if operator == "AND" else atoms.circuit.any_of(literals)
        )
        atoms.define(signal.key, -holds if operator == "NOR" else holds)
    _follow(words, atoms)


def keywords(signal: Signal) -> list[str]:
    """Return the words that a keyword signal asks for."""
    given = signal.fields.get("keywords")
    return [str(word) for word in given] if isinstance(given, list | tuple) else []


def _follow(words: dict[tuple[str, bool, str], int], atoms: Atoms) -> None:
    """Let a phrase imply the phrases within it, and a word in its own case the word in any."""
    for (how, sensitive, word), literal in words.items():
        if not _PLAIN.fullmatch(word):
            continue
        parts = word.split(" ")
        for start in range(len(parts)):
            for end in range(start + 1, len(parts) + 1):
                part = " ".join(parts[start:end])
                for other in ((how, sensitive, part), (how, False, part.lower())):
                    if other in words and words[other] != literal:
                        atoms.oracle.fact([-literal, words[other]])
