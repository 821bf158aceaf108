"""What is read off a query besides its embedding: length, digits, notation, code, how it asks.

It knows no model and no language: counts and shares of characters and words, each robust to any text.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["SURFACE", "surface"]

_READ = 20_000
"""Characters; a longer text tells no more by its surface, but for its length."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CHOICE = re.compile(r"(?m)^\s*\(?[A-J][.)]\s")
_OPERATOR = re.compile(r"[=+*/^<>]")
_BRACKET = re.compile(r"[(){}\[\]]")
_EXCEPTION = re.compile(r"\b(?:not|except)\b", re.IGNORECASE)
_WHICH = re.compile(r"which of the following", re.IGNORECASE)
_CODE = re.compile(r"\bdef |\breturn\b|\bimport |[;{]\s*\n|=>|</\w+>")


def _share(pattern: re.Pattern[str]) -> Callable[[str, list[str]], float]:
    return lambda text, words: len(pattern.findall(text)) / max(len(text), 1)


def _character(character: str) -> Callable[[str, list[str]], float]:
    return lambda text, words: text.count(character) / max(len(text), 1)


SURFACE: dict[str, Callable[[str, list[str]], float]] = {
    "log_characters": lambda text, words: float(np.log1p(len(text))),
    "log_words": lambda text, words: float(np.log1p(len(words))),
    "choices": lambda text, words: float(len(_CHOICE.findall(text))),
    "log_numbers": lambda text, words: float(np.log1p(len(_NUMBER.findall(text)))),
    "digits": _share(re.compile(r"\d")),
    "capitals": _share(re.compile(r"[A-Z]")),
    "beyond_ascii": lambda text, words: float(not text.isascii()),
    "operators": _share(_OPERATOR),
    "brackets": _share(_BRACKET),
    "backslashes": _character("\\"),
    "dollars": _character("$"),
    "lines": _character("\n"),
    "commas": _character(","),
    "questions": lambda text, words: float(min(text.count("?"), 10)),
    "blank": lambda text, words: float("_" in text),
    "code": lambda text, words: float(bool(_CODE.search(text))),
    "exception": lambda text, words: float(bool(_EXCEPTION.search(text))),
    "which": lambda text, words: float(bool(_WHICH.search(text))),
    "word_length": lambda text, words: (
        min(sum(map(len, words)) / len(words), 50.0) if words else 0.0
    ),
    "distinct": lambda text, words: (
        len({word.casefold() for word in words}) / len(words) if words else 0.0
    ),
}
"""The features by name, in the order of the columns."""
_LENGTH = list(SURFACE).index("log_characters")


def surface(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the surface features of `texts`, (n, number of `SURFACE`), in their natural units."""
    rows = np.empty((len(texts), len(SURFACE)))
    for row, text in enumerate(texts):
        read = text[:_READ]
        words = read.split()
        rows[row] = [feature(read, words) for feature in SURFACE.values()]
        rows[row, _LENGTH] = np.log1p(len(text))  # the price goes with the whole
    return rows
