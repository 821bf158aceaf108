"""What is known of keyword signals: a text holds each of the words or not, and a signal asks for some, all or none.

What the newest message holds, all that a model would read holds too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from graphs.policy.checks.atoms import Atoms, Fact, declaration
from graphs.policy.policy import Signal
from graphs.policy.signals.passage import is_unspaced, matched

__all__ = ["write_words"]

_PLAIN = re.compile(r"\w+(?: \w+)*")
"""Words between blanks."""
_LONGEST = 12
"""Words of a phrase within which others are looked for."""
_SOME, _ALL, _NONE = ("OR", "ANY"), ("AND", "ALL"), ("NOR", "NONE")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a text can hold: as it is looked for, so that equal ones are found in the same texts."""

    text: str
    sensitive: bool
    how: str
    """How it is looked for; empty if as a whole word."""
    anywhere: bool = False
    """Whether it is looked for in all that a model would read, and not in the newest message alone."""

    def within(self) -> Iterable["Word"]:
        """Yield the words that a text holds if it holds this one."""
        if self.how or is_unspaced(self.text) or not _PLAIN.fullmatch(self.text):
            return
        parts = self.text.split(" ")
        if len(parts) > _LONGEST:
            return
        for start in range(len(parts)):
            for end in range(start + 1, len(parts) + 1):
                part = " ".join(parts[start:end])
                for anywhere in {self.anywhere, True}:
                    if self.sensitive:
                        yield Word(part, True, "", anywhere)
                    yield Word(part.casefold(), False, "", anywhere)


def write_words(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let signals over the same words agree, and those that ask for fewer of them follow from each other."""
    words: dict[Word, int] = {}
    given: dict[Word, str] = {}
    for signal in signals:
        operator = str(signal.fields.get("operator", "OR")).upper()
        literals = []
        for keyword in keywords(signal):
            word = _word(signal, keyword)
            if word not in words:
                words[word] = atoms.fact("said" if word.anywhere else "words", keyword)
                given[word] = keyword
            literals.append(words[word])
        if not literals or operator not in (*_SOME, *_ALL, *_NONE) or _loose(signal):
            continue
        joined = atoms.circuit.all_of if operator in _ALL else atoms.circuit.any_of
        found = joined(literals)
        atoms.define(signal.key, -found if operator in _NONE else found)
    exact = {word.text for word in words if word.sensitive}
    for word, literal in words.items():
        if not word.sensitive:  # an example must not fire a signal for which the case counts
            kind = atoms.facts[literal].kind
            atoms.facts[literal] = Fact(kind, _otherwise(given[word], exact))
        for part in word.within():
            if words.get(part, literal) != literal:
                atoms.oracle.fact([-literal, words[part]])
        if not word.anywhere and (everywhere := words.get(replace(word, anywhere=True))):
            atoms.oracle.fact([-literal, everywhere])


def _otherwise(word: str, exact: set[str]) -> str:
    """Return a word in a case that differs from all of `exact`, if there is one."""
    forms = (word, word.lower(), word.upper(), word.title(), word.swapcase())
    return next((form for form in forms if form not in exact), word)


def keywords(signal: Signal) -> list[str]:
    """Return the words that a keyword signal asks for."""
    given = signal.fields.get("keywords")
    return [str(word) for word in given] if isinstance(given, list | tuple) else []


def _word(signal: Signal, keyword: str) -> Word:
    method = str(signal.fields.get("method", "")).casefold()
    sensitive = signal.fields.get("case_sensitive") is True
    anywhere = signal.fields.get("include_history") is True
    if method in ("", "exact") and not signal.fields.get("fuzzy_match"):
        text = " ".join(matched(keyword).split())
        return Word(text if sensitive else text.casefold(), sensitive, "", anywhere)
    how = declaration(signal, without=["keywords", "operator", "include_history"])
    return Word(keyword, sensitive, how, anywhere)


def _loose(signal: Signal) -> bool:
    """Return whether a threshold of 0 makes a word found that is not there."""
    return any(signal.fields.get(f"{method}_threshold") == 0 for method in ("bm25", "ngram"))
