"""Splits names, values and questions into comparable words. It knows English word forms, no table and no SQL.

Names of columns, values of cells and the words of a question all go through `stems`, so `NetAmount`, `net_amount` and
"net amounts" compare equal. Stems are for comparing only, never for showing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PIECES = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_LEXER = re.compile(
    r"""(?P<quoted>"[^"\n]{1,80}"|\u201c[^\u201d\n]{1,80}\u201d|`[^`\n]{1,80}`|(?<![^\s(=])'[^'\n]{1,80}'(?!\w))
    |(?P<date>(?<!\d)\d{4}-\d{2}(?:-\d{2})?(?![\d-]))
    |(?P<number>(?:(?<!\w)-)?[$\u20ac\u00a3]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?[km]?(?!\w))
    |(?P<operator><=|>=|!=|<>|==|=|<|>)
    |(?P<word>[^\W_]+(?:['\u2019][^\W_]+)*)""",
    re.VERBOSE,
)
_ABBREVIATIONS = {
    "amt": "amount",
    "avg": "average",
    "cust": "customer",
    "dept": "department",
    "desc": "description",
    "prod": "product",
    "qty": "quantity",
}
_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman"}
_SCALE = {"k": 1_000, "m": 1_000_000}


class Kind(StrEnum):
    """What a piece of a question is."""

    WORD = "word"
    NUMBER = "number"
    DATE = "date"  # written as 2024-03-01 or 2024-03
    OPERATOR = "operator"  # = != < <= > >=
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One piece of a question: as written, in lower case, and as a stem."""

    kind: Kind
    text: str
    word: str
    stem: str

    @property
    def number(self) -> int | float:
        """Return the number that a NUMBER token writes."""
        digits = (
            self.text.lower().replace(",", "").translate(str.maketrans("", "", "$\u20ac\u00a3"))
        )
        if digits.lstrip("+-").isdecimal():
            return int(digits)  # a float would round a long one
        scale = _SCALE.get(digits[-1], 1)
        value = float(digits.rstrip("km")) * scale
        return int(value) if value.is_integer() else value


def stem(word: str) -> str:
    """Return the singular, lower-case form of a word; the same for a name and for a question."""
    word = re.sub(r"['\u2019]s?$", "", word.casefold())
    word = _ABBREVIATIONS.get(word, _IRREGULAR.get(word, word))
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> tuple[str, ...]:
    """Return the stems of a name or a value: `unitPrice_EUR` gives unit, price, eur."""
    return tuple(stem(piece) for piece in _PIECES.findall(_CAMEL.sub(" ", text)))


def tokens(question: str) -> list[Token]:
    """Return the pieces of a question, in order; punctuation is dropped."""
    return list(_lex(question))


def _lex(question: str) -> Iterator[Token]:
    for match in _LEXER.finditer(question):
        kind, text = Kind(str(match.lastgroup)), match.group()
        if kind is Kind.DATE and not _is_date(text):
            kind = Kind.QUOTED
        if kind is Kind.QUOTED:
            text = text.strip("\"'`\u201c\u201d")
            yield Token(kind=kind, text=text, word=text.casefold(), stem=" ".join(stems(text)))
        elif kind is Kind.WORD:
            # A column may be typed in camel case; each part is a word of its own.
            for part in _CAMEL.split(text):
                yield Token(kind=kind, text=part, word=part.casefold(), stem=stem(part))
        else:
            yield Token(kind=kind, text=text, word=text.casefold(), stem=text.casefold())


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    except ValueError:
        return False
    return True


def contains(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Tell whether `part` stands in `whole` as a run of neighbours."""
    width = len(part)
    return any(tuple(whole[i : i + width]) == tuple(part) for i in range(len(whole) - width + 1))


def joined(names: Sequence[str], *, last: str = "and") -> str:
    """Return names as code in a sentence: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
