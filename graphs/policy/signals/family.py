"""What a family of signals is: its fields, what can be wrong with them, and how it reads a turn.

It knows no family; `table.py` has them all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.turn import Turn, Vectors

__all__ = ["Family", "Kind", "Kit", "Problem", "Read", "cut", "fired", "is_texts", "no", "nothing"]

Answer = Reading | Mapping[str, Reading]
"""A reading, or several by their keys."""
Read = Callable[[Turn], Answer]
"""A signal that is ready to be read."""
_LONGEST_DETAIL = 60


class Kind(StrEnum):
    """What the value of a field is to be; the value is how a message names it."""

    TEXT = "a text"
    TEXTS = "a list of texts, at least one and none empty"
    ANY_TEXTS = "a list of texts"
    FLAG = "true or false"
    SHARE = "a number from 0 to 1"
    NUMBER = "a number"
    COUNT = "a whole number from 0 on"
    TOKENS = 'a number of tokens, as 8000 or "8K"'
    FIELDS = "fields in braces"
    BLOCKS = "a list of fields in braces, at least one"
    VALUE = "a text, a number, or true or false"
    VALUES = "a list of texts or numbers, at least one"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of a signal."""

    field: str
    message: str
    """What was given and what was expected; the signal and the field are named before it."""
    code: str = "wrong_value"
    hint: str = ""
    severe: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a signal is prepared with."""

    encoder: str = ""
    """The encoder's name, empty without one."""
    rows: Mapping[str, Vectors] = field(default_factory=dict)
    """The vectors of the examples, which were embedded in one batch."""

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of examples, (n, d)."""
        return np.stack([self.rows[text] for text in texts])


def nothing(_: Signal) -> Sequence[Any]:
    """Return no examples, no problems."""
    return ()


def no(_: Signal) -> None:
    """Return that nothing is in the way."""
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The signals of one type."""

    fields: Mapping[str, Kind]
    prepare: Callable[[Signal, Kit], Read]
    """Make a signal ready; its fields have been checked."""
    required: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The words that a text may be, whatever their case."""
    examples: Callable[[Signal], Sequence[str]] = nothing
    """The texts that are embedded beforehand."""
    embeds: Callable[[Signal], bool] = lambda _: False
    """Whether it reads the turn's vectors."""
    problems: Callable[[Signal], Iterable[Problem]] = nothing
    """What is wrong beyond the kinds of values; asked only if those are right."""
    plugin: Callable[[Signal], str | None] = no
    """Why nothing here can read it and a classifier is needed."""


def fired(fires: bool, score: float, threshold: float | None = None, detail: str = "") -> Reading:
    """Return a reading with the score within 0 and 1 and the detail short."""
    return Reading(fires, min(1.0, max(0.0, score)), threshold, cut(detail))


def is_texts(value: object) -> bool:
    """Return whether a value is a list of texts, at least one and none empty."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(text, str) and text.strip() for text in value)
    )


def cut(text: str) -> str:
    """Return the beginning of a text as one line."""
    line = " ".join(text[: 2 * _LONGEST_DETAIL].split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 3]}..."
