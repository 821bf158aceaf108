"""Reads the answer proper out of what a model wrote: a marked line, a number, a letter, a program. It knows no key.

A model that reasons aloud ends with its answer, so that the last of several is read.
"""

import re
import unicodedata

__all__ = ["closing", "code_of", "letter_of", "marked", "normalised", "number_of", "thought_out"]

_MARK = re.compile(
    r"(?:\banswer(?:\s+is)?\s*[:=]|\banswer\s+is\b|####|(?P<box>\\boxed\{))[ \t*_`$]*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_COMMA = re.compile(r"\{,\}|,\\!|(?<=\d)\\,(?=\d{3})")
"""How TeX writes the comma of a thousand."""
_RAISED = re.compile("[\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_TENS = re.compile(
    r"(?:(?<=\d)\s*(?:[x*\u00d7\u00b7]|\\times|\\cdot)\s*10|(?<![\w.,])10)\s*\^\s*\{?\s*([-+\u2212]?\d{1,3})\b\}?"
)
"""A power of ten, with what it multiplies before it or alone."""
_POWER = re.compile(r"\^\s*(?:\{[^{}]*\}|[-+\u2212]?\w+)")
_ASIDE = re.compile(r"\([^()]*\)")
_TELLING = re.compile(r"\.\d|[<>]=? ?[-.\d]")
_IS = re.compile(r"\bis\b|[:=](?=\s)", re.IGNORECASE)
_EDGES = " \t\r\n\"'`*_.,;:!?()[]{}<>“”\u2018\u2019«»$"
_NUMBER = re.compile(
    r"(?<![\w.,/])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d{1,3})?(?:\s*/\s*\d+(?![\d/]))?"
)
_FENCE = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_DEFINES = re.compile(r"^(?:async )?(?:def|class) ", re.MULTILINE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:\bnot|n't)\s+(?:(?:choice|option)\s+)?[*(]*[A-Z](?![\w'])|(?<![\w'])[A-Z][*)]*\s+is(?:n't|\s+(?:false|incorrect|not|wrong))\b"
)
"""A letter of which is said that it is not the answer."""
_LINE_LETTER = re.compile(r"^[ \t*_`(\[]*([A-Za-z])[*_`]*[).:\]]", re.MULTILINE)
# A word on its own is no letter: the article and the pronoun.
_LETTER_ALONE = re.compile(
    r"(?<![\w'])(?:[B-HJ-Z]|A(?=\W*$|\s*[.,;:!?)\]*/]|\s+(?:and|because|is|or|since)\b))(?![\w'])",
    re.MULTILINE,
)
_OPENING_LETTER = re.compile(
    r"[\s*_`(\[]*([A-Zb-hj-z](?![\w'])|[ai](?=[*_`]*(?:[).:,;\]]|\s*$)))"
    r"(?![*_`)\]]*,?\s*(?:/|and\b|or\b)[\s*_`(\[]*[A-Z](?![\w']))"
)
"""The letter with which an answer begins, unless it goes on with another one: who names two has not chosen."""
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
    return _FRACTION.sub(r"\1/\2", _COMMA.sub(",", text)).strip()


def thought_out(text: str) -> str:
    """Return `text` without what a model that thinks aloud thought before its answer."""
    return _THOUGHT.split(text)[-1]


def closing(text: str) -> str:
    """Return what the last line says something is: the words after its last `is`, `:` or `=`, else the line."""
    last = text.rstrip()[-_LONGEST:].rpartition("\n")[2]
    return _IS.split(last)[-1].strip()


def normalised(text: str) -> str:
    """Return `text` without case, doubled blanks, and quotes, marks and points at its ends.

    What says something there stays: the point of `.5`, `<` and `>` before a number, brackets around a list, a power.
    """
    plain = unicodedata.normalize("NFKC", _raised(text)).casefold()
    joined = " ".join(plain.split())
    bare = joined.strip(_EDGES)
    if _TELLING.match(joined) or ("," in bare and joined[:1] in "([{"):
        return joined.rstrip(" .,;:!?")
    return bare


def number_of(text: str) -> float | None:
    """Return the last number, with `1,000` as a thousand and `3/4` as a fraction; None without one.

    What a marked answer adds in brackets counts if it has no other number, and a power that is not of ten never.
    """
    said, whole = marked(text), _plain(text[-_LONGEST:])
    for part in (said if said == whole else _ASIDE.sub(" ", said), said, whole):
        plain = _POWER.sub("", _TENS.sub(_ten, _raised(part)))
        found = [value for token in _NUMBER.findall(plain) if (value := _value(token)) is not None]
        if found:
            return found[-1]
    return None


def letter_of(text: str, *, choices: int) -> str | None:
    """Return the capital letter of the choice among the first so many, or None if none can be read."""
    letters = {chr(ord("A") + place) for place in range(choices)}
    text = _DENIED.sub(" ", text[-_LONGEST:])
    for part in (text.strip(), marked(text)):
        if (bare := part.strip(_EDGES).upper()) in letters:
            return bare
        if part != text.strip() and (first := _opening(part)) in letters:
            return first
    ticked = [letter.upper() for letter in _LINE_LETTER.findall(text)]
    named = {letter for letter in ticked if letter in letters}
    if len(named) == 1:  # a list of all choices names more than one
        return str(named.pop())
    found = {letter for letter in _LETTER_ALONE.findall(text) if letter in letters}
    return str(found.pop()) if len(found) == 1 else None


def code_of(text: str) -> str:
    """Return the last fenced block that defines something, else the last block, else all of the text."""
    blocks = _FENCE.findall(text)
    own = [code for language, code in blocks if language.lower() in ("python", "py", "python3")]
    codes = own or [code for _, code in blocks] or [text]
    # What follows the program is often an example of its use.
    return str(([code for code in codes if _DEFINES.search(code)] or codes)[-1])


def _opening(part: str) -> str | None:
    found = _OPENING_LETTER.match(part)
    return found[1].upper() if found else None


def _raised(text: str) -> str:
    """Return `text` with its raised digits as powers."""
    return _RAISED.sub(lambda digits: "^" + unicodedata.normalize("NFKC", digits[0]), text)


def _ten(power: re.Match[str]) -> str:
    """Return a power of ten as a float has it, behind the digits that it multiplies or alone."""
    alone = power[0].startswith("10")
    return f"{'1' * alone}e{power[1].replace(chr(0x2212), '-')}"


def _value(token: str) -> float | None:
    plain = token.replace(",", "").replace("\u2212", "-").replace(" ", "")
    try:
        if "/" not in plain:
            return float(plain)
        above, _, below = plain.partition("/")
        return float(above) / float(below)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
