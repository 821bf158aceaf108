"""Reads the answer proper out of what a model wrote: a marked line, a number, a letter, a program. It knows no key.

A model that reasons aloud ends with its answer, so that the last of several is read.
"""

import re
import unicodedata

__all__ = ["closing", "code_of", "letter_of", "marked", "normalised", "number_of"]

_MARK = re.compile(
    r"(?:\banswer(?:\s+is)?\s*[:=]|\banswer\s+is\b|####|(?P<box>\\boxed\{))[ \t*_`$]*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_COMMA = "{,}"
"""How TeX writes the comma of a thousand."""
_POWERS = str.maketrans(
    {
        character: f"^{digit}"
        for digit, character in enumerate(
            "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
        )
    }
)
_TELLING = re.compile(r"\.\d|[<>]=? ?[-.\d]")
_IS = re.compile(r"\bis\b|[:=](?=\s)", re.IGNORECASE)
_EDGES = " \t\r\n\"'`*_.,;:!?()[]{}<>“”\u2018\u2019«»$"
_NUMBER = re.compile(
    r"(?<![\w.,/])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d{1,3})?(?:\s*/\s*\d+(?![\d/]))?"
)
_FENCE = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_DEFINES = re.compile(r"^(?:async )?(?:def|class) ", re.MULTILINE)
_LINE_LETTER = re.compile(r"^[\s*_`(\[]*([A-Za-z])[*_`]*[).:\]]", re.MULTILINE)
_LONGEST = 100_000
"""Characters of an answer that are read, from its end."""


def marked(text: str) -> str:
    r"""Return what follows the last `Answer:`, `answer is`, `####` or in the last `\\boxed{}`; else all of it."""
    found = [*_MARK.finditer(text[-_LONGEST:])]
    if not found:
        return _plain(text[-_LONGEST:])
    said = found[-1]["said"]
    if (inner := said.rfind("\\boxed{")) >= 0:
        return _plain(_until_closed(said[inner + len("\\boxed{") :]))
    return _plain(_until_closed(said) if found[-1]["box"] else said)


def _until_closed(text: str) -> str:
    """Return `text` up to the brace that closes one that was opened before it."""
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if not depth:
            return text[:place]
    return text


def _plain(text: str) -> str:
    """Return `text` with the fractions and thousands of TeX as everybody writes them."""
    return _FRACTION.sub(r"\1/\2", text.replace(_COMMA, ",")).strip()


def closing(text: str) -> str:
    """Return what the last line says something is: the words after its last `is`, `:` or `=`, else the line."""
    last = text.rstrip()[-_LONGEST:].rpartition("\n")[2]
    return _IS.split(last)[-1].strip()


def normalised(text: str) -> str:
    """Return `text` without case, doubled blanks, and quotes, marks and points at its ends.

    What says something there stays: the point of `.5`, `<` and `>` before a number, brackets around a list, a power.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_POWERS)).casefold()
    joined = " ".join(plain.split())
    bare = joined.strip(_EDGES)
    if _TELLING.match(joined) or ("," in bare and joined[:1] in "([{"):
        return joined.rstrip(" .,;:!?")
    return bare


def number_of(text: str) -> float | None:
    """Return the last number, with `1,000` as a thousand and `3/4` as a fraction; None without one."""
    for part in (marked(text), text[-_LONGEST:]):
        found = [value for token in _NUMBER.findall(part) if (value := _value(token)) is not None]
        if found:
            return found[-1]
    return None


def letter_of(text: str, *, choices: int) -> str | None:
    """Return the capital letter of the choice among the first so many, or None if none can be read."""
    letters = {chr(ord("A") + place) for place in range(choices)}
    for part in (text.strip(), marked(text)):
        if (bare := part.strip(_EDGES).upper()) in letters:
            return bare
        if part != text.strip() and (first := _opening(part)) in letters:
            return first
    ticked = [letter.upper() for letter in _LINE_LETTER.findall(text[-_LONGEST:])]
    named = {letter for letter in ticked if letter in letters}
    if len(named) == 1:  # a list of all choices names more than one
        return str(named.pop())
    alone = re.findall(r"(?<![\w'])([B-HJ-Z])(?![\w'])", text[-_LONGEST:])
    found = {letter for letter in alone if letter in letters}
    return str(found.pop()) if len(found) == 1 else None


def code_of(text: str) -> str:
    """Return the last fenced block that defines something, else the last block, else all of the text."""
    blocks = _FENCE.findall(text)
    own = [code for language, code in blocks if language.lower() in ("python", "py", "python3")]
    codes = own or [code for _, code in blocks] or [text]
    # What follows the program is often an example of its use.
    return str(([code for code in codes if _DEFINES.search(code)] or codes)[-1])


def _opening(part: str) -> str | None:
    found = re.match(r"[\s*_`(\[]*([A-Za-z])(?![\w'])", part)
    return found[1].upper() if found else None


def _value(token: str) -> float | None:
    plain = token.replace(",", "").replace("\u2212", "-").replace(" ", "")
    try:
        if "/" not in plain:
            return float(plain)
        above, _, below = plain.partition("/")
        return float(above) / float(below)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
